"""Errors between depths, as pure functions of the pixels that are scored.

Both arguments are 1-D float64, above 0, in one unit: `prediction` after alignment and clamping,
`truth` as measured. Log errors are natural except `log10`; spreads are those of the population.
Formulas: Eigen, Puhrsch, Fergus 2014 (abs_rel, sq_rel, rmse, rmse_log, silog, delta); BTS for the
log10 and silog forms.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

Pixels = Float64[np.ndarray, " n"]


def abs_rel(prediction: Pixels, truth: Pixels) -> float:
    """Mean |p - g| / g"""
    return float(np.mean(np.abs(prediction - truth) / truth))


def sq_rel(prediction: Pixels, truth: Pixels) -> float:
    """Mean (p - g)^2 / g, in the unit of the depths"""
    return float(np.mean((prediction - truth) ** 2 / truth))


def rmse(prediction: Pixels, truth: Pixels) -> float:
    """sqrt(mean (p - g)^2), in the unit of the depths"""
    return float(np.sqrt(np.mean((prediction - truth) ** 2)))


def rmse_log(prediction: Pixels, truth: Pixels) -> float:
    """sqrt(mean (ln p - ln g)^2)"""
    return float(np.sqrt(np.mean((np.log(prediction) - np.log(truth)) ** 2)))


def mae(prediction: Pixels, truth: Pixels) -> float:
    """Mean |p - g|, in the unit of the depths"""
    return float(np.mean(np.abs(prediction - truth)))


def log10(prediction: Pixels, truth: Pixels) -> float:
    """Mean |log10 p - log10 g|"""
    return float(np.mean(np.abs(np.log10(prediction) - np.log10(truth))))


def silog(prediction: Pixels, truth: Pixels) -> float:
    """100 sqrt(mean e^2 - (mean e)^2), e = ln p - ln g: blind to one factor on all of p"""
    error = np.log(prediction) - np.log(truth)
    return float(100 * np.sqrt(max(np.mean(error**2) - np.mean(error) ** 2, 0.0)))


def delta(prediction: Pixels, truth: Pixels, power: int) -> float:
    """Share of pixels, 0..1, with max(p/g, g/p) < 1.25^power; equality does not count."""
    ratio = np.maximum(prediction / truth, truth / prediction)
    return float(np.mean(ratio < 1.25**power))


def delta1(prediction: Pixels, truth: Pixels) -> float:
    """Share of pixels within a factor 1.25, 0..1"""
    return delta(prediction, truth, 1)


def delta2(prediction: Pixels, truth: Pixels) -> float:
    """Share of pixels within a factor 1.25^2, 0..1"""
    return delta(prediction, truth, 2)


def delta3(prediction: Pixels, truth: Pixels) -> float:
    """Share of pixels within a factor 1.25^3, 0..1"""
    return delta(prediction, truth, 3)


def rmse_normalized(prediction: Pixels, truth: Pixels) -> float:
    """RMSE / max g, of maps divided by the largest scored truth of their image"""
    return rmse(prediction, truth) / float(truth.max())


def mae_normalized(prediction: Pixels, truth: Pixels) -> float:
    """MAE / max g, of maps divided by the largest scored truth of their image"""
    return mae(prediction, truth) / float(truth.max())


MEASURES: dict[str, Callable[[Pixels, Pixels], float]] = {
    function.__name__: function
    for function in (
        *(abs_rel, sq_rel, rmse, rmse_log, mae, log10, silog, delta1, delta2, delta3),
        *(rmse_normalized, mae_normalized),
    )
}
"""Name in results and protocols -> function."""

LARGER_IS_BETTER = frozenset({"delta1", "delta2", "delta3"})
