"""The nearest measured point of every pixel."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float32, Int

from featherdepth.geometry.anchors import Anchors, cell_of

AT_ONCE = 1 << 14
"""Cells whose nearest point is sought at a time: they stay in the cache."""

UNIT = 16
"""Of the square of a cell's width: squared distances are told apart by a sixteenth of it."""
AROUND = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
Part = tuple[slice, slice]


def nearest_anchor(anchors: Anchors, *, step: int) -> Int[np.ndarray, "r c"]:
    """The number of the nearest point for each cell of `step` pixels.

    The nearest cell with a point is exact: first along columns, then along rows (the two passes of
    Felzenszwalb and Huttenlocher 2012). Points lie anywhere in their cell, and of two in one cell
    the last is known: the eight cells around are asked for a nearer one, and what is still missed
    is nearer by less than a cell.
    """
    near = _by_cell(anchors, step)
    found, best = near.copy(), np.full(near.shape, np.inf, np.float32)
    for to, by, square in _asked_around(near, anchors):
        better = square < best[to]
        np.copyto(found[to], near[by], where=better)
        np.copyto(best[to], square, where=better)
    return found


def distances(anchors: Anchors, *, step: int) -> Float32[np.ndarray, "r c"]:
    """Distance of the middle of each cell of `step` pixels to the nearest point, in pixels."""
    near = _by_cell(anchors, step)
    best = np.full(near.shape, np.inf, np.float32)
    for to, _, square in _asked_around(near, anchors):
        np.minimum(best[to], square, out=best[to])
    return np.sqrt(best, out=best)


def _by_cell(anchors: Anchors, step: int) -> Int[np.ndarray, "r c"]:
    """For each cell the point of the nearest cell that has one."""
    rows, columns = (-(-side // step) for side in anchors.size)
    at_row, at_column = anchors.on((rows, columns)).T
    known = np.full((rows, columns), -1, dtype=np.int64)
    known[at_row, at_column] = np.arange(len(anchors))
    row = _nearest_row(known >= 0)
    # A number that says how far first, then in which column: the least of some is the nearest.
    tall = (anchors.size[0] / rows) / (anchors.size[1] / columns)
    away = np.rint(UNIT * ((row - np.arange(rows)[:, None]) * tall) ** 2)
    steps = np.rint(UNIT * np.arange(columns) ** 2.0)
    away[row < 0] = away.max() + steps.max() + 1
    bits = columns.bit_length()
    most = int(away.max() + steps.max() + 1) << bits
    kind = np.min_scalar_type(-most)  # of 32 bits up to a megapixel: twice as fast
    code = (away.astype(kind) << bits) + np.arange(columns, dtype=kind)
    steps = steps.astype(kind) << bits
    count = max(1, AT_ONCE // columns)
    column = np.concatenate([_least(code[at : at + count], steps) for at in range(0, rows, count)])
    column &= (1 << bits) - 1
    nearest: Int[np.ndarray, "r c"] = known[np.take_along_axis(row, column, axis=1), column]
    return nearest


def _least(code: Int[np.ndarray, "r c"], steps: Int[np.ndarray, " c"]) -> Int[np.ndarray, "r c"]:
    """The least code of each row, with what the way from there adds to it.

    Args:
        steps: added by so many columns.
    """
    code = np.ascontiguousarray(code.T)  # what is moved lies in one piece
    least, moved = code.copy(), np.empty_like(code)
    for apart in range(1, len(steps)):
        if steps[apart] > least.max():
            break  # nothing from so far can be the least
        np.add(code, steps[apart], out=moved)
        np.minimum(least[apart:], moved[:-apart], out=least[apart:])
        np.minimum(least[:-apart], moved[apart:], out=least[:-apart])
    return least.T


def _nearest_row(marked: Bool[np.ndarray, "r c"]) -> Int[np.ndarray, "r c"]:
    """For each cell the nearest marked row of its column; -1 in columns without one."""
    rows = len(marked)
    number = np.arange(rows)[:, None]
    before = np.maximum.accumulate(np.where(marked, number, -rows), axis=0)
    behind = np.minimum.accumulate(np.where(marked, number, 2 * rows)[::-1], axis=0)[::-1]
    nearest: Int[np.ndarray, "r c"] = np.where(number - before <= behind - number, before, behind)
    return np.where((nearest < 0) | (nearest >= rows), -1, nearest)


def _asked_around(
    near: Int[np.ndarray, "r c"], anchors: Anchors
) -> Iterator[tuple[Part, Part, Float32[np.ndarray, "_ _"]]]:
    """Squared distances, in pixels, of cells to their own point and to those of their neighbors.

    Yields:
        Some cells, those beside them whose points they ask about, and how far these are.
    """
    rows, columns = near.shape
    height, width = anchors.size
    at_row, at_column = anchors.places.T.astype(np.float32)[:, near]
    row = ((np.arange(rows, dtype=np.float32) + 0.5) * (height / rows) - 0.5)[:, None]
    column = ((np.arange(columns, dtype=np.float32) + 0.5) * (width / columns) - 0.5)[None]
    for dy, dx in AROUND:
        to, by = (_part(dy), _part(dx)), (_part(-dy), _part(-dx))
        yield to, by, (at_row[by] - row[to[0]]) ** 2 + (at_column[by] - column[:, to[1]]) ** 2


def nearest_pixels(anchors: Anchors) -> Int[np.ndarray, "h w"]:
    """The number of the nearest point for every pixel, decided for cells of 2x2 pixels."""
    height, width = anchors.size
    near = nearest_anchor(anchors, step=2)
    rows, columns = near.shape
    row, column = (cell_of(np.arange(n), n, m) for n, m in ((height, rows), (width, columns)))
    whole: Int[np.ndarray, "h w"] = near[np.ix_(row, column)]
    whole[anchors.places[:, 0], anchors.places[:, 1]] = np.arange(len(anchors))
    return whole


def _part(offset: int) -> slice:
    """The places of a line whose neighbor at `-offset` lies inside."""
    return slice(offset, None) if offset >= 0 else slice(None, offset)
