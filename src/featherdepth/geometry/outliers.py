"""Measured points that disagree with their neighbors: found before anything is fitted to them."""

import numpy as np
from jaxtyping import Bool, Float64, Int

SPREADS = 3.0
"""A point may be so many robust standard deviations from its neighbors."""
LEAST = 0.05
"""... or by this much of a logarithm: five percent of the depth are no outlier."""
ALONE = 0.01
"""Share of points without company from which on a sensor is known to err (docs/experiments.md)."""
LOST = 0.3
"""Of a logarithm: so far from its neighbors without company is one true point of some thousand."""
FEWEST = 5
"""Of fewer points nobody can say which one is wrong."""
COMPANY = 2
"""Neighbors that make a point more than chance."""
TO_SIGMA = 1.4826
"""From a median absolute deviation to the standard deviation of a normal distribution."""


def agreeing(
    near: Int[np.ndarray, "n k"],
    log_ratio: Float64[np.ndarray, " n"],
    *,
    least: float = LEAST,
    log_depth: Float64[np.ndarray, " n"] | None = None,
) -> Bool[np.ndarray, " n"]:
    """Find the points whose log-ratio fits that of the points around them.

    A point goes if |rho - median(rho_k)| > max(3 * 1.4826 * MAD(rho_k), least) over the points
    near it; rho = log(measured) - log(predicted). A second round asks the points that were
    kept alone, so that one outlier does not cost its neighbors their place. Multiplying all
    measurements by a number changes nothing.

    Args:
        near: the numbers of other points (`featherdepth.geometry.anchors.Anchors.neighbors`).
        log_depth: with it, points that measure what two of their neighbors do stay as well: that
            much chance does not do, and the map may not show what they lie on.

    Returns:
        True for points to keep; all of them where there are fewer than five, or none is like those
        around it: of two halves that contradict each other nobody can say which one is wrong.
    """
    if len(near) < FEWEST:
        return np.ones(len(near), dtype=np.bool_)
    kept, _ = _judged(log_ratio, near, least)
    if log_depth is not None:
        kept |= _like(near, log_depth).sum(axis=1) >= COMPANY
    return kept if kept.any() else ~kept


def confirmed(
    near: Int[np.ndarray, "n k"],
    log_depth: Float64[np.ndarray, " n"],
    log_ratio: Float64[np.ndarray, " n"],
) -> Bool[np.ndarray, " n"]:
    """Find the points that a map may be bent through: as `agreeing`, with two more questions.

    A true point on something small disagrees with the map around it as a wrong one does. But its
    depth, or what it says of the map, is that of two of its neighbors more often than chance would
    have it: such a point stays. And a sensor that errs shows points that are like none of their
    neighbors: where these are fewer than one in a hundred, all others stay.

    Returns:
        True for points to keep; all of them as for `agreeing`.
    """
    if len(near) < FEWEST:
        return np.ones(len(near), dtype=np.bool_)
    kept, away = _judged(log_ratio, near, LEAST)
    company = (_like(near, log_depth) | _like(near, log_ratio)).sum(axis=1)
    alone = ~kept & (company == 0)
    errs = bool((alone & (away > 2 * LEAST)).mean() >= ALONE)
    found: Bool[np.ndarray, " n"] = kept | (company >= COMPANY) if errs else ~alone | (away <= LOST)
    return found if found.any() else ~found


def _like(near: Int[np.ndarray, "n k"], logs: Float64[np.ndarray, " n"]) -> Bool[np.ndarray, "n k"]:
    """Which neighbors of each point say the same."""
    same: Bool[np.ndarray, "n k"] = np.abs(logs[near] - logs[:, None]) <= LEAST
    return same


def _judged(
    log_ratio: Float64[np.ndarray, " n"], near: Int[np.ndarray, "n k"], least: float
) -> tuple[Bool[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Which points fit those near them, and how far each is from their median."""
    said = log_ratio[near]
    kept, away = _fitting(log_ratio, said, least)
    if kept.all():
        return kept, away  # the second round would ask the same
    around = np.where(kept[near], said, np.nan)
    few = np.isfinite(around).sum(axis=1) < min(3, near.shape[1])
    around[few] = said[few]
    return _fitting(log_ratio, around, least)


def _fitting(
    log_ratio: Float64[np.ndarray, " n"], around: Float64[np.ndarray, "n k"], least: float
) -> tuple[Bool[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """One round of `_judged`; who is not asked is NaN."""
    count = np.isfinite(around).sum(axis=1)
    middle = _median(around, count)
    spread = TO_SIGMA * _median(np.abs(around - middle[:, None]), count)
    away = np.abs(log_ratio - middle)
    return away <= np.maximum(SPREADS * spread, least), away


def _median(
    values: Float64[np.ndarray, "n k"], count: Int[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """Median of each row without its NaN; np.nanmedian takes ten times as long for short rows.

    Args:
        count: of those that are none.
    """
    ordered = np.sort(values, axis=1)  # NaN goes to the end
    row = np.arange(len(values))
    middle: Float64[np.ndarray, " n"] = (
        ordered[row, (count - 1) // 2] + ordered[row, count // 2]
    ) / 2
    return middle
