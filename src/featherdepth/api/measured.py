"""Measured points as people have them: typed in, as a table, or as a 16-bit picture."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from featherdepth.errors import InputError, UsageError
from featherdepth.types import Depth, DepthKind

PLAUSIBLE_M = (0.05, 300.0)
"""Median of measured distances; outside, the unit is another."""
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
        values[row, column] = min(values[row, column], meters)
    valid = np.isfinite(values)
    sparse = Depth(values=np.where(valid, values, 0), valid=valid, kind=DepthKind.METRIC)
    return checked(sparse, name)


def checked(sparse: Depth, name: str) -> Depth:
    """Measured points whose unit can be meters.

    Raises:
        InputError: there are none, or they lie at millimeters or kilometers.
    """
    meters = sparse.values[sparse.valid]
    if not meters.size:
        raise InputError(f"{name}: holds no measured point; expected one or more above 0")
    low, high = PLAUSIBLE_M
    median = float(np.median(meters))
    if not low <= median <= high:
        like = "millimeters" if median > high else "kilometers"
        raise InputError(
            f"{name}: the median of {meters.size} points is {median:.4g} m; expected {low:g} to"
            f" {high:g} m: are these {like}, or is --depth-scale wrong?"
        )
    return sparse


def read_points(
    path: str | Path, size: tuple[int, int], *, depth_scale: float | None = None
) -> Depth:
    """Measured points of a picture of `size` from a file.

    Args:
        path: a table u,v,meters (.csv, .txt; a first line of names is left out), a 16-bit PNG or
            a float .npy of the picture's size, 0 where nothing is measured.
        depth_scale: of a PNG without a sidecar: meters = stored / scale (1000 for millimeters,
            256 for KITTI).

    Raises:
        InputError: not there, not such a file, of another size, or not in meters.
        UsageError: `depth_scale` where it does not apply.
    """
    from featherdepth.images.read_depth import read_depth

    path = Path(path)
    if path.suffix.lower() in (".csv", ".txt"):
        if depth_scale is not None:
            raise UsageError(f"{path}: a table holds meters; leave --depth-scale out")
        return points_depth(_table(path), size, str(path))
    kind = DepthKind.METRIC if path.suffix.lower() == ".npy" else None
    if kind is not None and path.with_name(path.name + ".json").exists():
        kind = None
    sparse = read_depth(path, scale=depth_scale, kind=kind)
    if sparse.kind is not DepthKind.METRIC:
        raise InputError(f"{path}: holds {sparse.kind.value} values; expected meters")
    if sparse.size != size:
        raise InputError(
            f"{path}: {sparse.size[1]}x{sparse.size[0]} pixels, but the picture has"
            f" {size[1]}x{size[0]}; expected one size for both"
        )
    if (sparse.values < 0).any():
        raise InputError(f"{path}: holds distances below 0; expected meters above 0, 0 for none")
    return checked(sparse, str(path))


def _table(path: Path) -> list[Point]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: not found; expected lines of column,row,meters") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    points: list[Point] = []
    for number, cells in enumerate(csv.reader(text.splitlines()), start=1):
        if not cells or cells[0].lstrip().startswith("#"):
            continue
        try:
            u, v, meters = (float(cell) for cell in cells)
        except ValueError as error:
            if number == 1 and not points:
                continue  # names of the columns
            raise InputError(
                f"{path}: line {number} is {','.join(cells)!r}; expected column,row,meters"
            ) from error
        points.append((u, v, meters))
    return points
