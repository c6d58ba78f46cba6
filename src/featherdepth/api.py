"""What the command does, as functions: one a verb, plain values in and out."""

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from featherdepth.errors import BackendError, UsageError, WeightsError

logger = logging.getLogger(__name__)


def predict(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    model: str | Path | None = None,
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    shard: tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Predict the depth of photos and write it into a folder that mirrors where they were found.

    Args:
        inputs: photos, folders, globs, .txt lists, or "-" for a list on standard input.
        model: a name, a model folder, or NETWORK@FILE.
        shard: (i, n): only every n-th photo, beginning with the i-th; i from 1.
        overwrite: also what is already there, whole, and of this model and these options.
        progress: called with (photos finished, photos in all).
        options: fields of `featherdepth.runtime.outputs.OutputOptions`.

    Returns:
        `out`, `done`, `skipped`, `failed` (list of `photo`, `error`), `failures` (the file that
        lists them), `model`, `sha256`, `kind`, `unit`, `larger_is`, `backend`, `precision`.

    Raises:
        UsageError: a model, size or option that does not exist or fit.
        InputError: an input that does not exist or holds no photo.
        WeightsError: a model that is missing or damaged.
        BackendError: a backend that is not installed.
        RunError: the results cannot be written; what is there stays.
    """
    from featherdepth.images.read import find_images
    from featherdepth.runtime.job import predict_files
    from featherdepth.runtime.model import DepthModel
    from featherdepth.runtime.outputs import OutputOptions

    chosen = OutputOptions(**options)
    photos = find_images([inputs] if isinstance(inputs, str | Path) else inputs)
    failures = "failures.jsonl"
    if shard is not None:
        index, count = shard
        photos = photos[index - 1 :: count]
        failures = f"failures-{index}-of-{count}.jsonl"
    network = DepthModel.from_pretrained(
        model, backend=backend, precision=precision, threads=threads
    )
    result = predict_files(
        network,
        photos,
        Path(output),
        chosen,
        overwrite=overwrite,
        failures=failures,
        progress=progress,
    )
    preset = network.preset
    return {
        "out": str(output),
        "done": result.done,
        "skipped": result.skipped,
        "failed": result.failed,
        "failures": str(Path(output, failures)) if result.failed else None,
        "model": preset.name,
        "sha256": preset.sha256,
        "kind": preset.kind.value,
        "unit": preset.unit,
        "larger_is": preset.kind.larger_is,
        "backend": network.backend,
        "precision": network.precision,
    }


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
    """Train a network on labelled depth as a recipe says; `output` becomes a model folder.

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

        from featherdepth.training.recipe import read_recipe
        from featherdepth.training.supervised import train as train_supervised
    except ModuleNotFoundError as error:
        message = f"training needs {error.name}; pip install 'featherdepth[train]'"
        raise BackendError(message) from error
    changes = list(assignments)
    if init is not None:
        from featherdepth.runtime.reference import resolve

        reference = resolve(init)
        if reference.network is not None:
            raise UsageError(f"--init {init}: a foreign file; expected a model folder or its name")
        changes += [f"init={json.dumps(str(reference.path))}", "encoder_weights="]
    found = read_recipe(Path(recipe), changes)
    if threads is not None:
        torch.set_num_threads(threads)
    outcome = train_supervised(
        found,
        Path(output),
        resume=resume,
        device=device,
        threads=threads or os.cpu_count() or 1,
        shown=shown,
    )
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


def evaluate(
    data: str | Path,
    *,
    model: str | Path | None = None,
    split: str | None = None,
    protocol: str = "aligned",
    baseline_split: str | None = None,
    size: int | tuple[int, int] | None = None,
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    seed: int = 0,
    output: str | Path | None = None,
    also: Sequence[str] = (),
    shard: tuple[int, int] | None = None,
    save_predictions: str | Path | None = None,
    corrupt: Sequence[str] | None = None,
    strengths: Sequence[int] = (1, 3, 5),
    corrupt_images: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score a model on a data set under a named protocol.

    Args:
        model: a name, a model folder, or a baseline: "constant" or "median-map".
        split: part of the data; several joined by commas.
        baseline_split: training split that baselines are learned from; with it the median map
            is scored beside the constant.
        size: of the network's input: an edge, or (height, width); by default the model's own.
        seed: of the bootstrap intervals.
        output: file that the document is also written to, whole or not at all.
        also: measures beside those of the protocol.
        shard: (i, n): only every n-th image, beginning with the i-th; i from 1. `merge_results`
            puts the documents of all parts together.
        save_predictions: folder that keeps the prediction of every scored image, for `why`.
        corrupt: also score photos made worse in these ways (`featherdepth.data.corrupt` and
            `.conditions`); an empty list takes all.
        strengths: of the corruptions, from 1 to 5.
        corrupt_images: how many images are made worse, an even selection; all by default.
        progress: called with (images done, images in all); once more from 0 with `corrupt`.

    Returns:
        The document that `featherdepth.evaluation.accuracy.evaluate` describes; with `corrupt` its
        `robustness` is what `featherdepth.evaluation.robustness.measure_robustness` describes.

    Raises:
        UsageError: an unknown model, split or protocol, or one that does not fit the model.
        InputError: no such data, or not one image could be scored.
        WeightsError: a model that is missing or damaged.
        BackendError: a backend that is not installed.
        RunError: `output` cannot be written.
    """
    from dataclasses import replace

    from featherdepth.data.probe import open_data
    from featherdepth.evaluation.accuracy import Predictor
    from featherdepth.evaluation.accuracy import evaluate as evaluate_model
    from featherdepth.evaluation.baselines import BASELINES, load_baselines
    from featherdepth.evaluation.kept import About, KeptPredictions
    from featherdepth.evaluation.robustness import Plan, measure_robustness, narrowed
    from featherdepth.metrics.map_measures import DECLARED
    from featherdepth.metrics.protocols import load_protocol

    rules = load_protocol(protocol)
    plan = None
    if corrupt is not None:
        if shard is not None:
            raise UsageError("corruptions are not sharded; leave --shard or --corrupt out")
        plan = Plan.of(corrupt, strengths)
        narrowed(rules)  # what it cannot score is said before hours of work
    for measure in also:
        if measure not in DECLARED:
            raise UsageError(f"unknown measure {measure!r}; known: {', '.join(DECLARED)}")
    extra = tuple(measure for measure in also if measure not in rules.measures)
    try:
        rules = replace(rules, measures=(*rules.measures, *extra))
    except ValueError as error:
        raise UsageError(f"measures {', '.join(extra)} do not fit {protocol}: {error}") from error
    reader = open_data(Path(data), split)
    training = None if baseline_split is None else open_data(Path(data), baseline_split)
    baselines = load_baselines(training)
    predictor: Predictor
    if model in BASELINES:
        name = str(model)
        if name not in baselines:
            raise UsageError(f"{name} is learned: name a training split with --baseline-split")
        predictor = baselines.pop(name)
    else:
        from featherdepth.runtime.model import DepthModel

        predictor = DepthModel.from_pretrained(
            model, backend=backend, precision=precision, threads=threads
        )
        name = predictor.preset.name
    kept = None
    if save_predictions is not None:
        about = About(model=name, data=reader.name, split=reader.split, protocol=protocol)
        kept = KeptPredictions.begin(Path(save_predictions), about)
    result = evaluate_model(
        predictor,
        reader,
        rules,
        name=name,
        size=size,
        baselines=baselines,
        seed=seed,
        progress=progress,
        shard=shard,
        keep=None if kept is None else kept.write,
    )
    if plan is not None:
        result["robustness"] = measure_robustness(
            predictor,
            reader,
            rules,
            plan,
            size=size,
            images=corrupt_images,
            seed=seed,
            progress=progress,
        )
    return _written(result, output)


def merge_results(
    parts: Sequence[str | Path], *, output: str | Path | None = None
) -> dict[str, Any]:
    """Put the documents of `evaluate` with `shard` together: what one run gives.

    Args:
        parts: their files, in any order.
        output: as for `evaluate`.

    Raises:
        InputError: not parts of one run, or one too few or twice.
        RunError: `output` cannot be written.
    """
    from featherdepth.config import read_json
    from featherdepth.evaluation.merge import merge

    if not parts:
        raise UsageError("no parts to merge; name the files of evaluate --shard i/n -o FILE")
    return _written(merge({str(part): read_json(Path(part)) for part in parts}), output)


def compare(
    a: str | Path, b: str | Path, *, seed: int = 0, output: str | Path | None = None
) -> dict[str, Any]:
    """Compare two documents of `evaluate` image by image.

    Args:
        seed: of the bootstrap intervals.
        output: as for `evaluate`.

    Returns:
        The document that `featherdepth.evaluation.compare.compare` describes.

    Raises:
        InputError: not such documents, or of different data or protocols.
        RunError: `output` cannot be written.
    """
    from featherdepth.config import read_json
    from featherdepth.evaluation.compare import compare as compare_documents

    documents = read_json(Path(a)), read_json(Path(b))
    names = (Path(a).name, Path(b).name)
    return _written(compare_documents(*documents, names=names, seed=seed), output)


def why(
    folder: str | Path,
    data: str | Path,
    *,
    split: str | None = None,
    protocol: str | None = None,
    output: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score kept predictions under every protocol that fits, and with one choice changed.

    Args:
        folder: as `evaluate` kept them.
        data, split: as for `evaluate`; by default the split that they were kept of.
        protocol: whose choices are changed; by default the one that they were kept under.
        output: as for `evaluate`.
        progress: called with (images done, images in all).

    Returns:
        The document that `featherdepth.evaluation.why.explain` describes.

    Raises:
        UsageError: an unknown split or protocol, or one that does not fit the predictions.
        InputError: no such data or predictions, or none of these images.
        RunError: `output` cannot be written.
    """
    from featherdepth.data.probe import open_data
    from featherdepth.evaluation.kept import KeptPredictions
    from featherdepth.evaluation.why import explain, open_partners
    from featherdepth.metrics.protocols import load_protocol

    kept = KeptPredictions.open(Path(folder))
    rules = load_protocol(protocol or kept.about.protocol)
    part = split or kept.about.split
    reader = open_data(Path(data), part)
    partners = open_partners(Path(data), part)
    return _written(explain(kept, reader, rules, partners=partners, progress=progress), output)


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


def info(model: str | Path | None = None, *, licenses: bool = False) -> dict[str, Any]:
    """What models and networks are; no weights are loaded.

    Args:
        model: an embedded model, a model folder or a network; None lists all embedded models
            and all networks.
        licenses: add what each model was made from (`materials`: name, class, terms, use).

    Returns:
        `models`: name, network, params, macs, size, kind, license, sha256, bytes (of the weights);
        `networks`: name, params, macs (multiply-accumulates at 448x448, thop convention).

    Raises:
        UsageError: no such model or network.
        WeightsError: a model folder that is missing or damaged.
    """
    from featherdepth.networks.folder import WEIGHTS, read_config
    from featherdepth.networks.listing import list_networks
    from featherdepth.runtime.presets import embedded_folder, embedded_models
    from featherdepth.runtime.reference import resolve

    networks = [row for row in list_networks() if model in (None, row["name"])]
    folders = [embedded_folder(name) for name in embedded_models() if model is None]
    if model is not None and (model in embedded_models() or not networks):
        reference = resolve(model)
        if reference.network is not None:
            raise UsageError(f"{model}: a foreign file says nothing about itself; name a folder")
        folders = [reference.path]
    models = []
    for folder in folders:
        preset = read_config(folder)
        if not (folder / WEIGHTS).is_file():
            raise WeightsError(f"{folder / WEIGHTS}: not found; expected the weights there")
        row = {
            "name": preset.name,
            "network": preset.network,
            "params": preset.params,
            "macs": preset.macs,
            "size": [preset.size, preset.size],
            "kind": preset.kind.value,
            "license": preset.license,
            "sha256": preset.sha256,
            "bytes": (folder / WEIGHTS).stat().st_size,
        }
        models.append({**row, "materials": list(preset.materials)} if licenses else row)
    return {"models": models, "networks": networks}


def card(model: str | Path | None = None) -> str:
    """The model card, Markdown; empty for a network without weights.

    Raises:
        UsageError, WeightsError: as `info`.
    """
    from featherdepth.networks.folder import CARD
    from featherdepth.networks.listing import list_networks
    from featherdepth.runtime.presets import embedded_models
    from featherdepth.runtime.reference import resolve

    if model in {row["name"] for row in list_networks()} - set(embedded_models()):
        return ""
    path = resolve(model).path / CARD
    return path.read_text(encoding="utf-8") if path.is_file() else ""


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
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Compute a teacher's maps of whole photos into a folder; those that are there are skipped.

    Args:
        photos: as for `distill`.
        cache: as for `distill`, which reads it if its recipe asks the teacher for the same size.
        teacher: as `featherdepth.distill.teachers.open.open_teacher` takes it.
        size: at which it sees photos: an edge, or (height, width); by default its own.
        device: such as "cpu" or "cuda:0"; by default an accelerator if there is one.
        threads: CPU threads.
        batch: photos that the teacher sees at once.
        shard: (i, n): only every n-th photo, beginning with the i-th; i from 1.
        progress: called with (photos finished, photos in all).

    Returns:
        `out`, `done`, `skipped`, `failed` (list of `photo`, `error`), `failures` (the file that
        lists them), `teacher`, `kind`, `digest`, `maps` and `bytes` (all that the folder holds),
        `bytes_per_map`, `warning` (terms of the teacher; or None).

    Raises:
        UsageError: a teacher, size or device that does not exist or fit.
        InputError: no photos.
        WeightsError: a teacher that is missing or damaged.
        RunError: maps of another teacher or size there, a teacher that gives NaN, no space.
        BackendError: a package that is not installed.
    """
    try:
        import torch

        from featherdepth.data.probe import open_data
        from featherdepth.distill.cache import MapCache
        from featherdepth.distill.label import label_photos
        from featherdepth.distill.teachers.open import open_teacher
        from featherdepth.distill.teachers.terms import warning_line
    except ModuleNotFoundError as error:
        message = f"labeling needs {error.name}; pip install 'featherdepth[train]'"
        raise BackendError(message) from error
    from featherdepth.runtime.job import write_failures

    if batch < 1:
        raise UsageError(f"batch is {batch}; expected 1 or more")
    collection = open_data(Path(photos))
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    opened = open_teacher(teacher, size=size, device=place, threads=threads)
    warning = warning_line(opened.card)
    if warning is not None:
        logger.warning("%s", warning)
    store = MapCache.open(Path(cache), opened.card, size)
    result = label_photos(
        collection, opened, store, batch=batch, device=place, progress=progress, shard=shard
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
    from featherdepth.runtime.job import write_failures

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


def _written(result: dict[str, Any], output: str | Path | None) -> dict[str, Any]:
    """The document, also as a file that is whole or not there."""
    if output is not None:
        from featherdepth.images.atomic import write_atomic

        text = json.dumps(result, indent=2, sort_keys=True) + "\n"
        write_atomic(Path(output), text.encode())
    return result
