"""Whole parts of the map that a sensor does not see: too far, holes, a smaller field of view."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

from featherdepth.data.patterns.base import check_count, keep, keep_some, known
from featherdepth.types import Depth, Image

Count = int | Literal["all"]
USUAL = 2000
HOLES = (3, 8)
"""Fewest and most holes of a mask before it is turned and stretched."""


@dataclass(frozen=True, slots=True)
class Range:
    """COUNT (or all) of the nearest SHARE of the valid pixels: a sensor of short reach.

    After Prior Depth Anything's tests.
    """

    share: float
    count: Count = USUAL

    def __post_init__(self) -> None:
        _check_count(self.count)
        if not 0 < self.share <= 1:
            raise ValueError(f"share {self.share:g}; expected above 0, up to 1")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        reach = np.quantile(truth.values[known(truth)], self.share)
        return _some(truth, truth.values <= np.float32(reach), self.count, rng)


@dataclass(frozen=True, slots=True)
class Between:
    """COUNT (or all) of the valid pixels from NEAR to FAR metres."""

    near: float
    far: float
    count: Count = USUAL

    def __post_init__(self) -> None:
        _check_count(self.count)
        if not 0 <= self.near < self.far:
            raise ValueError(f"from {self.near:g} to {self.far:g} m; expected 0 <= near < far")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        within = (truth.values > self.near) & (truth.values < self.far)
        return _some(truth, within, self.count, rng)


@dataclass(frozen=True, slots=True)
class SquareHole:
    """COUNT (or all) of the valid pixels outside a square of EDGE pixels at a random place.

    After Prior Depth Anything's tests.
    """

    edge: int
    count: Count = USUAL

    def __post_init__(self) -> None:
        _check_count(self.count)
        if self.edge < 1:
            raise ValueError(f"a hole of {self.edge} pixels; expected 1 or more")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        height, width = truth.size
        top = int(rng.integers(max(1, height - self.edge + 1)))
        left = int(rng.integers(max(1, width - self.edge + 1)))
        outside = np.ones(truth.size, dtype=bool)
        outside[top : top + self.edge, left : left + self.edge] = False
        return _some(truth, outside, self.count, rng)


@dataclass(frozen=True, slots=True)
class Border:
    """COUNT (or all) of the valid pixels but those of a border that takes SHARE of the map."""

    share: float = 0.25
    count: Count = "all"

    def __post_init__(self) -> None:
        _check_count(self.count)
        if not 0 < self.share < 1:
            raise ValueError(f"share {self.share:g}; expected above 0, below 1")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        height, width = truth.size
        left_over = (1 - math.sqrt(1 - self.share)) / 2
        top, left = round(height * left_over), round(width * left_over)
        inside = np.zeros(truth.size, dtype=bool)
        inside[top : height - top, left : width - left] = True
        return _some(truth, inside, self.count, rng)


@dataclass(frozen=True, slots=True)
class Holes:
    """COUNT (or all) of the valid pixels outside random holes, as dark or shiny things make them.

    With probability 0.8: three to eight rounded holes, the whole turned by any angle, moved by up
    to half the map, stretched 0.5 to 4 times and sheared by up to 60 degrees: the numbers of
    G2-MonoDepth, with holes of our own in place of its recorded masks.
    """

    count: Count = "all"

    def __post_init__(self) -> None:
        _check_count(self.count)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        if rng.random() >= 0.8:
            return _some(truth, known(truth), self.count, rng)
        return _some(truth, ~_hole_mask(truth.size, rng), self.count, rng)


def _hole_mask(size: tuple[int, int], rng: np.random.Generator) -> Bool[np.ndarray, "h w"]:
    """True inside the holes. The pattern of holes lies in a square of edge 1 around its middle."""
    height, width = size
    edge = max(height, width)
    down = ((np.arange(height) - (height - 1) / 2) / edge)[:, None]
    across = ((np.arange(width) - (width - 1) / 2) / edge)[None, :]
    turn, shear = rng.uniform(-math.pi, math.pi), math.tan(rng.uniform(-1, 1) * math.pi / 3)
    scale = math.exp(rng.uniform(math.log(0.5), math.log(4)))
    move = rng.uniform(-0.5, 0.5, 2)
    x, y = (across - move[0]) / scale, (down - move[1]) / scale
    x, y = math.cos(turn) * x + math.sin(turn) * y, math.cos(turn) * y - math.sin(turn) * x
    x = x + shear * y
    inside = np.zeros(size, dtype=bool)
    for _ in range(int(rng.integers(HOLES[0], HOLES[1] + 1))):
        (u, v), radius = rng.uniform(-0.5, 0.5, 2), rng.uniform(0.03, 0.15)
        waves = rng.uniform(0, 0.3, 3)
        phases = rng.uniform(0, 2 * math.pi, 3)
        distance = np.hypot(x - u, y - v)
        near = distance < 2 * radius  # waves add up to 0.9 at most
        angle = np.arctan2(y - v, x - u)[near]
        border = 1 + sum(
            wave * np.cos(k * angle + phase)
            for k, (wave, phase) in enumerate(zip(waves, phases, strict=True), start=2)
        )
        inside[near] |= distance[near] < radius * border
    return inside


def _some(
    truth: Depth, allowed: Bool[np.ndarray, "h w"], count: Count, rng: np.random.Generator
) -> Depth:
    return keep(truth, allowed) if count == "all" else keep_some(truth, allowed, count, rng)


def _check_count(count: Count) -> None:
    if count != "all":
        check_count(count)
