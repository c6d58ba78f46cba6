"""Measured points that disagree with their neighbors: found before anything is fitted to them."""

import numpy as np
from jaxtyping import Bool, Float64, Int

from featherdepth.geometry.anchors import nearest_others

NEIGHBORS = 8
SPREADS = 3.0
"""A point may be so many robust standard deviations from its neighbors."""
LEAST = 0.05
"""... or by this much of a logarithm: five percent of the depth are no outlier."""
FEWEST = 5
"""Of fewer points nobody can say which one is wrong."""
TO_SIGMA = 1.4826
"""From a median absolute deviation to the standard deviation of a normal distribution."""


def agreeing(
    places: Int[np.ndarray, "n 2"],
    log_ratio: Float64[np.ndarray, " n"],
    *,
    least: float = LEAST,
) -> Bool[np.ndarray, " n"]:
    """Find the points whose log-ratio fits that of the points around them.

    A point goes if |rho - median(rho_k)| > max(3 * 1.4826 * MAD(rho_k), least) over its 8 nearest
    other points; rho = log(measured) - log(predicted). A second round asks the points that were
    kept alone, so that one outlier does not cost its neighbors their place. Multiplying all
    measurements by a number changes nothing.

    Returns:
        True for points to keep; all of them where there are fewer than five.
    """
    kept = np.ones(len(places), dtype=np.bool_)
    if len(places) < FEWEST:
        return kept
    near = nearest_others(places, NEIGHBORS)
    for _ in range(2):
        around = np.where(kept[near], log_ratio[near], np.nan)
        asked = np.isfinite(around).sum(axis=1) >= min(3, near.shape[1])
        around[~asked] = log_ratio[near][~asked]
        middle = _median(around)
        spread = TO_SIGMA * _median(np.abs(around - middle[:, None]))
        kept = np.abs(log_ratio - middle) <= np.maximum(SPREADS * spread, least)
    return kept


def _median(values: Float64[np.ndarray, "n k"]) -> Float64[np.ndarray, " n"]:
    """Median of each row without its NaN; np.nanmedian takes ten times as long for short rows."""
    ordered = np.sort(values, axis=1)  # NaN goes to the end
    count = np.isfinite(values).sum(axis=1)
    row = np.arange(len(values))
    middle: Float64[np.ndarray, " n"] = (
        ordered[row, (count - 1) // 2] + ordered[row, count // 2]
    ) / 2
    return middle
