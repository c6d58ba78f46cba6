"""`featherdepth shard`: photos into tar files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import AsJson
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import failures, show


def run(
    photos: Annotated[
        Path,
        typer.Argument(metavar="PHOTOS", help="Folder (to the bottom), .zip or .txt list."),
    ],
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="TARS", help="Folder of the tars.")
    ],
    size_mb: Annotated[float, typer.Option("--size-mb", help="Largest tar, in megabytes.")] = 256,
    max_side: Annotated[
        int | None,
        typer.Option(
            "--max-side", help="Shrink photos with a longer side to it; others keep their bytes."
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Photos into tar files that stream well, in webdataset's layout: key.jpg and key.json.

    Every photo is decoded once: broken ones are listed in TARS/failures.jsonl, the rest go on, and
    the exit code is 3. A stopped run goes on after the tars that are there.
    """
    from featherdepth import api

    with progress_bar("photos") as progress:
        result = api.shard(photos, output, size_mb=size_mb, max_side=max_side, progress=progress)
    show(result, _lines, as_json=as_json)
    return 3 if result["failed"] else 0


def _lines(result: dict[str, Any]) -> str:
    failed = result["failed"]
    kept = f" ({result['kept']} there already)" if result["kept"] else ""
    broken = f", {len(failed)} failed (see {result['failures']})" if failed else ""
    packed = (
        f"{result['out']}: {result['photos']} photos in {result['shards']} tars{kept},"
        f" {result['bytes'] / 1e6:.1f} MB{broken}"
    )
    return "\n".join([*failures(result), packed])
