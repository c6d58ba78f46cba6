"""`featherdepth complete`: photos and measured points to dense metric depth."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.parse import network_size, numbers
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import counts, failures
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
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path(
        "completed"
    ),
    first: Annotated[
        str | None,
        typer.Option("--first", help="First stage: a model as for predict, or a depth file."),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="How points are completed; a wrong name lists all.")
    ] = DEFAULT,
    depth_scale: Annotated[
        float | None,
        typer.Option("--depth-scale", help="Of SPARSE: stored / meters: 1000, 256 for KITTI."),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option("--calibration", help="Of a scanner: KITTI's calibration file or folder."),
    ] = None,
    keep_outliers: Annotated[
        bool, typer.Option("--keep-outliers", help="Use also points that disagree with others.")
    ] = False,
    min_confidence: Annotated[
        float, typer.Option("--min-confidence", help="Leave less sure pixels empty, 0 to 1.")
    ] = 0.0,
    save: Annotated[
        str, typer.Option(help="Files to write, with commas: png16, npy, color, ply.")
    ] = "png16,color",
    size: Annotated[str | None, typer.Option(help="Input of the first stage: N or HxW.")] = None,
    intrinsics: Annotated[
        str | None, typer.Option(help="Camera of every photo in pixels: fx,fy,cx,cy.")
    ] = None,
    fov: Annotated[
        float | None, typer.Option(help="Horizontal field of view of every photo in degrees.")
    ] = None,
    cmap: Annotated[
        str, typer.Option(help="Spectral_r, turbo, inferno, magma, viridis or gray.")
    ] = "Spectral_r",
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="The photo at the left of the color picture.")
    ] = False,
    backend: Annotated[str, typer.Option(help="auto, onnx, openvino or torch.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or int8.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads of the network.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also what is already there and whole.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
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
            method=method,
            depth_scale=depth_scale,
            calibration=calibration,
            reject_outliers=not keep_outliers,
            min_confidence=min_confidence,
            backend=backend,
            precision=precision,
            threads=threads,
            overwrite=overwrite,
            progress=progress,
            formats=tuple(dict.fromkeys(n for n in save.replace(" ", "").split(",") if n)),
            size=None if size is None else network_size(size),
            focal_px=intrinsics
            and numbers(intrinsics, "--intrinsics", 4, "518.9,519.5,325.6,253.7"),
            fov_deg=fov,
            cmap=cmap,
            side_by_side=side_by_side,
        )
    print(json.dumps(result, indent=2, sort_keys=True) if as_json else _lines(result))
    return 3 if result["failed"] else 0


def _lines(result: dict[str, Any]) -> str:
    how = f"first stage {result['first']}, method {result['method']}"
    return "\n".join([*failures(result), *counts(result), how])
