"""`featherdepth compare`: two results on the same images, paired."""

from pathlib import Path
from typing import Annotated

import typer

from featherdepth.cli.options import JsonOutput, Seed, TableAsJson
from featherdepth.cli.told import show


def run(
    a: Annotated[Path, typer.Argument(metavar="A.json", help="Document of evaluate -o.")],
    b: Annotated[Path, typer.Argument(metavar="B.json", help="Another, on the same images.")],
    *,
    seed: Seed = 0,
    output: JsonOutput = None,
    as_json: TableAsJson = False,
) -> int:
    """Compare two results: paired differences with 95 % intervals, and where they differ most.

    Both must be of the same data, split and protocol; images that one of them lacks are listed.
    """
    from featherdepth import api
    from featherdepth.evaluation.tables import compare_table

    result = api.compare(a, b, seed=seed, output=output)
    show(result, compare_table, as_json=as_json)
    return 0
