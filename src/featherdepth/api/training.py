"""What makes a model: training, distillation, and a teacher's maps for it."""

import json
import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featherdepth.config import read_toml, set_keys
from featherdepth.errors import BackendError, UsageError

if TYPE_CHECKING:
    from featherdepth.distill.label import LabelResult
    from featherdepth.runtime.job import JobResult
    from featherdepth.training.loop import Outcome

logger = logging.getLogger(__name__)


def train(
    recipe: str | Path,
    output: str | Path,
    *,
    resume: bool = False,
    init: str | None = None,
    assignments: Sequence[str] = (),
    device: str | None = None,
    threads: int | None = None,
    shown: bool = False,
) -> dict[str, Any]:
    """Train a network as a recipe says; `output` becomes a model folder.

    On labelled depth; or, where the recipe's `kind` is "features", its encoder alone on photos
    without labels, which makes a start for other trainings.

    Args:
        resume: go on from the newest checkpoint in `output`; the end is the same, bit for bit.
        init: a model to start from, in place of what the recipe says.
        assignments: `key=value` texts that replace keys of the recipe.
        device: such as "cpu" or "cuda:0"; by default what accelerate finds.
        threads: CPU threads.
        shown: progress on stderr.

    Returns:
        `folder`, `step` and the `figures` of the last validation.

    Raises:
        UsageError: a key, name or value of the recipe that does not fit.
        InputError: data that is missing or not as promised.
        WeightsError: a start that is missing or of another network.
        RunError: a folder that holds another run, a loss that is not a number, no space.
        BackendError: torch is not installed, or a backend computes something else than torch.
    """
    try:
        import torch

        from featherdepth.completion.learning.recipe import is_completion
        from featherdepth.completion.learning.recipe import parse_recipe as parse_completion
        from featherdepth.completion.learning.run import train as train_completion
        from featherdepth.distill.features import train_features
        from featherdepth.distill.features_recipe import is_features
        from featherdepth.distill.features_recipe import read_recipe as read_features_recipe
        from featherdepth.training.recipe import read_recipe
        from featherdepth.training.supervised import train as train_supervised
    except ModuleNotFoundError as error:
        message = f"training needs {error.name}; pip install 'featherdepth[train]'"
        raise BackendError(message) from error
    changes = list(assignments)
    features = is_features(Path(recipe), changes)
    completing = is_completion(set_keys(read_toml(Path(recipe)), changes))
    if init is not None:
        from featherdepth.runtime.reference import resolve

        reference = resolve(init)
        if reference.network is not None:
            raise UsageError(f"--init {init}: a foreign file; expected a model folder or its name")
        changes.append(f"init={json.dumps(str(reference.path))}")
        changes += [] if features or completing else ["encoder_weights="]
    start: Callable[..., Outcome]
    if features:
        start = partial(train_features, read_features_recipe(Path(recipe), changes))
    elif completing:
        table = set_keys(read_toml(Path(recipe)), changes)
        start = partial(train_completion, parse_completion(table, str(recipe)))
    else:
        start = partial(train_supervised, read_recipe(Path(recipe), changes))
    if threads is not None:
        torch.set_num_threads(threads)
    outcome = start(
        Path(output),
        resume=resume,
        device=device,
        threads=threads or os.cpu_count() or 1,
        shown=shown,
    )
    if not features:  # a start gives no depth to run anywhere
        _write_checked_graph(Path(output))
    return {"folder": str(output), "step": outcome.step, "figures": outcome.figures}


