"""`featherdepth train`: training of a network from a recipe."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import AllThreads, Assignments, Device, Resume, RunAsJson, RunFolder
from featherdepth.cli.told import show


def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe in TOML.", metavar="RECIPE")],
    *,
    output: RunFolder,
    resume: Resume = False,
    init: Annotated[
        str | None, typer.Option("--init", help="A model to start from.", metavar="MODEL")
    ] = None,
    assignments: Assignments = None,
    device: Device = None,
    threads: AllThreads = None,
    as_json: RunAsJson = False,
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
