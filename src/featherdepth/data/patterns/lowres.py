"""A sensor with few pixels."""

from dataclasses import dataclass

import numpy as np

from featherdepth.data.patterns.base import known, with_values
from featherdepth.data.patterns.fill import fill_with_mean
from featherdepth.geometry.resize import resize_map
from featherdepth.types import Depth, Image


@dataclass(frozen=True, slots=True)
class Lowres:
    """The map made FACTOR times smaller (holes filled first), at every FACTOR-th pixel.

    Value (i, j) of the small map goes to pixel (floor(i * FACTOR), floor(j * FACTOR)), so it lies
    up to half a block from the area it stands for; not where that pixel has no depth. After
    Prior Depth Anything's tests, but antialiased: a sensor with few pixels gathers light with all
    its area.
    """

    factor: int

    def __post_init__(self) -> None:
        if not 2 <= self.factor <= 256:
            raise ValueError(f"factor {self.factor}; expected 2 to 256")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        height, width = truth.size
        size = (max(1, height // self.factor), max(1, width // self.factor))
        usable = known(truth)
        small = resize_map(fill_with_mean(truth.values, usable), size)
        values = np.zeros(truth.size, dtype=np.float32)
        rows, columns = (np.arange(length) * self.factor for length in size)
        values[np.ix_(rows, columns)] = small
        return with_values(truth, np.where(usable, values, np.float32(0)))
