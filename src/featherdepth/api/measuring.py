"""What says how good a model is: scores, and what is told from them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from featherdepth.completion import DEFAULT
from featherdepth.errors import UsageError


def evaluate(  # noqa: PLR0915 - the checks of one verb, in order
    data: str | Path,
    *,
    model: str | Path | None = None,
    split: str | None = None,
    reader: str | None = None,
    options: Sequence[str] = (),
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
    pattern: str | None = None,
    method: str = DEFAULT,
    held_out: bool = False,
    first_predictions: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score a model on a data set under a named protocol.

    Args:
        model: a name, a model folder, or a baseline: "constant" or "median-map".
        split: part of the data; several joined by commas.
        reader: a name of `featherdepth.data.READERS`, where a folder holds more than one data set,
            such as KITTI with laser points and with improved truth; by default told by the files.
        options: `key=value` texts for the reader, such as "truth=filled" for NYUv2's own file.
        baseline_split: training split that baselines are learned from; with it the median map
            is scored beside the constant.
        size: of the network's input: an edge, or (height, width); by default the model's own.
        precision: as of `DepthModel`; "auto" is fp32, so that no figure hangs on the machine.
        seed: of the bootstrap intervals.
        output: file that the document is also written to, whole or not at all.
        also: measures beside those of the protocol.
        shard: (i, n): only every n-th image, beginning with the i-th; i from 1. `merge_results`
            puts the documents of all parts together.
        save_predictions: folder that keeps the prediction of every scored image, for `why`.
        corrupt: also score photos made worse in these ways (`featherdepth.data.corrupt` and
            `.conditions`); an empty list takes all.
        strengths: of the corruptions, from 1 to 5.
        pattern: score completion: points of this pattern (`featherdepth.data.patterns`) are drawn
            from the truth, seeded for each image, and the model is the first stage.
        method: of the completion, a name of `featherdepth.completion.METHODS`.
        held_out: score completion only where no point was given; for truth that is sparse itself.
        first_predictions: folder of `save_predictions` with the first stage's maps of these
            images: no network runs.
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

    from featherdepth.api.systems import is_system, published_system
    from featherdepth.completion import parse_method
    from featherdepth.config import set_keys
    from featherdepth.data.patterns.grammar import parse as parse_pattern
    from featherdepth.data.probe import open_data
    from featherdepth.evaluation.about import About
    from featherdepth.evaluation.accuracy import Predictor
    from featherdepth.evaluation.accuracy import evaluate as evaluate_model
    from featherdepth.evaluation.baselines import BASELINES, load_baselines
    from featherdepth.evaluation.completion import MEASURED, Completer, KeptFirst
    from featherdepth.evaluation.kept import KeptPredictions
    from featherdepth.evaluation.robustness import Plan, measure_robustness, narrowed
    from featherdepth.metrics.map_measures import DECLARED
    from featherdepth.metrics.protocols import load_protocol
    from featherdepth.types import Provenance

    rules = load_protocol(protocol)
    if first_predictions is not None and (pattern is None or model is not None):
        raise UsageError("kept predictions of a first stage go with --pattern, without --model")
    if pattern is not None and (corrupt is not None or save_predictions is not None):
        raise UsageError("completion is scored alone; leave --corrupt and --save-predictions out")
    if held_out and pattern is None:
        raise UsageError("--held-out scores completion; name the points with --pattern")
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
    completer = None
    if pattern is not None:
        if pattern != MEASURED:
            parse_pattern(pattern)  # wrong names are said before hours of work
        parse_method(method)
        completer = Completer(
            rules=rules, pattern=pattern, method=method, seed=seed, held_out=held_out
        )
    if completer is not None and model is not None and is_system(model):
        opened = published_system(str(model), threads)
        completer = replace(completer, method=opened.name, system=opened.system)
    keys = set_keys({}, list(options))
    samples = open_data(Path(data), split, reader=reader, **keys)
    training = (
        None
        if baseline_split is None
        else open_data(Path(data), baseline_split, reader=reader, **keys)
    )
    baselines = load_baselines(training) if completer is None else {}
    predictor: Predictor
    if first_predictions is not None:
        firsts = KeptPredictions.open(Path(first_predictions))
        predictor, name = KeptFirst(firsts), firsts.about.model
    elif completer is not None and completer.system is not None:
        predictor, name = opened.predictor, opened.name
    elif model in BASELINES:
        name = str(model)
        if name not in baselines:
            raise UsageError(f"{name} is learned: name a training split with --baseline-split")
        predictor = baselines.pop(name)
    else:
        from featherdepth.runtime.choice import repeatable
        from featherdepth.runtime.model import DepthModel

        chosen = repeatable(model, precision)
        predictor = DepthModel.from_pretrained(
            model, backend=backend, precision=chosen, threads=threads
        )
        name = predictor.preset.name
    kept = None
    if save_predictions is not None:
        made = getattr(predictor, "provenance", Provenance())  # baselines have no weights
        about = About(
            model=name,
            data=samples.name,
            split=samples.split,
            protocol=protocol,
            sha256=made.sha256,
            precision=made.precision,
            size=size,
        )
        kept = KeptPredictions.begin(Path(save_predictions), about)
    result = evaluate_model(
        predictor,
        samples,
        rules,
        name=name,
        size=size,
        baselines=baselines,
        seed=seed,
        progress=progress,
        shard=shard,
        keep=None if kept is None else kept.write,
        finish=completer,
    )
    if completer is not None:
        result["completion"] = {
            "pattern": pattern,
            "method": method,
            "seed": seed,
            "first": name,
            "held_out": held_out,
        }
    if plan is not None:
        result["robustness"] = measure_robustness(
            predictor,
            samples,
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
    reader: str | None = None,
    options: Sequence[str] = (),
    protocol: str | None = None,
    output: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score kept predictions under every protocol that fits, and with one choice changed.

    Args:
        folder: as `evaluate` kept them.
        data, split, reader, options: as for `evaluate`; by default the split that they were kept
            of.
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
    from featherdepth.config import set_keys
    from featherdepth.data.probe import open_data
    from featherdepth.evaluation.kept import KeptPredictions
    from featherdepth.evaluation.why import explain, open_partners
    from featherdepth.metrics.protocols import load_protocol

    kept = KeptPredictions.open(Path(folder))
    rules = load_protocol(protocol or kept.about.protocol)
    part = split or kept.about.split
    keys = set_keys({}, list(options))
    samples = open_data(Path(data), part, reader=reader, **keys)
    partners = open_partners(Path(data), part, reader=reader, truth=keys.get("truth"))
    return _written(explain(kept, samples, rules, partners=partners, progress=progress), output)


def _written(result: dict[str, Any], output: str | Path | None) -> dict[str, Any]:
    """The document, also as a file that is whole or not there."""
    if output is not None:
        from featherdepth.images.atomic import write_atomic

        text = json.dumps(result, indent=2, sort_keys=True) + "\n"
        write_atomic(Path(output), text.encode())
    return result
