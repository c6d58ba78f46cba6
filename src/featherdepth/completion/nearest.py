"""The nearest measured point of every pixel."""

import numpy as np
from jaxtyping import Bool, Float32, Int

from featherdepth.geometry.anchors import Anchors, cell_of

AT_ONCE = 1 << 17
"""Distances that are compared at a time: they stay in the cache."""


def nearest_anchor(anchors: Anchors, *, step: int) -> Int[np.ndarray, "r c"]:
    """The number of the nearest point for each cell of `step` pixels.

    The nearest cell with a point is exact: first along columns, then along rows (the two passes of
    Felzenszwalb and Huttenlocher 2012). Points lie anywhere in their cell, and of two in one cell
    the last is known: the eight cells around are asked for a nearer one, and what is still missed
    is nearer by less than a cell.
    """
    rows, columns = (-(-side // step) for side in anchors.size)
    height, width = anchors.size
    at_row, at_column = anchors.on((rows, columns)).T
    known = np.full((rows, columns), -1, dtype=np.int64)
    known[at_row, at_column] = np.arange(len(anchors))
    above = _nearest_row(known >= 0)
    up = (above - np.arange(rows)[:, None]).astype(np.float32) * np.float32(height / rows)
    square = np.where(above < 0, np.float32(np.inf), up**2)
    apart = np.arange(columns, dtype=np.float32) * np.float32(width / columns)
    away = (apart[:, None] - apart) ** 2
    beside = np.empty((rows, columns), dtype=np.int64)
    count = max(1, AT_ONCE // columns**2)
    for first in range(0, rows, count):
        part = slice(first, first + count)
        beside[part] = (away + square[part, None]).argmin(axis=2)
    near = known[np.take_along_axis(above, beside, axis=1), beside]
    return _asked_around(near, anchors)


def _nearest_row(marked: Bool[np.ndarray, "r c"]) -> Int[np.ndarray, "r c"]:
    """For each cell the nearest marked row of its column; -1 in columns without one."""
    rows = len(marked)
    number = np.arange(rows)[:, None]
    before = np.maximum.accumulate(np.where(marked, number, -rows), axis=0)
    behind = np.minimum.accumulate(np.where(marked, number, 2 * rows)[::-1], axis=0)[::-1]
    nearest: Int[np.ndarray, "r c"] = np.where(number - before <= behind - number, before, behind)
    return np.where((nearest < 0) | (nearest >= rows), -1, nearest)


def _asked_around(near: Int[np.ndarray, "r c"], anchors: Anchors) -> Int[np.ndarray, "r c"]:
    """Where a neighbor's point is nearer than the own one, that."""
    rows, columns = near.shape
    height, width = anchors.size
    at_row, at_column = anchors.places.T.astype(np.float32)[:, near]
    row = ((np.arange(rows, dtype=np.float32) + 0.5) * (height / rows) - 0.5)[:, None]
    column = ((np.arange(columns, dtype=np.float32) + 0.5) * (width / columns) - 0.5)[None]
    found = near.copy()
    best = (at_row - row) ** 2 + (at_column - column) ** 2
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)):
        to = (_part(dy, rows), _part(dx, columns))
        by = (_part(-dy, rows), _part(-dx, columns))
        square = (at_row[by] - row[to[0]]) ** 2 + (at_column[by] - column[:, to[1]]) ** 2
        better = square < best[to]
        np.copyto(found[to], near[by], where=better)
        np.copyto(best[to], square, where=better)
    return found


def nearest_pixels(anchors: Anchors) -> Int[np.ndarray, "h w"]:
    """The number of the nearest point for every pixel, decided for cells of 2x2 pixels."""
    height, width = anchors.size
    near = nearest_anchor(anchors, step=2)
    rows, columns = near.shape
    row, column = (cell_of(np.arange(n), n, m) for n, m in ((height, rows), (width, columns)))
    whole: Int[np.ndarray, "h w"] = near[np.ix_(row, column)]
    whole[anchors.places[:, 0], anchors.places[:, 1]] = np.arange(len(anchors))
    return whole


def distances(anchors: Anchors, *, step: int) -> Float32[np.ndarray, "r c"]:
    """Distance of the middle of each cell of `step` pixels to the nearest point, in pixels."""
    near = nearest_anchor(anchors, step=step)
    height, width = anchors.size
    rows, columns = near.shape
    row = ((np.arange(rows) + 0.5) * (height / rows) - 0.5)[:, None]
    column = ((np.arange(columns) + 0.5) * (width / columns) - 0.5)[None]
    there = anchors.places[near]
    away: Float32[np.ndarray, "r c"] = np.hypot(there[..., 0] - row, there[..., 1] - column).astype(
        np.float32
    )
    return away


def _part(offset: int, length: int) -> slice:
    """The places whose neighbor at `-offset` lies inside."""
    return slice(max(0, offset), length + min(0, offset))
