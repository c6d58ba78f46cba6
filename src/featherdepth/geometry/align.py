"""From a relative map to meters by a scale and a shift."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Real

from featherdepth.errors import InputError
from featherdepth.types import Alignment, Depth, DepthKind

Space = Literal["depth", "disparity"]

MIN_DEPTH_M = 1e-3
"""An aligned depth below this is set to it: a depth in meters is positive."""
MIN_DISPARITY = 1e-6
"""In 1/m. An aligned disparity below this is at no finite distance."""


def fit_scale_shift(
    prediction: Real[np.ndarray, "*shape"],
    target: Real[np.ndarray, "*shape"],
    valid: Bool[np.ndarray, "*shape"],
    weights: Float[np.ndarray, "*shape"] | None = None,
    *,
    space: Space = "depth",
) -> Alignment:
    """Find the scale and shift that bring `prediction` closest to `target`.

    Minimizes `sum(weights * (scale * prediction + shift - target) ** 2)` over the valid pixels, in
    float64 and about the means: the plain normal equations lose their digits where the mean is
    large. Both maps must live in one space: depth with depth, or disparity with disparity. The
    best fit in one space is not the best fit in the other.

    Args:
        prediction: relative map, any unit, any shape (sparse points may come as one axis).
        target: metric map, in meters (depth) or 1/m (disparity); never read outside `valid`.
        valid: pixels to fit on. Other pixels may hold NaN; a pixel that is not finite in either
            map is left out here too.
        weights: 0 or more for each pixel; 1 by default.
        space: the space of both maps, noted in the result.

    Returns:
        The fit. A negative scale is returned as found, not repaired: it means the prediction is
        upside down, most often a disparity passed as a depth.

    Raises:
        InputError: fewer than two usable pixels, or a prediction that is constant on them.

    Example:
        >>> relative = np.array([[0.0, 1.0], [2.0, 3.0]])
        >>> fit = fit_scale_shift(relative, 2 * relative + 1, np.ones((2, 2), dtype=bool))
        >>> round(fit.scale, 6), round(fit.shift, 6), fit.count
        (2.0, 1.0, 4)
    """
    x, y, w = _usable(prediction, target, valid, weights)
    if x.size < 2:
        raise InputError(
            f"scale and shift need two or more usable pixels, found {x.size}; expected valid"
            " pixels where prediction and target are finite"
        )
    x_mean, y_mean = _mean(x, w), _mean(y, w)
    dx, dy = x - x_mean, y - y_mean  # from here on in place: new memory costs more than numbers
    product = dx * dx
    variance = _mean(product, w)
    # A spread of a few steps of the number format is rounding, not shape (1e-6 for float32).
    kept = prediction.dtype if np.issubdtype(prediction.dtype, np.floating) else x.dtype
    if variance <= (8 * np.finfo(kept).eps * x_mean) ** 2:
        raise InputError(
            f"the prediction is constant ({x_mean:g}) on the {x.size} pixels to align on;"
            " expected two or more different values"
        )
    scale = _mean(np.multiply(dx, dy, out=product), w) / variance
    shift = y_mean - scale * x_mean
    # About the means, so that the residual keeps its digits too.
    left = np.multiply(scale, dx, out=dx)
    left -= dy
    left *= left
    return Alignment(
        scale=scale,
        shift=shift,
        space=space,
        method="scale_shift",
        count=x.size,
        residual=math.sqrt(_mean(left, w)),
    )


def apply(alignment: Alignment, depth: Depth, *, max_depth: float | int | None = None) -> Depth:
    """Turn a relative map into meters by a fit.

    A fit in depth needs a depth kind, a fit in disparity the disparity kind, whose aligned values
    are then inverted. Results are at least 1e-3 m and, where given, at most `max_depth`. Without
    `max_depth`, an aligned disparity below 1e-6 / m has no finite depth: such pixels become
    invalid.

    Raises:
        InputError: a map of the other space.
    """
    space: Space = "disparity" if depth.larger_is == "nearer" else "depth"
    if alignment.space != space:
        raise InputError(
            f"the alignment was fitted in {alignment.space} but the map holds {depth.kind};"
            f" fit it in {space}"
        )
    aligned = alignment.scale * depth.values.astype(np.float64) + alignment.shift
    valid = depth.valid
    cap = math.inf if max_depth is None else max_depth
    if space == "disparity":
        if max_depth is None:
            valid = valid & (aligned >= MIN_DISPARITY)
        aligned = 1 / aligned.clip(min=MIN_DISPARITY)
    meters = aligned.clip(MIN_DEPTH_M, cap).astype(np.float32)
    meters[~valid] = 0
    return Depth(
        values=meters,
        valid=valid,
        kind=DepthKind.METRIC,
        intrinsics=depth.intrinsics,
        provenance=depth.provenance,
    )


Flat = Float[np.ndarray, " n"]


def _usable(
    prediction: Real[np.ndarray, "*shape"],
    target: Real[np.ndarray, "*shape"],
    valid: Bool[np.ndarray, "*shape"],
    weights: Float[np.ndarray, "*shape"] | None,
) -> tuple[Flat, Flat, Flat | None]:
    """Select in float64 the pixels that count; without weights all count alike.

    Where all of them do nothing is copied: evaluations come here once an image.
    """

    def flat(values: Real[np.ndarray, "*shape"]) -> Flat:
        chosen = values.ravel() if everywhere else values[valid]
        return chosen.astype(np.float64, copy=False)

    everywhere = bool(valid.all())
    x, y = flat(prediction), flat(target)
    w = None if weights is None else flat(weights)
    if w is not None and (w < 0).any():
        raise ValueError("weights of an alignment must not be negative")
    known = np.isfinite(x) & np.isfinite(y)
    if w is not None:
        known &= np.isfinite(w) & (w > 0)
    if known.all():
        return x, y, w
    return x[known], y[known], None if w is None else w[known]


def _mean(values: Flat, weights: Flat | None) -> float:
    if weights is None:
        return float(values.mean())
    return float((weights * values).sum() / weights.sum())
