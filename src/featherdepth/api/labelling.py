"""A teacher's maps of many photos, for distillation from a cache."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featherdepth.errors import UsageError, needing

if TYPE_CHECKING:
    from featherdepth.runtime.job import JobResult

logger = logging.getLogger(__name__)


def label(
    photos: str | Path,
    cache: str | Path,
    *,
    teacher: str | Path,
    size: int | tuple[int, int] | None = None,
    device: str | None = None,
    threads: int | None = None,
    batch: int = 4,
    shard: tuple[int, int] | None = None,
    engine: str = "local",
    workers: int | None = None,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Compute a teacher's maps of whole photos into a folder; those that are there are skipped.

    Maps of photos from tars or parquet files, and those that a cluster makes, go into packs: one
    for each of these files, with a mark once it is complete (`featherdepth.data.packs`).

    Args:
        photos: as for `distill`.
        cache: as for `distill`, which reads it if its recipe asks the teacher for the same size.
        teacher: as `featherdepth.distill.teachers.open.open_teacher` takes it.
        size: at which it sees photos: an edge, or (height, width); by default its own.
        device: such as "cpu" or "cuda:0"; by default an accelerator if there is one.
        threads: CPU threads.
        batch: photos that the teacher sees at once.
        shard: (i, n): only every n-th photo, tar or parquet file, beginning with the i-th; i
            from 1. On Ray, of a folder, every n-th group of photos.
        engine: "local", or "ray" for Ray Data, which gives the same maps.
        workers: processes with a teacher, for Ray; by default one a core, or one a GPU, here.
        address: of a Ray cluster; by default one is started here.
        progress: called with (photos finished, photos in all); where photos come in files of many,
            or on a cluster, with (units finished, units in all).

    Returns:
        `out`, `done`, `skipped`, `failed` (list of `photo`, `error`), `failures` (the file that
        lists them), `teacher`, `kind`, `digest`, `maps` and `bytes` (all that the folder holds),
        `bytes_per_map`, `warning` (terms of the teacher; or None).

    Raises:
        UsageError: a teacher, size or device that does not exist or fit.
        InputError: no photos.
        WeightsError: a teacher that is missing or damaged.
        RunError: maps of another teacher or size there, a teacher that gives NaN, no space, a
            cluster that does not answer.
        BackendError: a package that is not installed.
    """
    with needing("labeling", "train"):
        import torch

        from featherdepth.data.probe import open_data
        from featherdepth.data.teacher_maps import MapCache
        from featherdepth.distill.batching import WAITING
        from featherdepth.distill.label import label_photos
        from featherdepth.distill.label_work import LabelWork
        from featherdepth.distill.teachers.open import open_teacher
        from featherdepth.distill.teachers.terms import warning_line
        from featherdepth.training.allocator import kept_memory
    from featherdepth.api.engines import check_engine, run_work, work_threads
    from featherdepth.data.packed import is_packed
    from featherdepth.images.failures import write_failures

    check_engine(engine, workers, address, shard)
    if batch < 1:
        raise UsageError(f"batch is {batch}; expected 1 or more")
    in_units = engine == "ray" or is_packed(Path(photos))
    collection = None if in_units else open_data(Path(photos))
    units = None
    if in_units:
        from featherdepth.data.units import list_units

        units = list_units(Path(photos), group=WAITING * batch)
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    here = "cpu" if in_units else place  # those that work on units open their own
    opened = open_teacher(teacher, size=size, device=here, threads=threads)
    warning = warning_line(opened.card)
    if warning is not None:
        logger.warning("%s", warning)
    store = MapCache.open(Path(cache), opened.card, size)
    result: JobResult
    if collection is not None:
        result = label_photos(
            collection, opened, store, batch=batch, device=place, progress=progress, shard=shard
        )
    elif units is not None:
        gpu = torch.device(place).type == "cuda"
        work = LabelWork(
            teacher=teacher,
            card=opened.card,
            cache=store.folder.absolute(),
            size=size,
            device="cuda" if gpu and engine == "ray" else place,  # a worker sees its own alone
            threads=work_threads(engine, threads),
            batch=batch,
        )
        with kept_memory():  # of this process; those of a cluster take their system's way
            result = run_work(
                work,
                units,
                engine,
                workers=workers,
                threads=threads,
                address=address,
                gpu=gpu,
                shard=shard,
                progress=progress,
            )
    name = "failures.jsonl" if shard is None else f"failures-{shard[0]}-of-{shard[1]}.jsonl"
    write_failures(store.folder / name, result.failed)
    usage = store.usage()
    return {
        "out": str(cache),
        "done": result.done,
        "skipped": result.skipped,
        "failed": result.failed,
        "failures": str(store.folder / name) if result.failed else None,
        "teacher": opened.card.name,
        "kind": opened.card.kind.value,
        "digest": opened.card.digest,
        "maps": usage.maps,
        "bytes": usage.size_bytes,
        "bytes_per_map": usage.bytes_per_map,
        "warning": warning,
    }
