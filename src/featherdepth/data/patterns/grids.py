"""Points spread evenly: a shaken grid, and the rosette of a scanner with two turning prisms."""

from dataclasses import dataclass

import numpy as np

from featherdepth.data.patterns.base import check_count, keep, mark
from featherdepth.types import Depth, Image

TURNS_HZ = (121.57, 77.73)
"""Of the two prisms, in opposite directions."""
SWEEP_S = 0.1


@dataclass(frozen=True, slots=True)
class Grid:
    """About COUNT points on a square grid at a random place, each moved at random.

    By up to JITTER of the spacing in each direction.
    """

    count: int
    jitter: float = 0.25

    def __post_init__(self) -> None:
        check_count(self.count)
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter {self.jitter:g}; expected a share from 0 to 1")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        height, width = truth.size
        spacing = max(1.0, (height * width / self.count) ** 0.5)
        top, left = rng.uniform(0, spacing, 2)
        rows, columns = np.meshgrid(
            np.arange(top, height, spacing) - 0.5,
            np.arange(left, width, spacing) - 0.5,
            indexing="ij",
        )
        reach = self.jitter * spacing
        rows = rows + rng.uniform(-reach, reach, rows.shape)
        columns = columns + rng.uniform(-reach, reach, columns.shape)
        return keep(truth, mark(rows.ravel(), columns.ravel(), truth.size))


@dataclass(frozen=True, slots=True)
class Rosette:
    """COUNT shots along a rosette over the whole map, begun at a random place of its path.

    Two prisms turn against each other (7294 and 4664 turns a minute, a tenth of a second).
    """

    count: int

    def __post_init__(self) -> None:
        check_count(self.count)
        if self.count > 1_000_000:
            raise ValueError(f"{self.count} points; expected up to 1000000")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        height, width = truth.size
        time = np.linspace(0, SWEEP_S, self.count, endpoint=False)
        first, second = rng.uniform(0, 2 * np.pi, 2)
        one = 2 * np.pi * TURNS_HZ[0] * time + first
        other = -2 * np.pi * TURNS_HZ[1] * time + second
        across, down = (np.cos(one) + np.cos(other)) / 2, (np.sin(one) + np.sin(other)) / 2
        columns, rows = (width - 1) / 2 * (1 + across), (height - 1) / 2 * (1 + down)
        return keep(truth, mark(rows, columns, truth.size))
