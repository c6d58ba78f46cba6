"""Points to pixels: the pixel whose center is nearest, and of several points the nearest one."""

import numpy as np
from jaxtyping import Bool, Float, Int


def pixels_of(
    rows: Float[np.ndarray, " n"], columns: Float[np.ndarray, " n"], size: tuple[int, int]
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Row and column of the nearest pixel (0, 0 where outside), and which lie inside.

    Args:
        rows, columns: places in pixels, any number; NaN is outside.
        size: (height, width).
    """
    row, column = np.rint(rows), np.rint(columns)
    inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    at_row, at_column = (np.where(inside, place, 0).astype(np.int64) for place in (row, column))
    return at_row, at_column, inside


def nearest_wins(
    row: Int[np.ndarray, " n"],
    column: Int[np.ndarray, " n"],
    depth: Float[np.ndarray, " n"],
    size: tuple[int, int],
) -> Float[np.ndarray, "h w"]:
    """A map in which of all depths in one pixel the nearest stays; 0 where there is none."""
    nearest = np.full(size, np.inf)
    np.minimum.at(nearest, (row, column), depth)
    return np.where(np.isfinite(nearest), nearest, 0.0)
