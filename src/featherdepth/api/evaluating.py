"""How good a model is on a data set."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featherdepth.api.engines import check_shard
from featherdepth.api.mixes import refuse_mixes
from featherdepth.api.writing import check_output, written
from featherdepth.completion import DEFAULT
from featherdepth.errors import InputError, UsageError

if TYPE_CHECKING:
    from featherdepth.evaluation.completion import Completer
    from featherdepth.evaluation.measured import Opened
    from featherdepth.metrics.protocols import EvalProtocol


TEACHERS_ALONE = ("mean:", "py:")
"""How references begin that only a teacher has: no model folder stands behind them."""


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
    device: str | None = None,
    threads: int | None = None,
    seed: int = 0,
    output: str | Path | None = None,
    also: Sequence[str] = (),
    shard: tuple[int, int] | None = None,
    save_predictions: str | Path | None = None,
    corrupt: Sequence[str] | None = None,
    strengths: Sequence[int] | None = None,
    corrupt_images: int | None = None,
    pattern: str | None = None,
    method: str | None = None,
    held_out: bool = False,
    first_predictions: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score a model on a data set under a named protocol.

    Args:
        model: a name, a model folder, a baseline ("constant" or "median-map"), or what only a
            teacher can be: "mean:A+B", "py:module:function".
        split: part of the data; several joined by commas.
        reader: a name of `featherdepth.data.READERS`, where a folder holds more than one data set,
            such as KITTI with laser points and with improved truth; by default told by the files.
        options: `key=value` texts for the reader, such as "truth=filled" for NYUv2's own file.
        baseline_split: training split that baselines are learned from; with it the median map
            is scored beside the constant.
        size: of the network's input: an edge, or (height, width); by default the model's own.
        device: as of `DepthModel`.
        threads: of the networks, that of completion included.
        precision: as of `DepthModel`; "auto" is fp32, so that no figure hangs on the machine.
        seed: of the bootstrap intervals.
        output: file that the document is also written to, whole or not at all.
        also: measures beside those of the protocol.
        shard: (i, n): only every n-th image, beginning with the i-th; i from 1. `merge_results`
            puts the documents of all parts together.
        save_predictions: folder that keeps the prediction of every scored image, for `why`.
        corrupt: also score photos made worse in these ways (`featherdepth.data.corrupt` and
            `.conditions`); an empty list takes all.
        strengths: of the corruptions, from 1 to 5; by default 1, 3 and 5.
        pattern: score completion: points of this pattern (`featherdepth.data.patterns`) are drawn
            from the truth, seeded for each image, and the model is the first stage.
        method: of the completion, a name of `featherdepth.completion.METHODS`; by default
            "learned". A published system (`nlspn@FILE` as the model) completes by itself.
        held_out: score completion only where no point was given; for truth that is sparse itself.
        first_predictions: folder of `save_predictions` with the first stage's maps of these
            images: no network runs.
        corrupt_images: how many images are made worse, an even selection; all by default.
        progress: called with (images done, images in all); once more from 0 with `corrupt`.

    Returns:
        The document that `featherdepth.evaluation.accuracy.evaluate` describes; with `corrupt` its
        `robustness` is what `featherdepth.evaluation.robustness.measure_robustness` describes, with
        `pattern` its `completion` what `Completer.describe` does, and `first`: the first stage.
        Where no robustness can be told, the last of its `notes` says why.

    Raises:
        UsageError: an unknown model, split or protocol, or one that does not fit the model; options
            that do not go together; an `output` that is a folder or in none.
        InputError: no such data, or not one image could be scored.
        WeightsError: a model that is missing or damaged.
        BackendError: a backend that is not installed.
        RunError: `output` cannot be written.
    """
    from featherdepth.config import set_keys
    from featherdepth.data.probe import open_data
    from featherdepth.evaluation.about import About
    from featherdepth.evaluation.accuracy import Predictor
    from featherdepth.evaluation.accuracy import evaluate as evaluate_model
    from featherdepth.evaluation.baselines import BASELINES, load_baselines
    from featherdepth.evaluation.completion import KeptFirst
    from featherdepth.evaluation.kept import KeptPredictions
    from featherdepth.evaluation.robustness import QUICK, Plan, measure_robustness, narrowed
    from featherdepth.metrics.protocols import load_protocol
    from featherdepth.types import Provenance

    check_output(output)
    check_shard(shard)
    rules = load_protocol(protocol)
    refuse_mixes(
        model=model,
        size=size,
        backend=backend,
        precision=precision,
        shard=shard,
        save_predictions=save_predictions,
        corrupt=corrupt,
        strengths=strengths,
        corrupt_images=corrupt_images,
        pattern=pattern,
        method=method,
        held_out=held_out,
        first_predictions=first_predictions,
        baseline_split=baseline_split,
    )
    plan = None
    if corrupt is not None:
        plan = Plan.of(corrupt, QUICK if strengths is None else strengths)
        narrowed(rules)  # what it cannot score is said before hours of work
    rules = _with_measures(rules, also)
    completer = opened = said = None
    if pattern is not None:
        completer, opened = _completer(
            rules, pattern, method or DEFAULT, model, seed=seed, held_out=held_out, threads=threads
        )
        said = completer.describe()  # a network that is missing is said now
    keys = set_keys({}, list(options), flag="--option")
    samples = open_data(Path(data), split, reader=reader, **keys)
    training = (
        None
        if baseline_split is None
        else open_data(Path(data), baseline_split, reader=reader, **keys)
    )
    baselines = load_baselines(training)
    predictor: Predictor
    if first_predictions is not None:
        firsts = KeptPredictions.open(Path(first_predictions))
        predictor, name = KeptFirst(firsts), firsts.about.model
        size = firsts.about.size  # for the document: what the maps are of
    elif opened is not None:
        predictor, name = opened.predictor, opened.name
    elif model in BASELINES:
        name = str(model)
        if name not in baselines:
            raise UsageError(f"{name} is learned: name a training split with --baseline-split")
        predictor = baselines.pop(name)
    elif str(model).startswith(TEACHERS_ALONE):
        from featherdepth.distill.teachers.predictor import TeacherPredictor

        if (backend, precision) != ("auto", "auto"):
            raise UsageError(f"{model}: teachers run in torch; leave --backend and --precision out")
        predictor = TeacherPredictor(str(model), device=device, threads=threads)
        name = predictor.name
    else:
        from featherdepth.runtime.choice import repeatable
        from featherdepth.runtime.model import DepthModel

        chosen = repeatable(model, precision)
        predictor = DepthModel.from_pretrained(
            model, backend=backend, precision=chosen, threads=threads, device=device
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
        baselines=baselines if completer is None else {},
        seed=seed,
        progress=progress,
        shard=shard,
        keep=None if kept is None else kept.write,
        finish=completer,
    )
    if said is not None:
        result["completion"] = {**said, "first": name if opened is None else None}
    if plan is not None:
        try:
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
        except InputError as error:  # what was scored before stays a result
            result["notes"].append(f"no robustness: {error}")
    return written(result, output)


