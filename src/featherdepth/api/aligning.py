"""A depth file and measured points to metric depth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from featherdepth.api.measured import Point, points_depth
from featherdepth.errors import UsageError
from featherdepth.types import DepthKind


def align(
    depth: str | Path,
    points: str | Path | None,
    output: str | Path,
    *,
    more_points: Sequence[Point] = (),
    kind: str | None = None,
    scale: float | None = None,
    depth_scale: float | None = None,
    image_name: str | None = None,
    calibration: str | Path | None = None,
    focal_px: tuple[float, float, float, float] | None = None,
    fov_deg: float | None = None,
    method: str = "robust",
    reject_outliers: bool = True,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Bring a depth file to meters by measured points, and write it.

    Args:
        depth: as `featherdepth predict` writes it, or a 16-bit PNG with `scale`, or a .npy with
            `kind`.
        points: a file of measured points, as `featherdepth.data.sparse.read_sparse` takes it.
        output: .png, .npy or .ply; its folder exists.
        more_points: (column, row, meters), in place of a file.
        kind: what the numbers of a .npy without a sidecar mean.
        scale: of a PNG without a sidecar.
        depth_scale: of the points: meters = stored / depth_scale.
        image_name: of the picture, where the points are a model of COLMAP.
        calibration: of a scanner whose points these are, as for `read_sparse`.
        focal_px: fx, fy, cx, cy of the map's camera in pixels, which clouds in its frame need.
        fov_deg: its horizontal field of view, in place of that.
        method, reject_outliers: as for `featherdepth.align`.
        overwrite: also replace a file that is no result; a result is replaced anyway.

    Returns:
        `output`, `method`, `range_assumed` (the points told a scale alone, and the map's own shift
        is unknown), `space`, `scale`, `shift`, `points` (in all), `used`, `rejected` (their
        numbers, row by row), `rejected_points` (column, row, meters), `residual` (in meters, or 1/m
        where `space` is disparity), `log_error` (median share by which the map is off at the used
        points), `moved_fraction`.

    Raises:
        UsageError: an unknown kind or method, points from two sides, a calibration or image name
            that these points have no use for, or an output that is one of the inputs, a file that
            is no result, or no file of depth.
        InputError: a file that cannot be used, or points that do not fit the map.
        RunError: the result cannot be written.
    """
    from dataclasses import replace

    from featherdepth.data.sparse import read_sparse
    from featherdepth.geometry.align_points import METHODS
    from featherdepth.geometry.align_points import align as align_map
    from featherdepth.images.read_depth import read_depth
    from featherdepth.images.sidecar import COLORS, MAPS
    from featherdepth.images.targets import check_targets, with_sidecars
    from featherdepth.images.write import save
    from featherdepth.runtime.outputs import OutputOptions

    asked = OutputOptions(focal_px=focal_px, fov_deg=fov_deg)
    if method not in METHODS:
        raise UsageError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    if (points is None) == (not more_points):
        raise UsageError("expected measured points: a file POINTS, or one --point or more")
    if calibration is not None and points is None:
        raise UsageError(f"{calibration}: a calibration is for a file of points; leave it out")
    if image_name is not None and (points is None or not Path(points).is_dir()):
        raise UsageError(f"image name {image_name!r}: is for points of COLMAP; leave it out")
    if kind is not None and kind not in list(DepthKind):
        raise UsageError(f"unknown kind {kind!r}; known: {', '.join(DepthKind)}")
    if Path(output).suffix.lower() not in MAPS or Path(output).name.endswith(COLORS):
        raise UsageError(f"{output}: depth is not written so; expected {', '.join(MAPS)}")
    check_targets(
        [Path(depth), *([] if points is None else [Path(points)])],
        with_sidecars([Path(output)]),
        replace_others=overwrite,
    )
    relative = read_depth(depth, scale=scale, kind=None if kind is None else DepthKind(kind))
    if (camera := asked.camera_at(relative.size)) is not None:
        relative = replace(relative, intrinsics=camera)
    if points is None:
        sparse = points_depth(more_points, relative.size, "--point", depth_scale)
    else:
        sparse = read_sparse(
            points,
            size=relative.size,
            depth_scale=depth_scale,
            intrinsics=relative.intrinsics,
            calibration=calibration,
            image_name=image_name,
        )
    aligned = align_map(relative, sparse, method=method, reject_outliers=reject_outliers)
    save(aligned.depth, output, alignment=aligned.alignment)
    fit = aligned.alignment
    rows, columns = sparse.valid.nonzero()
    meters = sparse.values[sparse.valid]
    return {
        "output": str(output),
        "method": fit.method,
        "range_assumed": fit.range_assumed,
        "space": fit.space,
        "scale": fit.scale,
        "shift": fit.shift,
        "points": int(sparse.valid.sum()),
        "used": fit.count,
        "rejected": aligned.rejected.tolist(),
        "rejected_points": [
            (int(columns[i]), int(rows[i]), float(meters[i])) for i in aligned.rejected
        ],
        "residual": fit.residual,
        "log_error": aligned.log_error,
        "moved_fraction": aligned.moved_fraction,
    }
