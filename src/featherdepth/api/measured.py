"""Measured points as people type them in."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from featherdepth.errors import InputError
from featherdepth.types import Depth

Point = tuple[float, float, float]
"""Column, row, meters."""


def points_depth(
    points: Sequence[Point], size: tuple[int, int], name: str, depth_scale: float | None = None
) -> Depth:
    """Points (column, row, meters) as a sparse map of `size`; of two in one pixel the nearer.

    Args:
        depth_scale: meters = what is named as such / depth_scale.

    Raises:
        UsageError: a scale that divides no depth.
        InputError: one outside of the picture, no distance, or depths that cannot be meters.
    """
    from featherdepth.data.sparse import check_depth_scale
    from featherdepth.data.sparse.request import Request, from_pixels
    from featherdepth.geometry.splat import pixels_of

    check_depth_scale(depth_scale)
    height, width = size
    columns, rows, stored = np.array(points, dtype=np.float64).T
    _, _, inside = pixels_of(rows, columns, size)
    for (u, v, meters), within in zip(points, inside, strict=True):
        if not (np.isfinite([u, v, meters]).all() and meters > 0):
            raise InputError(f"{name}: point {u:g},{v:g} at {meters:g} m; expected meters above 0")
        if not within:
            raise InputError(
                f"{name}: point {u:g},{v:g} lies outside of the {width}x{height} picture; expected"
                " column,row,meters, counted from 0 at the top left"
            )
    request = Request(path=Path(name), size=size, depth_scale=depth_scale)
    return from_pixels(request, columns, rows, stored)
