"""Measured points of a sparse map, and which of them lie near each other."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from featherdepth.types import Depth, DepthKind

NEIGHBORS = 8
"""That say whether a point is wrong."""
EXACT = 1500
"""Up to so many points every distance is computed; above, neighbors are sought in cells."""
PER_CELL = 12
"""Points of a cell that are looked at; a denser cell has enough near neighbors in them."""
AT_ONCE = 1 << 14
"""Points whose neighbors are sought at a time: those that are looked at take 4 kB for each."""

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
        whole = edge > extent.max()
        cells, missed = _cells(places, edge), []
        for part in np.array_split(todo, -(-todo.size // AT_ONCE)):
            candidates = cells.around(part)
            settled = whole | ((candidates >= 0).sum(axis=1) > count)
            sought = part[settled]
            found[sought] = _of_candidates(places, sought, candidates[settled], count)
            missed.append(part[~settled])
        todo = np.concatenate(missed)
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


def _of_candidates(
    places: Places, of: Int[np.ndarray, " m"], candidates: Int[np.ndarray, "m c"], count: int
) -> Int[np.ndarray, "m k"]:
    row, column = places.T.astype(np.float32)
    square = (row[candidates] - row[of, None]) ** 2 + (column[candidates] - column[of, None]) ** 2
    square[(candidates == of[:, None]) | (candidates < 0)] = np.inf
    near = np.argpartition(square, count - 1, axis=1)[:, :count]
    return np.take_along_axis(candidates, near, axis=1)


class _Cells(NamedTuple):
    """Points by the cell of a grid that they lie in; no cell at the border holds any."""

    table: Int[np.ndarray, "cells p"]
    """The first points of each; -1 fills up."""
    cell: Int[np.ndarray, " n"]
    """Of each point."""
    columns: int

    def around(self, of: Int[np.ndarray, " m"]) -> Int[np.ndarray, "m c"]:
        """Points of the nine cells around each; -1 fills up."""
        steps = [dy * self.columns + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        return np.concatenate([self.table[self.cell[of] + step] for step in steps], axis=1)


def _cells(places: Places, edge: float) -> _Cells:
    cell = ((places - places.min(axis=0)) / edge).astype(np.int64) + 1
    rows, columns = cell.max(axis=0) + 2
    flat = cell[:, 0] * columns + cell[:, 1]
    order = np.argsort(flat, kind="stable")
    starts = np.searchsorted(flat[order], np.arange(rows * columns))
    rank = np.arange(len(places)) - starts[flat[order]]
    table = np.full((rows * columns, PER_CELL), -1, dtype=np.int64)
    listed = rank < PER_CELL
    table[flat[order][listed], rank[listed]] = order[listed]
    return _Cells(table, flat, columns)
