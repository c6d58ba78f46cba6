"""Measured points as people have them: typed in, or in a file."""

from collections.abc import Sequence

import numpy as np

from featherdepth.errors import InputError
from featherdepth.types import Depth, DepthKind

Point = tuple[float, float, float]
"""Column, row, meters."""


def points_depth(points: Sequence[Point], size: tuple[int, int], name: str) -> Depth:
    """Points (column, row, meters) as a sparse map of `size`; of two in one pixel the nearer.

    Raises:
        InputError: no point, one outside of the picture, or no distance in meters.
    """
    height, width = size
    values = np.full(size, np.inf, dtype=np.float32)
    for u, v, meters in points:
        if not (np.isfinite([u, v, meters]).all() and meters > 0):
            raise InputError(f"{name}: point {u:g},{v:g} at {meters:g} m; expected meters above 0")
        column, row = round(u), round(v)
        if not (0 <= column < width and 0 <= row < height):
            raise InputError(
                f"{name}: point {u:g},{v:g} lies outside of the {width}x{height} picture; expected"
                " column,row,meters, counted from 0 at the top left"
            )
        values[row, column] = min(float(values[row, column]), meters)
    valid = np.isfinite(values)
    if not valid.any():
        raise InputError(f"{name}: no measured point; expected one or more")
    return Depth(values=np.where(valid, values, 0), valid=valid, kind=DepthKind.METRIC)
