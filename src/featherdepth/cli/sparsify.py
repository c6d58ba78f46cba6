"""`featherdepth sparsify`: depth maps to what a sensor would measure of them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import AsJson, ReplaceOthers
from featherdepth.cli.parse import camera
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import failures, show


def run(
    depths: Annotated[
        list[str],
        typer.Argument(
            metavar="DEPTH",
            help="A metric depth map (16-bit .png, .npy), a folder, a glob or a .txt list.",
        ),
    ],
    *,
    pattern: Annotated[
        str,
        typer.Option(
            "-p",
            "--pattern",
            help="What the sensor does, such as uniform-500, lines-16 or zones-8x8+outliers-0.05;"
            " a wrong name lists all, docs/reference/patterns.md explains them.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Folder for the results; for one map also a file: .png, .npy or .csv.",
        ),
    ],
    save: Annotated[
        str, typer.Option("--save", help="Files to write, with commas: png16, npy, csv.")
    ] = "png16",
    seed: Annotated[
        int, typer.Option("--seed", help="With a map's name it settles what is drawn.")
    ] = 0,
    depth_scale: Annotated[
        float | None,
        typer.Option(
            "--depth-scale",
            help="Of maps without a sidecar: meters = stored / scale (1000 for millimeters, 256"
            " for KITTI).",
        ),
    ] = None,
    intrinsics: Annotated[
        str | None,
        typer.Option("--intrinsics", help="Camera of every map in pixels: fx,fy,cx,cy."),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            "--photos",
            help="Photos of the same names (or one for one map), for keypoints, edges, sift, orb.",
        ),
    ] = None,
    overwrite: ReplaceOthers = False,
    as_json: AsJson = False,
) -> int:
    """Sparse points as a sensor would give them, out of metric depth maps.

    Maps that cannot be read or of which nothing is measured are listed in OUT/failures.jsonl, the
    rest go on, and the exit code is 3.
    """
    from featherdepth import api

    with progress_bar("maps") as progress:
        result = api.sparsify(
            depths,
            output,
            pattern=pattern,
            formats=tuple(dict.fromkeys(name for name in save.replace(" ", "").split(",") if name)),
            seed=seed,
            depth_scale=depth_scale,
            intrinsics=camera(intrinsics),
            photos=photos,
            overwrite=overwrite,
            progress=progress,
        )
    show(result, _lines, as_json=as_json)
    return 3 if result["failed"] else 0


def _lines(result: dict[str, Any]) -> str:
    failed = result["failed"]
    broken = f", {len(failed)} failed (see {result['failures']})" if failed else ""
    measured = (
        f"{result['out']}: {result['done']} done, {result['points']:,} points by"
        f" {result['pattern']}, seed {result['seed']}{broken}"
    )
    return "\n".join([*failures(result), measured])
