"""Time-of-flight sensors with few zones: each answers with one depth for a whole area."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from featherdepth.data.patterns.base import keep, known, mark, with_values
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.geometry.splat import pixels_of
from featherdepth.types import Depth, Image, Intrinsics

FIELD_DEG = 45.0
REACH_M = 4.0
LEAST_SHARE = 0.5
"""Of the pixels of a zone that must be valid."""
BIN = math.log(1.05)
"""Width of a bin of the histogram of a zone, in log depth."""
PHONE_REACH_M = 5.0
Answer = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""Zone and depth of each pixel, and how many zones there are -> one depth a zone."""


@dataclass(frozen=True, slots=True)
class Zones:
    """ROWSxCOLUMNS zones of a field of 45 x 45 degrees: the mean depth, at the zone's middle.

    Farther than 4 m there is no answer. Each answer is off by a share with standard deviation
    SIGMA. By the map's own camera; without one a vertical field of view of 60 degrees is assumed.
    A zone of which less than half is measured gives nothing.
    """

    zones: tuple[int, int]
    sigma: float = 0.03

    def __post_init__(self) -> None:
        _check(self.zones, self.sigma)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        return _measured(truth, self.zones, self.sigma, rng, _mean)


@dataclass(frozen=True, slots=True)
class ZonesMode:
    """As `zones`, with the nearest strong peak of the zone's depths in place of their mean.

    Bins of 5 %; strong is at least half of the fullest bin.
    """

    zones: tuple[int, int]
    sigma: float = 0.03

    def __post_init__(self) -> None:
        _check(self.zones, self.sigma)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        return _measured(truth, self.zones, self.sigma, rng, _nearest_mode)


@dataclass(frozen=True, slots=True)
class Phone:
    """ROWSxCOLUMNS points evenly over the map, up to 5 m (a phone's laser scanner: 24x24)."""

    points: tuple[int, int] = (24, 24)

    def __post_init__(self) -> None:
        _check(self.points, 0.0)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        middles = [
            (np.arange(count) + 0.5) * length / count - 0.5
            for count, length in zip(self.points, truth.size, strict=True)
        ]
        rows, columns = np.meshgrid(*middles, indexing="ij")
        near = truth.values <= PHONE_REACH_M
        return keep(truth, mark(rows.ravel(), columns.ravel(), truth.size) & near)


def _measured(
    truth: Depth, zones: tuple[int, int], sigma: float, rng: np.random.Generator, answer: Answer
) -> Depth:
    camera = truth.intrinsics or assumed_intrinsics(*truth.size)
    zone = _zone_of_each_pixel(camera, zones)
    usable = known(truth)
    count = zones[0] * zones[1]
    inside = np.bincount(zone[zone >= 0], minlength=count)
    seen = (zone >= 0) & usable
    measured = np.bincount(zone[seen], minlength=count)
    value = answer(zone[seen], truth.values[seen].astype(np.float64), count)
    value = value * (1 + sigma * rng.standard_normal(count))
    row, column, lies_inside = _middles(camera, zones)
    heard = lies_inside & (measured > 0) & (measured >= LEAST_SHARE * inside)
    heard &= (value > 0) & (value <= REACH_M)
    values = np.zeros(truth.size)
    values[row[heard], column[heard]] = value[heard]
    return with_values(truth, values)


def _edges(length: int) -> Float[np.ndarray, " n"]:
    """Slopes of the borders of the zones: equal angles."""
    half = math.radians(FIELD_DEG / 2)
    return np.tan(np.linspace(-half, half, length + 1))


def _zone_of_each_pixel(camera: Intrinsics, zones: tuple[int, int]) -> Int[np.ndarray, "h w"]:
    """Number of the zone, by rows; -1 outside the field."""
    across = (np.arange(camera.width) - camera.cx) / camera.fx
    down = (np.arange(camera.height) - camera.cy) / camera.fy
    row = np.digitize(down, _edges(zones[0])) - 1
    column = np.digitize(across, _edges(zones[1])) - 1
    row[row >= zones[0]] = -1
    column[column >= zones[1]] = -1
    number = row[:, None] * zones[1] + column[None, :]
    outside = (row < 0)[:, None] | (column < 0)[None, :]
    return np.where(outside, -1, number)


def _middles(
    camera: Intrinsics, zones: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    middle = [(edges[:-1] + edges[1:]) / 2 for edges in map(_edges, zones)]
    rows, columns = np.meshgrid(
        camera.cy + camera.fy * middle[0], camera.cx + camera.fx * middle[1], indexing="ij"
    )
    return pixels_of(rows.ravel(), columns.ravel(), (camera.height, camera.width))


def _mean(
    zone: Int[np.ndarray, " n"], depth: Float[np.ndarray, " n"], count: int
) -> Float[np.ndarray, " k"]:
    total = np.bincount(zone, weights=depth, minlength=count)
    return total / np.maximum(np.bincount(zone, minlength=count), 1)


def _nearest_mode(
    zone: Int[np.ndarray, " n"], depth: Float[np.ndarray, " n"], count: int
) -> Float[np.ndarray, " k"]:
    value = np.zeros(count)
    for number in np.unique(zone):
        own = depth[zone == number]
        bins = np.floor(np.log(own) / BIN).astype(np.int64)
        names, filled = np.unique(bins, return_counts=True)
        nearest = names[filled >= 0.5 * filled.max()].min()
        value[number] = own[bins == nearest].mean()
    return value


def _check(zones: tuple[int, int], sigma: float) -> None:
    if not all(1 <= length <= 256 for length in zones):
        raise ValueError(f"{zones[0]}x{zones[1]} zones; expected 1x1 to 256x256")
    if not 0 <= sigma <= 0.5:
        raise ValueError(f"sigma {sigma:g}; expected a share from 0 to 0.5")
