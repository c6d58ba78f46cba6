"""What makes a model: training and distillation."""

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featherdepth.config import read_toml, set_keys
from featherdepth.errors import BackendError, UsageError, needing
from featherdepth.runtime.cpu import cores

if TYPE_CHECKING:
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
    progress: Callable[[str, int, int], None] | None = None,
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
        shown: progress of training on stderr.
        progress: called with (what is going on, done, in all) before it.

    Returns:
        `folder`, `step` and the `figures` of the last validation.

    Raises:
        UsageError: a key, name or value of the recipe that does not fit.
        InputError: data that is missing or not as promised.
        WeightsError: a start that is missing or of another network.
        RunError: a folder that holds another run, a loss that is not a number, no space.
        BackendError: torch is not installed, or a backend computes something else than torch.
    """
    with needing("training", "train"):
        import torch

        from featherdepth.completion.learning.recipe import is_completion
        from featherdepth.completion.learning.recipe import parse_recipe as parse_completion
        from featherdepth.completion.learning.run import train as train_completion
        from featherdepth.distill.features import train_features
        from featherdepth.distill.features_recipe import is_features
        from featherdepth.distill.features_recipe import parse_recipe as parse_features
        from featherdepth.training.recipe import parse_recipe
        from featherdepth.training.supervised import train as train_supervised
    table = set_keys(read_toml(Path(recipe)), list(assignments))
    features, completing = is_features(table), is_completion(table)
    if init is not None:
        from featherdepth.runtime.reference import resolve

        reference = resolve(init)
        if reference.network is not None:
            raise UsageError(f"--init {init}: a foreign file; expected a model folder or its name")
        table["init"] = str(reference.path)
        if not features and not completing:
            table["encoder_weights"] = ""
    start: Callable[..., Outcome]
    if features:
        start = partial(train_features, parse_features(table, str(recipe)))
    elif completing:
        start = partial(train_completion, parse_completion(table, str(recipe)))
    else:
        start = partial(train_supervised, parse_recipe(table, str(recipe)))
    if threads is not None:
        torch.set_num_threads(threads)
    outcome = start(
        Path(output),
        resume=resume,
        device=device,
        threads=threads or cores(),
        shown=shown,
        stages=progress,
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
    with needing("distillation", "train"):
        import torch

        from featherdepth.data.probe import open_data
        from featherdepth.distill.recipe import DEFAULT, read_recipe
        from featherdepth.distill.run import distill as run
        from featherdepth.distill.teachers.open import open_teacher
        from featherdepth.distill.teachers.terms import warning_line
    # As in `train`, a start that is asked for takes the place of the recipe's, whichever it has.
    changes = [*([] if init is None else ["encoder_weights="]), *assignments]
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
        threads=threads or cores(),
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
