"""`featherdepth why`: which choice of a protocol moved a number."""

from pathlib import Path
from typing import Annotated

import typer

from featherdepth.cli.options import JsonOutput, TableAsJson
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import show


def run(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of evaluate --save-predictions.")
    ],
    *,
    data: Annotated[Path, typer.Option("--data", help="Data folder that they were made of.")],
    split: Annotated[
        str | None, typer.Option("--split", help="Part of the data; by default as kept.")
    ] = None,
    reader: Annotated[
        str | None, typer.Option("--reader", help="How to read the data, as for evaluate.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="Of the reader, as for evaluate."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="Where to start; by default as kept.")
    ] = None,
    output: JsonOutput = None,
    as_json: TableAsJson = False,
) -> int:
    """Score kept predictions again: one choice changed at a time, and every fitting protocol.

    No model is needed. Ends with code 3 if some predictions could not be scored.
    """
    from featherdepth import api
    from featherdepth.evaluation.tables import why_table

    with progress_bar("images") as progress:
        result = api.why(
            folder,
            data,
            split=split,
            reader=reader,
            options=option or [],
            protocol=protocol,
            output=output,
            progress=progress,
        )
    show(result, why_table, as_json=as_json)
    return 3 if result["skipped"] or result["missing"] else 0
