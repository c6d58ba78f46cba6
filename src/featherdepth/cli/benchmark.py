"""`featherdepth benchmark`: how fast models are on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from featherdepth.cli.options import AsJson, Threads
from featherdepth.cli.parse import network_size
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import show


def run(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="Names, model folders, exported files; by default the everyday model.",
        ),
    ] = None,
    *,
    backend: Annotated[
        str,
        typer.Option(
            help="With commas: auto, onnx, openvino, torch, torch-compile; or all but the last."
        ),
    ] = "all",
    precision: Annotated[
        str, typer.Option(help="With commas: auto, fp32, bf16, int8; or all.")
    ] = "auto",
    photo: Annotated[
        Path | None, typer.Option(help="What they look at; made up if left out.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Network input: N or HxW.")] = None,
    rounds: Annotated[int, typer.Option(help="Calls of each that count.", min=1)] = 15,
    warmup: Annotated[int, typer.Option(help="Calls before, that do not.", min=0)] = 3,
    threads: Threads = None,
    limit: Annotated[
        bool, typer.Option("--limit/--no-limit", help="Measure what the machine can do at most.")
    ] = True,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File: .json, and an .svg beside it.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also files that no benchmark wrote.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Time models in turns, so that ratios hold on a machine whose speed drifts.

    Every model runs in every backend that is installed. The first row is what the others are
    compared with; what cannot run is named.
    """
    from featherdepth import api
    from featherdepth.evaluation.speed.table import speed_table

    with progress_bar("rounds") as progress:
        document = api.benchmark(
            models or (None,),
            backends=backend.replace(" ", "").split(","),
            precisions=precision.replace(" ", "").split(","),
            photo=photo,
            size=network_size(size),
            rounds=rounds,
            warmup=warmup,
            threads=threads,
            limit=limit,
            output=output,
            overwrite=overwrite,
            progress=progress,
        )
    show(document, speed_table, as_json=as_json)
