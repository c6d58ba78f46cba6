"""Measured points of a sparse map, and which of them lie near each other."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int

from featherdepth.types import Depth, DepthKind

NEIGHBORS = 8
"""That say whether a point is wrong."""
EXACT = 1500
"""Up to so many points every distance is computed; above, neighbors are sought in cells."""
PER_CELL = 12
"""Points of a cell that are looked at; a denser cell has enough near neighbors in them."""
AT_ONCE = 1 << 11
"""Points whose neighbors are sought at a time: what is looked at stays in the cache."""

Places = Int[np.ndarray, "n 2"]
Values = Float64[np.ndarray, " n"]
Pixels = Int[np.ndarray, "*n"]
Length = int | Int[np.ndarray, " 2"]
"""Of one side, or of (height, width)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Anchors:
    """The valid pixels of a sparse METRIC map, row by row."""

    places: Places
    """(row, column)"""
    meters: Values
    size: tuple[int, int]
    """(height, width) of the map."""

    def __len__(self) -> int:
        return len(self.meters)

    def at(self, values: Float[np.ndarray, "h w"]) -> Values:
        """The values of a map of the same size at the points."""
        found: Values = values[self.places[:, 0], self.places[:, 1]].astype(np.float64)
        return found

    def on(self, size: tuple[int, int]) -> Places:
        """(row, column) of the points on a map of another size."""
        return cell_of(self.places, np.array(self.size), np.array(size))

    @cached_property
    def neighbors(self) -> Int[np.ndarray, "n k"]:
        """The numbers of the 8 nearest other points of each, of all others where they are fewer."""
        return nearest_others(self.places, NEIGHBORS)

    def only(self, kept: Bool[np.ndarray, " n"]) -> "Anchors":
        """Some of the points."""
        if kept.all():
            return self  # with the neighbors that it knows
        some = Anchors(places=self.places[kept], meters=self.meters[kept], size=self.size)
        if "neighbors" in vars(self) and NEIGHBORS < len(some) <= EXACT:
            vars(some)["neighbors"] = _left(self.neighbors, kept, self.places)
        return some


def cell_of(pixels: Pixels, length: Length, cells: Length) -> Pixels:
    """Of `cells` over a side of `length` pixels the one that a pixel's center lies in."""
    found: Pixels = (2 * pixels + 1) * cells // (2 * length)
    return found


def anchors_of(sparse: Depth) -> Anchors:
    """The points of a sparse map; values at or below 0 are none.

    Raises:
        ValueError: not metric.
    """
    if sparse.kind is not DepthKind.METRIC:
        raise ValueError(f"measured points are metric, got {sparse.kind}")
    flat = np.flatnonzero(sparse.valid)
    meters = sparse.values.reshape(-1)[flat]
    flat, meters = flat[meters > 0], meters[meters > 0]
    return Anchors(
        places=np.stack(np.divmod(flat, sparse.size[1]), axis=1),
        meters=meters.astype(np.float64),
        size=sparse.size,
    )


def numbers(anchors: Anchors, sparse: Depth) -> Int[np.ndarray, " n"]:
    """The place of each point in the row-by-row list of all valid pixels of its map."""
    rows, columns = anchors.places.T
    flat = rows * sparse.size[1] + columns
    found: Int[np.ndarray, " n"] = np.searchsorted(np.flatnonzero(sparse.valid), flat)
    return found


def nearest_others(places: Places, count: int) -> Int[np.ndarray, "n k"]:
    """For each point its `count` nearest other points, fewer where there are not so many.

    Exact up to 1,500 points. Above, points are sought in a cell of a grid and the eight around it,
    which grows until there are enough; of a crowded cell only 12 points are looked at.
    """
    n = len(places)
    count = min(count, n - 1)
    if count < 1:
        return np.empty((n, 0), dtype=np.int64)
    if n <= EXACT:
        return _of_all(places, np.arange(n), count)
    found = np.empty((n, count), dtype=np.int64)
    todo = np.arange(n)
    extent = places.max(axis=0) - places.min(axis=0) + 1
    edge = max(1.0, float(np.sqrt(extent.prod() / n * 3)))
    while todo.size:
        cells = _cells(places, edge)
        settled = (cells.listed(todo) > count) | (edge > extent.max())
        sought = todo[settled]
        for at in range(0, sought.size, AT_ONCE):
            part = sought[at : at + AT_ONCE]
            found[part] = cells.nearest(places, part, count)
        todo = todo[~settled]
        edge *= 2
    return found


