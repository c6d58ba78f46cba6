"""`featherdepth train`: training of a network from a recipe."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.told import show


def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe in TOML.", metavar="RECIPE")],
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the run.", metavar="RUN")
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint in RUN.")
    ] = False,
    init: Annotated[
        str | None, typer.Option("--init", help="A model to start from.", metavar="MODEL")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="Replace a key of the recipe.", metavar="KEY=VALUE"),
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="Such as cpu or cuda:0.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="CPU threads.", min=1)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on stdout, no progress.")
    ] = False,
) -> None:
    """Train a network on labelled depth, or its encoder alone (kind = "features"), as RECIPE says.

    RUN becomes a model folder. A stopped run goes on with --resume and ends in the same weights.
    """
    from featherdepth import api
    from featherdepth.cli.progress import stages

    with stages() as progress:
        result = api.train(
            recipe,
            output,
            resume=resume,
            init=init,
            assignments=assignments or [],
            device=device,
            threads=threads,
            shown=not as_json,
            progress=None if as_json else progress,
        )
    show(result, _line, as_json=as_json)


def _line(result: dict[str, Any]) -> str:
    figures = "  ".join(f"{name} {value:.4g}" for name, value in result["figures"].items())
    return f"{result['folder']}  step {result['step']}  {figures}".rstrip()
