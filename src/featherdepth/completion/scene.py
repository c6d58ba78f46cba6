"""What every method of completion works on, and the grid that its fields live on."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int

from featherdepth.completion.nearest import distances
from featherdepth.geometry.anchors import Anchors
from featherdepth.geometry.resize import Size, resize_map
from featherdepth.types import Depth, Image

CELL = 4
"""Pixels of a cell of the grid to each side: fields of log-ratios are smooth."""

Coarse = Float32[np.ndarray, "_ _"]
Fine = Float32[np.ndarray, "_ _"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """Trusted points, and the first stage's map aligned to them."""

    anchors: Anchors
    """At least one; outliers are gone."""
    log_prior: Fine
    """log of the aligned map, finite everywhere."""
    prior: Depth
    """The first stage's map as it came."""
    photo: Image | None = None
    """What both belong to, where a method looks at it."""
    all_right: bool = False
    """No point is wrong: none is left out on the way."""
    threads: int | None = None
    """Of a method's network; by default what the backend takes."""
    network: Path | None = None
    """Folder of a method's network; by default the embedded one."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.anchors.size

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of cells."""
        height, width = self.size
        return -(-height // CELL), -(-width // CELL)

    @cached_property
    def log_meters(self) -> Float64[np.ndarray, " n"]:
        """At the points."""
        logs: Float64[np.ndarray, " n"] = np.log(self.anchors.meters)
        return logs

    @cached_property
    def log_ratio(self) -> Float64[np.ndarray, " n"]:
        """log(measured) - log(aligned map) at the points."""
        ratio: Float64[np.ndarray, " n"] = self.log_meters - self.anchors.at(self.log_prior)
        return ratio

    @cached_property
    def distances(self) -> Coarse:
        """Of the middle of each cell to the nearest point, in pixels."""
        return distances(self.anchors, step=CELL)

    def support(self) -> Fine:
        """Distance of every pixel to the nearest point, in pixels; exact to about one pixel."""
        fine = self.upsampled(self.distances)
        fine[self.anchors.places[:, 0], self.anchors.places[:, 1]] = 0
        return fine

    @cached_property
    def coarse_prior(self) -> Coarse:
        """`log_prior` on the grid, antialiased."""
        return resize_map(self.log_prior, self.grid)

    def log_prior_at(self, size: Size) -> Fine:
        """`log_prior` at another size, antialiased; kept at half of its own."""
        if size == half_of(self.size):
            return self._half_log_prior
        return resize_map(self.log_prior, size)

    @cached_property
    def _half_log_prior(self) -> Fine:
        return resize_map(self.log_prior, half_of(self.size))

    def gathered(self, values: Float64[np.ndarray, " n"]) -> tuple[Coarse, Coarse]:
        """Means of point values in the cells of the grid; and how many."""
        return gathered(self.anchors, values, self.grid)

    def upsampled(self, field: Coarse) -> Fine:
        """A field of the grid at every pixel, bilinear."""
        return resize_map(field, self.size)

    def without(self, held_out: np.ndarray) -> "Scene":
        """The same scene with fewer points; the alignment stays that of all of them."""
        return replace(self, anchors=self.anchors.only(~held_out))


def half_of(size: Size) -> Size:
    """Half a (height, width), rounded up."""
    return -(-size[0] // 2), -(-size[1] // 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """Log depth as a smooth field over a share of the prior's log depth."""

    values: Coarse
    """Over the whole picture, of any size."""
    trust: float = 1.0
    """log depth = field + trust * log prior: 1 keeps the prior's relief, 0 none of it."""

    def log_depth(self, scene: Scene) -> Fine:
        """At every pixel."""
        fine = scene.upsampled(self.values)
        if self.trust:
            fine = fine + np.float32(self.trust) * scene.log_prior
        return fine

    def at(self, scene: Scene, places: Int[np.ndarray, "n 2"]) -> Float64[np.ndarray, " n"]:
        """Log depth at some pixels, as `log_depth` has it there."""
        found = _bilinear(self.values, places, scene.size)
        prior = scene.log_prior[places[:, 0], places[:, 1]]
        result: Float64[np.ndarray, " n"] = found + self.trust * prior.astype(np.float64)
        return result


def gathered(
    anchors: Anchors, values: Float64[np.ndarray, " n"], size: tuple[int, int]
) -> tuple[Coarse, Coarse]:
    """Means of point values on a map of `size`, 0 where there is no point; and how many."""
    rows, columns = anchors.on(size).T
    cells = rows * size[1] + columns
    means, count = np.zeros((2, size[0] * size[1]), np.float32)
    known = np.zeros(count.size, np.bool_)
    known[cells] = True
    few = np.flatnonzero(known)  # the others are not looked at
    count[few] = held = np.bincount(cells)[few]
    means[few] = np.bincount(cells, weights=values)[few] / held
    return means.reshape(size), count.reshape(size)


def _bilinear(
    field: Coarse, places: Int[np.ndarray, "n 2"], size: tuple[int, int]
) -> Float64[np.ndarray, " n"]:
    sides = [_between(places[:, i], field.shape[i], size[i]) for i in (0, 1)]
    (top, bottom, down), (left, right, along) = sides
    upper = field[top, left] * (1 - along) + field[top, right] * along
    lower = field[bottom, left] * (1 - along) + field[bottom, right] * along
    mixed: Float64[np.ndarray, " n"] = upper * (1 - down) + lower * down
    return mixed


def _between(
    pixels: Int[np.ndarray, " n"], cells: int, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cell before, cell behind, and the way between them; half-pixel centers."""
    place = ((pixels + 0.5) * (cells / side) - 0.5).clip(0, cells - 1)
    first = np.floor(place).astype(np.int64)
    return first, np.minimum(first + 1, cells - 1), place - first
