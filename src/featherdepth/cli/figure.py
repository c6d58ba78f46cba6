"""`featherdepth figure`: pictures of results."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import (
    AsJson,
    Backend,
    Calibration,
    Colormap,
    FieldOfView,
    IntrinsicsText,
    KeepOutliers,
    Method,
    Precision,
)
from featherdepth.cli.parse import camera, network_size, pairs
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import show
from featherdepth.completion import DEFAULT
from featherdepth.errors import UsageError

FIGURES = ("completion",)


def run(
    what: Annotated[str, typer.Argument(metavar="completion", help="Which figure.")],
    photos: Annotated[
        list[str],
        typer.Argument(metavar="PHOTOS...", help="Photos, folders, globs or .txt lists."),
    ],
    *,
    sparse: Annotated[
        list[Path],
        typer.Option(
            "--sparse",
            help="Measured points as for complete: one file a photo, in order, or a folder.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Figure: .png, .jpg or .webp.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="NAME=MODEL: a column and its first stage; several times. By default what is"
            " embedded.",
        ),
    ] = None,
    method: Method = DEFAULT,
    depth_scale: Annotated[
        float | None,
        typer.Option("--depth-scale", help="Of the points: stored / meters: 1000, 256 for KITTI."),
    ] = None,
    calibration: Calibration = None,
    keep_outliers: KeepOutliers = False,
    size: Annotated[str | None, typer.Option(help="Input of first stages: N or HxW.")] = None,
    intrinsics: IntrinsicsText = None,
    fov: FieldOfView = None,
    width: Annotated[int, typer.Option(help="Of each picture in pixels.")] = 320,
    cmap: Colormap = "Spectral_r",
    backend: Backend = "auto",
    precision: Precision = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads of the networks.")] = None,
    as_json: AsJson = False,
) -> int:
    """Photos and measured points, completed behind several first stages.

    Two rows a photo: the first stage aligned to the points, and the completed depth. Colors mean
    the same depth in all pictures of a photo.
    """
    from featherdepth import api

    if what not in FIGURES:
        raise UsageError(f"unknown figure {what!r}; known: {', '.join(FIGURES)}")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"--output {output}: no folder {output.parent}; make it first")
    with progress_bar("photos") as progress:
        result = api.figure_completion(
            photos,
            sparse,
            output,
            models=pairs(model, "--model") if model else None,
            method=method,
            depth_scale=depth_scale,
            calibration=calibration,
            focal_px=camera(intrinsics),
            fov_deg=fov,
            size=network_size(size),
            reject_outliers=not keep_outliers,
            width=width,
            cmap=cmap,
            backend=backend,
            precision=precision,
            threads=threads,
            progress=progress,
        )
    show(result, _lines, as_json=as_json)
    return 0


def _lines(result: dict[str, Any]) -> str:
    lines = [
        f"{row['photo']}: {row['points']:,} points, colors from {row['near']:.3g} to"
        f" {row['far']:.3g} m"
        for row in result["photos"]
    ]
    columns = ", ".join(result["models"])
    size = f"{result['width']}x{result['height']}"
    return "\n".join([*lines, f"{result['output']}: {size}, first stages {columns}"])
