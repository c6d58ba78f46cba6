"""`featherdepth label`: a teacher's maps of many photos, on disk."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import Address, AsJson, Engine, Shard, Workers
from featherdepth.cli.parse import network_size, shard
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import counts, failures, show


def run(
    photos: Annotated[
        Path,
        typer.Argument(
            metavar="PHOTOS",
            help="Folder, .zip or .txt list of photos; .tar, .parquet or a folder with some.",
        ),
    ],
    *,
    teacher: Annotated[
        str,
        typer.Option(
            "--teacher",
            metavar="T",
            help="A model or folder of ours, NETWORK@FILE, hf:owner/name, FILE.onnx,"
            " py:module:function; mean:A+B for several.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="CACHE", help="Folder of the maps; grows."),
    ],
    size: Annotated[
        str | None,
        typer.Option(
            help="At which the teacher sees photos: N (area N*N, aspect kept) or HxW; by default"
            " its own."
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Such as cpu or cuda:0; by default an accelerator if there is one."),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.", min=1)] = None,
    batch: Annotated[int, typer.Option(help="Photos that the teacher sees at once.", min=1)] = 4,
    part: Shard = None,
    engine: Engine = "local",
    workers: Workers = None,
    address: Address = None,
    as_json: AsJson = False,
) -> int:
    """A teacher's depth maps of many photos, kept on disk for distillation.

    Maps that are there are skipped, so a stopped run goes on where it was. Photos that cannot be
    read or give no useful map are listed in CACHE/failures.jsonl, the rest go on, and the exit
    code is 3.
    """
    wanted = shard(part)
    asked = network_size(size)
    from featherdepth import api

    with progress_bar("photos") as progress:
        result = api.label(
            photos,
            output,
            teacher=teacher,
            size=asked,
            device=device,
            threads=threads,
            batch=batch,
            shard=wanted,
            engine=engine,
            workers=workers,
            address=address,
            progress=progress,
        )
    show(result, _lines, as_json=as_json)
    return 3 if result["failed"] else 0


def _lines(result: dict[str, Any]) -> str:
    cached = (
        f"{result['maps']} maps of teacher {result['teacher']}, {result['bytes'] / 1e6:.1f} MB,"
        f" {result['bytes_per_map'] / 1e3:.0f} kB each"
    )
    return "\n".join([*failures(result), *counts(result), cached])
