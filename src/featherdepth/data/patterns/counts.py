"""Pixels at random: so many, or such a share."""

from dataclasses import dataclass

import numpy as np

from featherdepth.data.patterns.base import check_count, keep, keep_some, known
from featherdepth.types import Depth, Image

LEAST = 5
"""Points of `density`, however little of the map is valid."""


@dataclass(frozen=True, slots=True)
class All:
    """Every valid pixel: a scan that is sparse already, or a dense sensor."""

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        return keep(truth, known(truth))


@dataclass(frozen=True, slots=True)
class Uniform:
    """Exactly COUNT of the valid pixels, at random (all where there are fewer).

    Drawn by one generator, more points contain the fewer; `evaluate` and `sparsify` seed it by the
    pattern's text too: there another COUNT takes other points. The rule of NLSPN's loader.
    """

    count: int

    def __post_init__(self) -> None:
        check_count(self.count)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        return keep_some(truth, known(truth), self.count, rng)


@dataclass(frozen=True, slots=True)
class UniformBernoulli:
    """Each valid pixel with probability COUNT / valid pixels: the count varies.

    The rule of sparse-to-dense.
    """

    count: int

    def __post_init__(self) -> None:
        check_count(self.count)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        chance = self.count / int(known(truth).sum())
        return keep(truth, rng.random(truth.size) < chance)


@dataclass(frozen=True, slots=True)
class Density:
    """As many valid pixels as COUNT would be on a map without holes, and at least 5.

    The rule of OMNI-DC's training.
    """

    count: int

    def __post_init__(self) -> None:
        check_count(self.count)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        share = float(known(truth).mean())
        return keep_some(truth, known(truth), max(round(share * self.count), LEAST), rng)


@dataclass(frozen=True, slots=True)
class Percent:
    """SHARE percent of the pixels of the map, of the valid ones (0.7: 2150 at 640x480)."""

    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share <= 100:
            raise ValueError(f"{self.share:g} percent; expected above 0, up to 100")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        count = max(1, round(truth.values.size * self.share / 100))
        return keep_some(truth, known(truth), count, rng)


@dataclass(frozen=True, slots=True)
class RandomSparsity:
    """Each valid pixel is lost with one probability, drawn from 0 to 0.9 or from 0.9 to 1.

    Either range half of the time. The rule of SPNet.
    """

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        low, high = ((0.0, 0.9), (0.9, 1.0))[int(rng.integers(2))]
        lost = rng.uniform(low, high)
        return keep(truth, rng.random(truth.size) >= lost)