def _of_all(places: Places, of: Int[np.ndarray, " m"], count: int) -> Int[np.ndarray, "m k"]:
    here = (places - places.mean(axis=0)).astype(np.float32)
    length = (here**2).sum(axis=1)
    square = length[of, None] + length - 2 * (here[of] @ here.T)
    square[np.arange(len(of)), of] = np.inf
    near: Int[np.ndarray, "m k"] = np.argpartition(square, count - 1, axis=1)[:, :count]
    return near


def _left(
    near: Int[np.ndarray, "n k"], kept: Bool[np.ndarray, " n"], places: Places
) -> Int[np.ndarray, "m k"]:
    """Neighbors among the points that are kept: where none is lost they stay those they were.

    Args:
        near: among all points.
    """
    near = near[kept]
    left: Int[np.ndarray, "m k"] = (np.cumsum(kept) - 1)[near]
    lost = np.flatnonzero(~kept[near].all(axis=1))
    left[lost] = _of_all(places[kept], lost, near.shape[1])
    return left


class _Cells(NamedTuple):
    """Points by the cell of a grid that they lie in; no cell at the border holds any."""

    table: Int[np.ndarray, "cells p"]
    """The first points of each; -1 fills up."""
    row: Float32[np.ndarray, "cells p"]
    column: Float32[np.ndarray, "cells p"]
    """Where these lie; infinitely far fills up."""
    held: Int[np.ndarray, " cells"]
    """How many these are."""
    cell: Int[np.ndarray, " n"]
    """Of each point."""
    rank: Int[np.ndarray, " n"]
    """Of each point in its cell."""
    steps: Int[np.ndarray, " 9"]
    """From a cell to those around it, itself in the middle."""

    def listed(self, of: Int[np.ndarray, " m"]) -> Int[np.ndarray, " m"]:
        """How many points the nine cells around each hold."""
        count: Int[np.ndarray, " m"] = self.held[self.cell[of, None] + self.steps].sum(axis=1)
        return count

    def nearest(
        self, places: Places, of: Int[np.ndarray, " m"], count: int
    ) -> Int[np.ndarray, "m k"]:
        """The nearest others of the nine cells around each."""
        around = self.cell[of, None] + self.steps
        row, column = places[of].T.astype(np.float32)[:, :, None, None]
        square = (self.row.take(around, axis=0) - row) ** 2
        square += (self.column.take(around, axis=0) - column) ** 2
        rank = self.rank[of]
        itself = np.flatnonzero(rank < PER_CELL)
        square[itself, len(self.steps) // 2, rank[itself]] = np.inf
        near = np.argpartition(square.reshape(len(of), -1), count - 1, axis=1)[:, :count]
        step, place = np.divmod(near, PER_CELL)
        found: Int[np.ndarray, "m k"] = self.table[np.take_along_axis(around, step, axis=1), place]
        return found


def _cells(places: Places, edge: float) -> _Cells:
    at = ((places - places.min(axis=0)) / edge).astype(np.int64) + 1
    rows, columns = at.max(axis=0) + 2
    cell = at[:, 0] * columns + at[:, 1]
    order = np.argsort(cell, kind="stable")
    held = np.bincount(cell, minlength=rows * columns)
    rank = np.empty_like(cell)
    rank[order] = np.arange(len(cell)) - np.repeat(np.cumsum(held) - held, held)
    listed = np.flatnonzero(rank < PER_CELL)
    table = np.full((rows * columns, PER_CELL), -1, dtype=np.int64)
    table[cell[listed], rank[listed]] = listed
    row, column = np.where(table >= 0, places.T.astype(np.float32)[:, table], np.float32(np.inf))
    steps = np.array([dy * columns + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    return _Cells(table, row, column, np.minimum(held, PER_CELL), cell, rank, steps)