def _with_measures(rules: "EvalProtocol", also: Sequence[str]) -> "EvalProtocol":
    from dataclasses import replace

    from featherdepth.metrics.map_measures import DECLARED

    for measure in also:
        if measure not in DECLARED:
            raise UsageError(f"unknown measure {measure!r}; known: {', '.join(DECLARED)}")
    extra = tuple(measure for measure in also if measure not in rules.measures)
    try:
        return replace(rules, measures=(*rules.measures, *extra))
    except ValueError as error:
        measures = ", ".join(extra)
        raise UsageError(f"measures {measures} do not fit {rules.name}: {error}") from error


def _completer(
    rules: "EvalProtocol",
    pattern: str,
    method: str,
    model: str | Path | None,
    *,
    seed: int,
    held_out: bool,
    threads: int | None,
) -> tuple["Completer", "Opened | None"]:
    """What completes, and the published system where the model is one."""
    from featherdepth.api.systems import is_system, published_system
    from featherdepth.completion import parse_method
    from featherdepth.data.patterns.grammar import parse as parse_pattern
    from featherdepth.evaluation.completion import MEASURED, Completer

    if pattern != MEASURED:
        parse_pattern(pattern)  # wrong names are said before hours of work
    parse_method(method)
    opened = published_system(str(model), threads) if is_system(model) else None
    completer = Completer(
        rules=rules,
        pattern=pattern,
        method=method,
        seed=seed,
        held_out=held_out,
        threads=threads,
        system=None if opened is None else opened.system,
        made=None if opened is None else opened.provenance,
    )
    return completer, opened
