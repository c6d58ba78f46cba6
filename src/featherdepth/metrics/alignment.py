"""How a prediction is brought to metres before it is scored: one function a kind of alignment.

All work on the scored pixels in float64 and give None where no scale above 0 fits: a failed
prediction must not be turned into a good one by a negative scale.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float64

from featherdepth.errors import InputError
from featherdepth.geometry.align import fit_scale_shift

Pixels = Float64[np.ndarray, " n"]
Alignment = Literal[
    "none", "scale_median", "scale_rom", "scale_lsq", "scale_shift", "scale_shift_l1", "order"
]
"""`order` fits nothing: only comparisons within the prediction are scored."""

L1_PIXELS = 4096
"""The absolute fit is made on at most so many scored pixels, evenly taken."""
_GOLDEN = (5**0.5 - 1) / 2


def scale_median(raw: Pixels, target: Pixels) -> Pixels | None:
    """Times median(g / p), the median of ratios; no scale is enough for p at or below 0."""
    ratios = np.divide(target, raw, out=np.full_like(raw, np.inf), where=raw > 0)
    scale = float(np.median(ratios))
    return raw * scale if 0 < scale < np.inf else None


def scale_rom(raw: Pixels, target: Pixels) -> Pixels | None:
    """Times median(g) / median(p), the ratio of medians."""
    middle = np.median(raw)
    return raw * float(np.median(target) / middle) if middle > 0 else None


def scale_lsq(raw: Pixels, target: Pixels) -> Pixels | None:
    """Times sum(p g) / sum(p^2), the least-squares scale."""
    above, below = float(raw @ target), float(raw @ raw)
    return raw * (above / below) if above > 0 else None


def scale_shift(raw: Pixels, target: Pixels) -> Pixels | None:
    """Least-squares scale and shift, unweighted."""
    try:
        fit = fit_scale_shift(raw[None], target[None], np.ones((1, raw.size), dtype=np.bool_))
    except InputError:  # constant on the scored pixels
        return None
    return fit.scale * raw + fit.shift if fit.scale > 0 else None


def scale_shift_l1(raw: Pixels, target: Pixels) -> Pixels | None:
    """The scale a and shift b of least sum |a p + b - g| / g.

    For a given a the best b is a weighted median; the sum is then convex in a alone.
    """
    step = -(-raw.size // L1_PIXELS)
    x, y = raw[::step], target[::step]
    try:  # where the least squares lie tells where to look, and constants are found out
        fit = fit_scale_shift(x[None], y[None], np.ones((1, x.size), dtype=np.bool_))
    except InputError:
        return None
    weights = 1 / y

    def shift(scale: float) -> float:
        return _weighted_median(y - scale * x, weights)

    def cost(scale: float) -> float:
        return float(weights @ np.abs(scale * x + shift(scale) - y))

    scale = _smallest(cost, fit.scale, abs(fit.scale) or float(y.std() / x.std()))
    return scale * raw + shift(scale) if scale > 0 else None


FITS: dict[str, Callable[[Pixels, Pixels], Pixels | None]] = {
    "scale_median": scale_median,
    "scale_rom": scale_rom,
    "scale_lsq": scale_lsq,
    "scale_shift": scale_shift,
    "scale_shift_l1": scale_shift_l1,
}


def _weighted_median(values: Pixels, weights: Pixels) -> float:
    order = np.argsort(values)
    mass = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(mass, mass[-1] / 2)]])


def _smallest(cost: Callable[[float], float], start: float, step: float) -> float:
    """Where a convex function is smallest, by golden sections around `start`."""
    low, high = start - step, start + step
    while cost(low) < cost(low + step):
        low -= 2 * step
        step *= 2
    while cost(high) < cost(high - step):
        high += 2 * step
        step *= 2
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    while high - low > 1e-12 * max(abs(low), abs(high)):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(right)
        if not low < left < right < high:  # as fine as the numbers are
            break
    return (low + high) / 2
