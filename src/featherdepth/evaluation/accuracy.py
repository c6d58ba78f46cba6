"""A model on a data set under a protocol: means with intervals, and a row for each image."""

import logging
import platform
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

import featherdepth
from featherdepth.data.reader import Reader, stream
from featherdepth.errors import InputError, RunError
from featherdepth.evaluation.scoring import score_sample
from featherdepth.evaluation.summary import Row, assemble, nothing_scored, row_of
from featherdepth.geometry.parts import Box, box_at
from featherdepth.metrics.bootstrap import DRAWS, LEVEL
from featherdepth.metrics.protocols import EvalProtocol
from featherdepth.metrics.scores import PredictionError
from featherdepth.types import Depth, DepthKind, Image, Provenance, Sample

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""

Finish = Callable[[Sample, Depth, Box], tuple[Depth, Sample]]


@runtime_checkable
class Predictor(Protocol):
    """Anything that makes a depth map of a photo; `DepthModel` is one."""

    def infer(self, image: Image, *, size: Any = None) -> Depth: ...


def evaluate(
    model: Predictor,
    reader: Reader,
    protocol: EvalProtocol,
    *,
    name: str,
    size: int | tuple[int, int] | None = None,
    baselines: Mapping[str, Predictor] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    shard: tuple[int, int] | None = None,
    keep: Callable[[str, Depth], None] | None = None,
    finish: Finish | None = None,
) -> dict[str, Any]:
    """Score `model` on every image of `reader`.

    An image that cannot be read, predicted or scored is listed in `skipped` with its reason and
    enters no mean; where the prediction is at fault (not finite, of another size, with holes) its
    key is in `faulty_predictions` too. Baselines are scored on exactly the images that the model
    was scored on. One image is held at a time, and the next ones are read meanwhile.

    Args:
        shard: (i, n): only every n-th image, beginning with the i-th; i from 1. The document then
            has what `featherdepth.evaluation.merge` needs, in `shard`.
        keep: called with the key and prediction of every image that was scored.
        finish: makes of a prediction what is scored, METRIC, and of the sample what it is scored
            against (`featherdepth.evaluation.completion`).

    Returns:
        The result document: model, protocol, data, metrics (value, low, high: the 95 % bootstrap
        interval over images), images, skipped, faulty_predictions, negative_scale, notes (where
        the data does not look like that of the protocol, or is one image), baselines,
        environment. delta1 to
        delta3 are shares in 0..1.

    Raises:
        UsageError: the protocol cannot score this kind of depth.
        InputError: not one image could be scored.
    """
    kind = _kind_of(model) if finish is None else DepthKind.METRIC
    rules = protocol if kind is None else protocol.resolved(kind)
    index, count = shard or (1, 1)
    indices = range(index - 1, len(reader), count)
    rows: dict[int, Row] = {}
    beside: dict[str, list[Row]] = {}
    skipped: dict[str, str] = {}
    faulty: list[str] = []
    provenance = Provenance()
    for done, (place, sample) in enumerate(stream(reader, indices), start=1):
        try:
            prediction, truth = predict(model, sample.image, size), sample
            usable = None
            if finish is not None:
                usable = reader.usable(place)
                prediction, truth = finish(sample, prediction, usable)
                usable = box_at(usable, sample.image.size, truth.image.size)
            rules = rules.resolved(prediction.kind)
            provenance = prediction.provenance
            predictions = {None: prediction} | {
                other: predict(baseline, sample.image, None)
                for other, baseline in _fitting(baselines or {}, rules).items()
            }
            scored = {
                who: row_of(
                    sample.key,
                    score_sample(made, truth, reader, place, rules, usable=usable),
                    pooled=rules.aggregate == "pixel",
                )
                for who, made in predictions.items()
            }
        except (InputError, RunError) as error:
            skipped[sample.key] = str(error)
            if isinstance(error, PredictionError):
                faulty.append(sample.key)
            logger.info("%s: skipped: %s", sample.key, error)
        else:
            if keep is not None:  # outside of what is skipped: a full disk ends the run
                keep(sample.key, prediction)
            rows[place] = scored.pop(None)
            for who, row in scored.items():
                beside.setdefault(str(who), []).append(row)
        if progress is not None:
            progress(done, len(indices))
    skipped |= {fault.key: fault.reason for fault in reader.skipped}
    if not rows and shard is None:
        raise nothing_scored(reader.describe(), skipped)
    notes = _strangers(reader, rules)
    document = assemble(
        model=name,
        protocol=rules.as_dict(),
        data={"name": reader.name, "split": reader.split},
        rows=list(rows.values()),
        baselines=beside,
        skipped=skipped,
        faulty=faulty,
        notes=notes,
        seed=seed,
        environment=_environment(provenance, size, seed),
    )
    if shard is None:
        return document
    part = {"index": index, "count": count, "places": list(rows)}
    return {**document, "shard": {**part, "baselines": beside, "notes": notes, "of": len(reader)}}


def _strangers(reader: Reader, rules: EvalProtocol) -> list[str]:
    if rules.dataset == "any":
        return []
    names = {reader.name} | ({reader.part(0)[0]} if len(reader) else set())
    if any(rules.dataset in name.lower() for name in names):
        return []
    return [f"{reader.name} is not called {rules.dataset}, which {rules.name} is for"]


def _kind_of(model: Predictor) -> DepthKind | None:
    """Of a model that says so beforehand; else it is seen with the first prediction."""
    kind = getattr(getattr(model, "preset", model), "kind", None)
    return kind if isinstance(kind, DepthKind) else None


def _fitting(baselines: Mapping[str, Predictor], protocol: EvalProtocol) -> dict[str, Predictor]:
    """Baselines that this protocol can score: a constant without a unit is no metric depth."""
    return {n: b for n, b in baselines.items() if _kind_of(b) in protocol.accepted()}


def predict(model: Predictor, image: Image, size: int | tuple[int, int] | None) -> Depth:
    """The prediction of a photo, at its size.

    Raises:
        PredictionError: there is none, it is not finite, or of another size.
    """
    try:
        prediction = model.infer(image, size=size)
    # ValueError: a `Depth` refuses values that are not finite.
    except (InputError, RunError, ValueError) as error:
        raise PredictionError(str(error)) from error
    if prediction.size != image.size:
        raise PredictionError(f"the model gave {prediction.size} pixels for {image.size}")
    return prediction


def _environment(provenance: Provenance, size: Any, seed: int) -> dict[str, Any]:
    return {
        "featherdepth": featherdepth.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "backend": provenance.backend,
        "precision": provenance.precision,
        "sha256": provenance.sha256,
        "size": list(size) if isinstance(size, tuple) else size,
        "bootstrap": {"draws": DRAWS, "level": LEVEL, "seed": seed},
    }
