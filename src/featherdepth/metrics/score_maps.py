"""One prediction compared with one truth, as a protocol says (`featherdepth.metrics.protocols`).

Crop and range choose the pixels; the fit uses exactly these pixels, in float64; then predictions
are clamped; then the measures are taken.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int

from featherdepth.errors import InputError
from featherdepth.geometry.parts import Box, in_box
from featherdepth.metrics.alignment import FITS
from featherdepth.metrics.crops import crop_box
from featherdepth.metrics.frames import prediction_at, truth_at
from featherdepth.metrics.map_measures import DECLARED, MAP_MEASURES, PAIR_ACCURACY, View
from featherdepth.metrics.measures import MEASURES, Errors, Moments, mean_of
from featherdepth.metrics.order import Points, pair_accuracy
from featherdepth.metrics.protocols import DISPARITY, METRIC, EvalProtocol
from featherdepth.metrics.scores import PredictionError, Score
from featherdepth.types import Depth, DepthKind

Pixels = Float64[np.ndarray, " n"]

DROPPED_M = 1e-9
"""Where a protocol drops pixels: aligned predictions at or below this (LeReS)."""
NEAREST = 1e-6
"""Share of its largest value below which a prediction of depth is not inverted."""


def score_map(
    rules: EvalProtocol,
    prediction: Depth,
    truth: Depth,
    usable: Box | None = None,
    *,
    key: str = "",
) -> Score:
    """Compare one prediction with the truth of the same size.

    Args:
        usable: (top, left, height, width) from `Reader.usable`; None is the whole picture.
        key: of the image; random pairs depend on it alone.

    Raises:
        UsageError: a kind of prediction that this protocol cannot score.
        PredictionError: a prediction of another size, or that leaves scored pixels empty.
        InputError: truth that is not metric, or too few pixels to score.
    """
    rules = rules.resolved(prediction.kind)
    if rules.alignment == "order":
        raise InputError(f"protocol {rules.name!r} needs annotated pairs; this truth is a map")
    prediction, truth = _framed(rules, prediction, truth)
    chosen, area = _chosen(rules, prediction, truth, usable)
    target = truth.values[chosen].astype(np.float64)
    raw = prediction.values[chosen].astype(np.float64)
    aligned, floored = _align(rules, raw, target, prediction.kind)
    values = _otherwise(rules, raw, target) if aligned is None else aligned
    farness = -raw if prediction.kind is DISPARITY else raw
    unit = target.max() if rules.normalization == "truth_max" else 1.0
    kept = np.ones(raw.shape, dtype=np.bool_)
    floor = rules.floor * unit
    if rules.nonpositive == "drop":
        floor, kept = DROPPED_M, values > DROPPED_M
        if np.count_nonzero(kept) < rules.min_pixels:
            raise PredictionError("no aligned prediction is above 0")
    clamped = np.clip(values, floor, rules.max_depth if rules.clip == "range" else None)
    moved = (clamped != values) | floored
    some = ... if kept.all() else kept  # mostly all, which need no copy
    view = View(
        key=key,
        chosen=_within(chosen, kept),
        truth=target[some],
        aligned=clamped[some],
        farness=farness[some],
        camera=truth.intrinsics,
    )
    moments = _measured(rules, view)
    return Score(
        values={name: DECLARED[name].finish(means) for name, means in moments.items()},
        negative_scale=aligned is None,
        valid_fraction=target.size / area,
        clamped_fraction=mean_of(moved & kept),
        dropped_fraction=mean_of(~kept),
        pixels=int(np.count_nonzero(kept)),
        moments=moments,
    )


def score_pairs(
    rules: EvalProtocol,
    prediction: Depth,
    first: Points,
    second: Points,
    first_is_nearer: Bool[np.ndarray, " n"],
) -> Score:
    """Compare the order of a prediction with annotated pairs of points, (row, column).

    Raises:
        InputError: a protocol that needs depth maps, or a point outside of the picture.
        PredictionError: empty at an annotated point.
    """
    if rules.alignment != "order":
        raise InputError(
            f"protocol {rules.name!r} needs measured depth, but this data has only pairs of"
            " points; use --protocol da2k-v1"
        )
    values = prediction.values
    farness = -values if prediction.kind is DISPARITY else values
    share = pair_accuracy(farness, first, second, first_is_nearer)
    both: Int[np.ndarray, "n 2"] = np.concatenate([first, second])
    if holes := int((~prediction.valid[both[:, 0], both[:, 1]]).sum()):
        raise PredictionError(f"prediction is empty at {holes} annotated points")
    return Score(
        values={PAIR_ACCURACY.name: share},
        negative_scale=False,
        valid_fraction=1.0,
        clamped_fraction=0.0,
        pixels=len(first),
        moments={PAIR_ACCURACY.name: (share,)},
    )


def _framed(rules: EvalProtocol, prediction: Depth, truth: Depth) -> tuple[Depth, Depth]:
    if truth.kind is not METRIC:
        raise InputError(
            f"protocol {rules.name!r} needs metric truth, but this truth is {truth.kind.value}"
        )
    if prediction.size != truth.size:
        raise PredictionError(f"prediction is {prediction.size}, truth is {truth.size} pixels")
    size = rules.frame or truth.size
    return prediction_at(prediction, size), truth_at(truth, size)


def _chosen(
    rules: EvalProtocol, prediction: Depth, truth: Depth, usable: Box | None
) -> tuple[np.ndarray, int]:
    inside = in_box(crop_box(rules.crop, truth.size, usable), truth.size)
    chosen = inside & truth.valid & (truth.values > rules.min_depth)
    if rules.max_depth is not None:
        below = np.less if rules.below_max else np.less_equal
        chosen &= below(truth.values, rules.max_depth)
    count = int(np.count_nonzero(chosen))
    if count < rules.min_pixels:
        raise InputError(f"{count} pixels to score; at least {rules.min_pixels} are needed")
    if holes := int(np.count_nonzero(chosen & ~prediction.valid)):
        raise PredictionError(f"prediction is empty at {holes} of {count} scored pixels")
    return chosen, int(np.count_nonzero(inside))


def _align(
    rules: EvalProtocol, raw: Pixels, target: Pixels, kind: DepthKind
) -> tuple[Pixels | None, Bool[np.ndarray, " n"]]:
    """The prediction in metres, None where no scale above 0 fits; and what was floored."""
    untouched = np.zeros(raw.shape, dtype=np.bool_)
    if rules.alignment == "none":
        return raw, untouched
    fit = FITS[rules.alignment]
    if rules.space == "depth" or (rules.space == "kind" and kind is not DISPARITY):
        return fit(raw, target), untouched
    if kind is not DISPARITY and raw.max() <= 0:
        return None, untouched  # nothing lies in front of the camera
    # In the prediction's own unit, which need not be metres: `floor` comes after the fit.
    disparity = raw if kind is DISPARITY else 1 / np.maximum(raw, NEAREST * raw.max())
    fitted = fit(disparity, 1 / target)
    if fitted is None:
        return None, untouched
    least = 1 / target.max() if rules.clip == "gtmax" else rules.least_disparity
    return 1 / np.maximum(fitted, least), fitted < least


def _otherwise(rules: EvalProtocol, raw: Pixels, target: Pixels) -> Pixels:
    """What is scored where no scale above 0 fits."""
    if rules.fallback == "mean_ratio" and raw.mean() != 0:
        return raw * float(target.mean() / raw.mean())
    # The best constant in the sense of least squares over depths.
    return np.full_like(target, target.mean())


def _measured(rules: EvalProtocol, view: View) -> dict[str, Moments]:
    errors = Errors(view.aligned, view.truth)
    return {
        name: MEASURES[name].moments(errors) if name in MEASURES else (MAP_MEASURES[name].of(view),)
        for name in rules.measures
    }


def _within(chosen: np.ndarray, kept: np.ndarray) -> np.ndarray:
    if kept.all():
        return chosen
    left = chosen.copy()
    left[chosen] = kept
    return left