def distill(
    photos: str | Path,
    output: str | Path,
    *,
    teacher: str | Path,
    student: str | None = None,
    init: str | None = None,
    recipe: str | Path | None = None,
    assignments: Sequence[str] = (),
    cache: str | Path | None = None,
    holdout: float | None = None,
    report: bool = False,
    resume: bool = False,
    device: str | None = None,
    threads: int | None = None,
    shown: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Teach a small student what a teacher knows about these photos, without a label.

    Args:
        photos: a folder, .zip, .txt list, folder of shards, or a data set, whose depth is not
            looked at.
        output: becomes a model folder.
        teacher: as `featherdepth.distill.teachers.open.open_teacher` takes it.
        student: a network, in place of the recipe's.
        init: where the student begins, in place of what the recipe says: a model or "random".
        recipe: a file, or the name of one that comes with the package; the poster's by default.
        assignments: `key=value` texts that replace keys of the recipe.
        cache: folder for the teacher's maps of the whole photos: each is made once, and training
            asks the teacher no more. Without one the teacher sees the crops of every step.
        holdout: part of the photos that only measures, in place of the recipe's.
        report: also write report.html.
        resume: go on from the newest checkpoint in `output`; the end is the same, bit for bit.
        device: such as "cpu" or "cuda:0"; by default what accelerate finds.
        threads: CPU threads.
        shown: progress of training on stderr.
        progress: of what comes before it: called with (what, done, in all).

    Returns:
        `folder`, `step`, `best_step`, `agreement` (before, after, gain: measure -> value, low,
        high), `failed` (photos that could not be used), `warning` (terms of the teacher; or
        None), `report` (its path, or None).

    Raises:
        UsageError: a key, name, value or teacher that does not exist or fit.
        InputError: no photos, too few, or none that can be used.
        WeightsError: a start or teacher that is missing, damaged or of another network.
        RunError: a folder with another run, a teacher that gives NaN, no space.
        BackendError: a package that is not installed.
    """
    try:
        import torch

        from featherdepth.data.probe import open_data
        from featherdepth.distill.recipe import DEFAULT, read_recipe
        from featherdepth.distill.run import distill as run
        from featherdepth.distill.teachers.open import open_teacher
        from featherdepth.distill.teachers.terms import warning_line
    except ModuleNotFoundError as error:
        message = f"distillation needs {error.name}; pip install 'featherdepth[train]'"
        raise BackendError(message) from error
    changes = [*assignments]
    for key, value in (("student", student), ("init", init), ("holdout", holdout)):
        if value is not None:
            changes.append(f"{key}={json.dumps(value)}")
    found = read_recipe(recipe or DEFAULT, changes)
    collection = open_data(Path(photos))
    if threads is not None:
        torch.set_num_threads(threads)
    opened = open_teacher(teacher, size=found.teacher_size)
    warning = warning_line(opened.card)
    if warning is not None:
        logger.warning("%s", warning)
    result = run(
        collection,
        opened,
        found,
        Path(output),
        cache=None if cache is None else Path(cache),
        resume=resume,
        device=device,
        threads=threads or os.cpu_count() or 1,
        shown=shown,
        progress=progress,
    )
    page = None
    if result.document:  # the first of several processes writes
        _write_checked_graph(Path(output))
        if report:
            from featherdepth.report.distillation import write_report

            page = write_report(Path(output))
    agreement: dict[str, Any] = result.document.get("agreement", {})
    return {
        "folder": str(output),
        "step": result.outcome.step,
        "best_step": result.outcome.best_step,
        "agreement": {k: v for k, v in agreement.items() if k != "photos"},
        "failed": result.document.get("photos", {}).get("failed", []),
        "warning": warning,
        "report": None if page is None else str(page),
    }


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
    try:
        import torch

        from featherdepth.data.probe import open_data
        from featherdepth.distill.batching import WAITING
        from featherdepth.distill.cache import MapCache
        from featherdepth.distill.label import label_photos
        from featherdepth.distill.label_work import LabelWork
        from featherdepth.distill.teachers.open import open_teacher
        from featherdepth.distill.teachers.terms import warning_line
    except ModuleNotFoundError as error:
        message = f"labeling needs {error.name}; pip install 'featherdepth[train]'"
        raise BackendError(message) from error
    from featherdepth.api.engines import check_engine, run_work, work_threads
    from featherdepth.data.packed import is_packed
    from featherdepth.runtime.job import write_failures

    check_engine(engine, workers, address)
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
    result: LabelResult | JobResult
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


def _write_checked_graph(folder: Path) -> None:
    """Give a trained folder its model.onnx, or none if backends compute another thing than torch.

    Raises:
        BackendError: they do.
    """
    from featherdepth.export.onnx import write_graph
    from featherdepth.export.parity import verify

    graph = write_graph(folder)
    try:
        verify(folder, sizes=[(192, 256)])
    except BackendError:
        graph.unlink()  # without it the folder is still right: it runs on torch
        raise
