"""Measured points as users' files hold them, to one metric `Depth` at the picture's size.

    .png (16-bit)      stored / depth_scale; 0 is missing; ours say themselves what they hold
    .npy, .npz         (h, w) of metres, 0 or NaN is missing; or rows of column, row, metres
    .csv, .txt         lines of column, row, metres
    .ply, .pcd         points in the camera's frame with its intrinsics, or in a scanner's frame
                       with a calibration; ASCII and binary
    .bin               a scan of KITTI (x, y, z, reflectance) with its calibration
    a folder           a COLMAP model, text or binary: the points that the picture observed

Files are taken as anybody's: nothing in them is run, and no memory is taken before a header's
counts are checked against the file.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from featherdepth.data.sparse.colmap import is_model, read_colmap
from featherdepth.data.sparse.maps import map_or_rows, read_archive, read_array, read_png
from featherdepth.data.sparse.request import Request
from featherdepth.data.sparse.scan import read_scan
from featherdepth.data.sparse.table import read_table
from featherdepth.errors import InputError, UsageError
from featherdepth.types import Depth, Intrinsics

READ = {
    ".png": read_png,
    ".npy": read_array,
    ".npz": read_archive,
    ".csv": read_table,
    ".txt": read_table,
    ".ply": read_scan,
    ".pcd": read_scan,
    ".bin": read_scan,
}
"""Suffix -> what reads it; a COLMAP model is known by its folder or its files' names."""


Points = Depth | str | Path | np.ndarray | Sequence[Sequence[float | int]]
"""What `sparse_depth` takes."""


def sparse_depth(
    points: Points,
    *,
    size: tuple[int, int],
    intrinsics: Intrinsics | None = None,
    image_name: str | None = None,
) -> Depth:
    """Measured points as a program holds them, as one metric `Depth`.

    Args:
        points: (h, w) of meters, 0, NaN or masked where nothing was measured; or rows of column,
            row, meters, as an array or a list; or a file, as for `read_sparse`. A `Depth` is
            returned as it is.
        size: (height, width) of the picture.
        intrinsics: of the picture, as for `read_sparse`.
        image_name: of the picture, where the file is a COLMAP model.

    Raises:
        InputError: another shape, no point inside the picture, negative, or a median that cannot
            be meters.
        UsageError: a file of an unknown suffix.

    Example:
        >>> sparse_depth([(3, 1, 2.5)], size=(4, 6))
        <Depth 4x6 metric, 1 pixels valid, 2.5 to 2.5 m>
    """
    if isinstance(points, Depth):
        return points
    if isinstance(points, str | Path):
        return read_sparse(points, size=size, intrinsics=intrinsics, image_name=image_name)
    if isinstance(points, np.ma.MaskedArray):
        points = np.where(np.ma.getmaskarray(points), np.nan, points.data)
    if isinstance(points, np.ndarray) and points.dtype == bool:
        raise InputError("measured points are true or false; expected meters, 0 for none")
    try:
        values = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 2:
        raise InputError(
            f"measured points of shape {np.shape(values)}; expected (height, width) of meters, or"
            " rows of column, row, meters"
        )
    camera = None if intrinsics is None else intrinsics.resized(*size)
    request = Request(path=Path("measured points"), size=size, intrinsics=camera, held=True)
    return map_or_rows(request, values, None)


def check_depth_scale(depth_scale: float | int | None) -> None:
    """Refuse what divides no depth.

    Raises:
        UsageError: not above 0, or not finite.
    """
    if depth_scale is not None and not 0 < depth_scale < math.inf:
        raise UsageError(f"depth scale {depth_scale:g}; expected a number above 0, such as 1000")


def read_sparse(
    path: str | Path,
    *,
    size: tuple[int, int],
    depth_scale: float | int | None = None,
    intrinsics: Intrinsics | None = None,
    calibration: str | Path | None = None,
    camera: int = 2,
    image_name: str | None = None,
) -> Depth:
    """Read measured points; of several in one pixel the nearest counts.

    Points land in the pixel whose center is nearest; those outside the picture, behind the camera
    or not finite are left out. Nothing is resized: a map of another size is refused.

    Args:
        size: (height, width) of the picture.
        depth_scale: metres = stored / depth_scale. 1000 for millimetres, 256 for KITTI; without
            one the numbers are metres (a PNG needs one, or the sidecar that `save` writes).
        intrinsics: of the picture; for clouds in the camera's frame (where it is more than
            assumed), and noted in the result.
        calibration: for clouds in a scanner's frame: KITTI's calibration file of a frame, or the
            folder of a day (or its calib_cam_to_cam.txt).
        camera: of that calibration; 2 is the left color camera.
        image_name: of the picture in a COLMAP model, or a path of which either ends in the other.

    Returns:
        Metric depth of `size`, valid at the points.

    Raises:
        InputError: missing, damaged, of another size, without a point in the picture, negative,
            or with a median outside 0.05 to 300 m.
        UsageError: an unknown suffix, or options that do not fit.
    """
    path = Path(path)
    check_depth_scale(depth_scale)
    request = Request(
        path=path,
        size=size,
        depth_scale=None if depth_scale is None else float(depth_scale),
        intrinsics=None if intrinsics is None else intrinsics.resized(*size),
        calibration=None if calibration is None else Path(calibration),
        camera=camera,
        image_name=image_name,
    )
    read = read_colmap if is_model(path) else READ.get(path.suffix.lower())
    if read is None:
        known = ", ".join(READ)
        raise UsageError(
            f"{path}: {path.suffix!r} is not read as measured points; expected {known} or the"
            " folder of a COLMAP model"
        )
    if read is not read_colmap and not path.is_file():
        raise InputError(f"{path}: not found; expected measured points")
    if calibration is not None and read is not read_scan:
        raise UsageError(
            f"{path}: a calibration is for points in space (.ply, .pcd, .bin); leave it out, and"
            " tell the camera by --intrinsics"
        )
    return read(request)
