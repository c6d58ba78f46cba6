"""`featherdepth complete`: photos and measured points to dense metric depth."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import (
    AsJson,
    Backend,
    Calibration,
    Colormap,
    Device,
    FieldOfView,
    IntrinsicsText,
    KeepOutliers,
    Method,
    Overwrite,
    Precision,
    Save,
    SideBySide,
    Threads,
)
from featherdepth.cli.parse import camera, formats, network_size
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import RANGE_ASSUMED, counts, failures, show
from featherdepth.completion import DEFAULT


def run(
    images: Annotated[
        str, typer.Argument(metavar="IMAGE", help="A photo, or a folder, glob or list of photos.")
    ],
    sparse: Annotated[
        Path,
        typer.Argument(
            metavar="SPARSE",
            help="Its measured points, or a folder with a file of the same name for each photo.",
        ),
    ],
    *,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for the results, or a file as of predict.")
    ] = Path("completed"),
    first: Annotated[
        str | None,
        typer.Option("--first", help="First stage: a model as for predict, or a depth file."),
    ] = None,
    first_kind: Annotated[
        str | None,
        typer.Option("--first-kind", help="Of a --first .npy that does not say it: metric, ..."),
    ] = None,
    first_scale: Annotated[
        float | None,
        typer.Option(
            "--first-scale", help="Of a --first .png that does not say it: stored / meters."
        ),
    ] = None,
    method: Method = DEFAULT,
    depth_scale: Annotated[
        float | None,
        typer.Option("--depth-scale", help="Of SPARSE: stored / meters: 1000, 256 for KITTI."),
    ] = None,
    calibration: Calibration = None,
    keep_outliers: KeepOutliers = False,
    min_confidence: Annotated[
        float, typer.Option("--min-confidence", help="Leave less sure pixels empty, 0 to 1.")
    ] = 0.0,
    save: Save = None,
    size: Annotated[str | None, typer.Option(help="Input of the first stage: N or HxW.")] = None,
    intrinsics: IntrinsicsText = None,
    fov: FieldOfView = None,
    cmap: Colormap = "Spectral_r",
    side_by_side: SideBySide = False,
    backend: Backend = "auto",
    precision: Precision = "auto",
    device: Device = None,
    threads: Threads = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> int:
    """Photo and a few measured points to dense depth in meters.

    Points: 16-bit PNG, .npy, .npz, a table column,row,meters (.csv), clouds (.ply, .pcd, KITTI's
    .bin) or a COLMAP model. Of a folder, photos that fail are listed in OUT/failures.jsonl, the
    rest go on, and the exit code is 3.
    """
    from featherdepth import api

    with progress_bar("photos") as progress:
        result = api.complete(
            images,
            sparse,
            out,
            first=first,
            first_kind=first_kind,
            first_scale=first_scale,
            method=method,
            depth_scale=depth_scale,
            calibration=calibration,
            reject_outliers=not keep_outliers,
            min_confidence=min_confidence,
            backend=backend,
            precision=precision,
            device=device,
            threads=threads,
            overwrite=overwrite,
            progress=progress,
            **formats(save),
            size=network_size(size),
            focal_px=camera(intrinsics),
            fov_deg=fov,
            cmap=cmap,
            side_by_side=side_by_side,
        )
    show(result, _lines, as_json=as_json)
    return 3 if result["failed"] else 0


def _lines(result: dict[str, Any]) -> str:
    how = f"first stage {result['first']}, method {result['method']}"
    return "\n".join([*failures(result), *counts(result), how, *_fit(result)])


def _fit(result: dict[str, Any]) -> list[str]:
    """How points and first stage agreed, where a photo was completed."""
    if not result["done"]:
        return []
    many = result["done"] > 1
    left_out = result["rejected"]
    wrong = f", {left_out:,} left out (they contradict those around them)" if left_out else ""
    lines = [
        f"points: {result['used']:,} of {result['points']:,} used{wrong}",
        f"first stage off by: {100 * result['log_error']:.1f} % (median of the points"
        + (" and photos)" if many else ")"),
    ]
    if assumed := result["range_assumed"]:
        lines.append(
            f"{assumed} of {result['done']} photos: {RANGE_ASSUMED}" if many else RANGE_ASSUMED
        )
    return lines
