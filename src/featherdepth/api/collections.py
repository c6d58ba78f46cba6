"""What is done to pictures and their truth on a disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def doctor(path: str | Path, *, split: str | None = None, images: int = 48) -> dict[str, Any]:
    """Say what a data folder is and what is wrong with it.

    Args:
        split: part of the data; all, or the first, by default.
        images: about how many samples to open.

    Returns:
        The document that `featherdepth.data.doctor.examine` describes; `faults` is empty for a
        clean data set.

    Raises:
        InputError: nothing there that a reader knows.
        UsageError: a split that this data does not have.
    """
    from featherdepth.data.doctor import examine

    return examine(Path(path), split, images=images)


def shard(
    photos: str | Path,
    output: str | Path,
    *,
    size_mb: float | int = 256,
    max_side: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write photos into tar files in webdataset's layout; a run that was killed goes on.

    Args:
        photos: a folder, .zip or .txt list.
        size_mb: largest tar, in megabytes.
        max_side: photos with a longer side are shrunk to it; the others keep their bytes.
        progress: called with (photos finished, photos in all).

    Returns:
        `out`, `shards`, `kept` (of these, from an earlier run), `photos`, `bytes`, `failed` (list
        of `photo`, `error`), `failures` (the file that lists them).

    Raises:
        UsageError: a size below 1.
        InputError: no photos, or none that can be read.
        RunError: the folder holds something else or cannot be written; whole tars stay.
    """
    from featherdepth.data.pack import write_shards
    from featherdepth.data.photos import Photos
    from featherdepth.images.failures import write_failures

    collection = Photos(Photos.Config(root=Path(photos)))
    missing = [{"photo": s.key, "error": s.reason} for s in collection.skipped]
    result = write_shards(
        collection, Path(output), size_mb=size_mb, max_side=max_side, progress=progress
    )
    failed = sorted([*missing, *result.failed], key=lambda row: row["photo"])
    failures = Path(output, "failures.jsonl")
    write_failures(failures, failed)
    return {
        "out": str(output),
        "shards": result.shards,
        "kept": result.kept,
        "photos": result.photos,
        "bytes": result.size_bytes,
        "failed": failed,
        "failures": str(failures) if failed else None,
    }
