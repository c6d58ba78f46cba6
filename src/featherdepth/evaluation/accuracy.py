"""A model on a data set under a protocol: means with intervals, and a row for each image."""

import logging
import platform
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

import featherdepth
from featherdepth.data.reader import Box, Reader, stream
from featherdepth.errors import InputError, RunError
from featherdepth.geometry.resize import resize_map
from featherdepth.metrics.bootstrap import DRAWS, mean_intervals
from featherdepth.metrics.protocols import EvalProtocol, Score
from featherdepth.types import Depth, DepthKind, Image, Provenance

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""


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
) -> dict[str, Any]:
    """Score `model` on every image of `reader`.

    An image that cannot be read, predicted or scored is listed in `skipped` with its reason and
    enters no mean. Baselines are scored on exactly the images that the model was scored on. One
    image is held at a time, and the next ones are read meanwhile.

    Returns:
        The result document: model, protocol, data, metrics (value, low, high: the 95 % bootstrap
        interval over images), images, skipped, negative_scale, baselines, environment. delta1 to
        delta3 are shares in 0..1.

    Raises:
        UsageError: the protocol cannot score this kind of depth.
        InputError: not one image could be scored.
    """
    kind = _kind_of(model)
    if kind is not None:
        protocol.check_kind(kind)
    beside = dict(_fitting(baselines or {}, protocol))
    rows: dict[str, Score] = {}
    rows_beside: dict[str, list[Score]] = {other: [] for other in beside}
    skipped: dict[str, str] = {}
    provenance = Provenance()
    for index, sample in stream(reader):
        try:
            if sample.depth is None:
                raise InputError("this photo has no depth to compare with")
            usable = reader.usable(index)
            prediction = _predict(model, sample.image, size)
            provenance = prediction.provenance
            rows[sample.key] = _score(prediction, sample.depth, usable, protocol)
            for other, baseline in beside.items():
                prediction = _predict(baseline, sample.image, None)
                rows_beside[other].append(_score(prediction, sample.depth, usable, protocol))
        # ValueError: a `Depth` refuses values that are not finite.
        except (InputError, RunError, ValueError) as error:
            skipped[sample.key] = str(error)
            logger.info("%s: skipped: %s", sample.key, error)
        if progress is not None:
            progress(index + 1, len(reader))
    skipped |= {fault.key: fault.reason for fault in reader.skipped}
    if not rows:
        key, reason = next(iter(skipped.items()), ("", "no image"))
        raise InputError(f"{reader.describe()}: no image could be scored; {key}: {reason}")
    scores = list(rows.values())
    return {
        "model": name,
        "protocol": protocol.as_dict(),
        "data": {
            "name": reader.name,
            "split": reader.split,
            "count": len(rows),
            "valid_fraction": float(np.mean([score.valid_fraction for score in scores])),
        },
        "metrics": _summary(scores, protocol, seed),
        "images": [_row(key, score) for key, score in rows.items()],
        "skipped": [{"key": key, "reason": skipped[key]} for key in sorted(skipped)],
        "negative_scale": sum(score.negative_scale for score in scores),
        "baselines": {o: _summary(s, protocol, seed) for o, s in rows_beside.items()},
        "environment": _environment(provenance, size, seed),
    }


def _kind_of(model: Predictor) -> DepthKind | None:
    """Of a model that says so beforehand; else it is seen with the first prediction."""
    kind = getattr(getattr(model, "preset", model), "kind", None)
    return kind if isinstance(kind, DepthKind) else None


def _fitting(baselines: Mapping[str, Predictor], protocol: EvalProtocol) -> dict[str, Predictor]:
    """Baselines that this protocol can score: a constant without a unit is no metric depth."""
    return {n: b for n, b in baselines.items() if _kind_of(b) in protocol.accepted()}


def _predict(model: Predictor, image: Image, size: int | tuple[int, int] | None) -> Depth:
    prediction = model.infer(image, size=size)
    if prediction.size != image.size:
        raise InputError(f"the model gave {prediction.size} pixels for {image.size}")
    return prediction


def _score(prediction: Depth, truth: Depth, usable: Box, protocol: EvalProtocol) -> Score:
    if truth.size != prediction.size:
        # Truth is never resampled; the usable area is in pixels of the photo.
        scale_y, scale_x = (t / p for t, p in zip(truth.size, prediction.size, strict=True))
        top, left, height, width = usable
        usable = (
            *(round(top * scale_y), round(left * scale_x)),
            *(round(height * scale_y), round(width * scale_x)),
        )
        prediction = _resized(prediction, truth.size)
    return protocol.score(prediction, truth, usable)


def _resized(prediction: Depth, size: tuple[int, int]) -> Depth:
    if not prediction.valid.all():
        raise InputError("a prediction with empty pixels cannot be brought to the size of truth")
    return Depth(
        values=resize_map(prediction.values, size),
        valid=np.ones(size, dtype=np.bool_),
        kind=prediction.kind,
        provenance=prediction.provenance,
    )


def _summary(scores: list[Score], protocol: EvalProtocol, seed: int) -> dict[str, dict[str, float]]:
    values = np.array([[score.values[name] for name in protocol.measures] for score in scores])
    low, high = mean_intervals(values, seed=seed)
    means = values.mean(axis=0)
    return {
        name: {"value": float(means[i]), "low": float(low[i]), "high": float(high[i])}
        for i, name in enumerate(protocol.measures)
    }


def _row(key: str, score: Score) -> dict[str, Any]:
    return {
        "key": key,
        **score.values,
        "negative_scale": score.negative_scale,
        "valid_fraction": score.valid_fraction,
        "clamped_fraction": score.clamped_fraction,
    }


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
        "bootstrap": {"draws": DRAWS, "level": 0.95, "seed": seed},
    }
