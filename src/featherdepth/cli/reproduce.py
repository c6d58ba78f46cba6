"""`featherdepth reproduce`: a published table, ours beside it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import AllThreads, Backend, InputSize, Seed
from featherdepth.cli.parse import network_size, pairs
from featherdepth.cli.progress import stages
from featherdepth.cli.told import show


def run(
    suite: Annotated[
        str,
        typer.Argument(
            metavar="SUITE",
            help="parameters, zero-shot, ablation, completion, or a .toml file of your own.",
        ),
    ],
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for SUITE.md, SUITE.json and results.")
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder with a folder for each data set: nyuv2, kitti, ..."),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="SET=PATH", help="Where one data set lies, if elsewhere."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="ROW=REF", help="The model of a row: name, folder, file."),
    ] = None,
    size: InputSize = None,
    backend: Backend = "auto",
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32 or bf16.")] = "auto",
    threads: AllThreads = None,
    seed: Seed = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Measure again what is there.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The JSON document on stdout, in place of the page.")
    ] = False,
) -> int:
    """Fill in a published table with the models and data at hand.

    Data sets and models that are missing are named with what fills them; what was measured before
    is taken again. Ends with code 3 if some images could not be scored.
    """
    from featherdepth import api

    with stages() as progress:
        result = api.reproduce(
            suite,
            output,
            data=data,
            at={key: Path(value) for key, value in pairs(at or [], "--at").items()},
            models=pairs(model or [], "--model"),
            size=network_size(size),
            backend=backend,
            precision=precision,
            threads=threads,
            seed=seed,
            overwrite=overwrite,
            progress=progress,
        )
    page = Path(result["page"])
    show(result, lambda _: page.read_text("utf-8"), as_json=as_json)
    return 3 if _skipped(result) else 0


def _skipped(result: dict[str, Any]) -> int:
    return sum(row["skipped"] for part in result.get("data", ()) for row in part["rows"])
