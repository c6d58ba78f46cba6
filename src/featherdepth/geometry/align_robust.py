"""From a relative map to meters by a few measured points, some of which may be wrong."""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64

from featherdepth.errors import InputError
from featherdepth.geometry.align import Space, fit_scale_shift
from featherdepth.geometry.outliers import TO_SIGMA
from featherdepth.geometry.span import span_of
from featherdepth.types import Alignment, Depth, DepthKind

ROUNDS = 10
HUBER = 1.345
"""In robust standard deviations: beyond, a point pulls no harder."""
FEWEST = 3
"""Fewer points carry no shift."""
LEAST_VARIANCE = 1e-4
"""Of the prediction at the points, over the variance of the whole map: below, the points lie at
one depth and a shift would be read from noise."""
SAME = 1e-6
"""Points that differ by less of their distance are all at one distance."""
ASSUMED_RATIO = 10.0
"""Far over near, where one point has to fix a map whose shift is unknown."""
NEAREST, FARTHEST = 0.3, 3.0
"""An aligned depth is at least 0.3 of the nearest and at most three times the farthest point."""

Pixels = Float64[np.ndarray, " n"]


def space_of(kind: DepthKind) -> Space:
    """The space in which the numbers of a map are fitted: its own."""
    return "disparity" if kind is DepthKind.AFFINE_INVARIANT_DISPARITY else "depth"


def fit_points(
    prediction: Pixels, meters: Pixels, depth: Depth, *, scale_only: bool = False
) -> Alignment:
    """Fit scale and shift to points by Huber's loss, in the map's own space.

    Iteratively reweighted least squares: weights 1 up to 1.345 robust standard deviations of the
    residuals, 1/|residual| beyond, at most ten rounds. A scale alone, the median of the ratios, is
    fitted to a map whose kind has no shift, to one or two points, to points at one depth, and
    where the best scale is not above 0. If a map of an affine kind then has no usable zero, its
    2 % and 98 % quantiles are taken as a ratio of 1 to 10.

    Args:
        prediction: the map at the points, its own unit.
        meters: measured there, above 0.
        depth: the whole map.
        scale_only: fit no shift in any case.

    Returns:
        The fit; `method` says which of these it is: `huber`, `scale` or `scale_assumed_range`,
        the last two with `_reversed` behind them where the map runs against the points.

    Raises:
        InputError: no point, or a map that is not above 0 where its kind says so.
    """
    if not meters.size:
        raise InputError("no measured point to align to; expected one or more")
    space = space_of(depth.kind)
    target = 1 / meters if space == "disparity" else meters
    ending = ""
    affine = depth.kind.affine
    shifted = affine and not scale_only and meters.size >= FEWEST
    if shifted and np.ptp(meters) > SAME * meters.max() and _spread(prediction, depth):
        fit = _huber(prediction, target, space)
        if fit.scale > 0:
            return fit
        ending = "_reversed"
    fit = _scale_alone(prediction, target, depth, moved=affine and ending != "")
    return replace(fit, method=fit.method + ending)


def to_meters(
    aligned: Float64[np.ndarray, "*shape"], space: Space, meters: Pixels
) -> Float64[np.ndarray, "*shape"]:
    """Aligned values of either space as depth within reach of the measured points.

    Depth is kept from 0.3 of the nearest to three times the farthest point, so that whatever the
    map holds far from the points stays a depth, and a multiple of the points gives the same
    multiple of the map.

    Returns:
        Depth in meters, above 0 everywhere.
    """
    near, far = _reach(meters)
    if space == "disparity":
        with np.errstate(divide="ignore"):
            aligned = np.where(aligned > 1 / far, 1 / aligned, np.inf)
    return aligned.clip(near, far)


def moved_share(
    meters: Float64[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], measured: Pixels
) -> float:
    """The share of valid pixels that `to_meters` brought within reach of the points."""
    near, far = _reach(measured)
    moved = valid & ((meters == near) | (meters == far))
    return float(np.count_nonzero(moved)) / max(1, int(np.count_nonzero(valid)))


def _reach(meters: Pixels) -> tuple[float, float]:
    return NEAREST * float(meters.min()), FARTHEST * float(meters.max())


def _spread(prediction: Pixels, depth: Depth) -> bool:
    """Whether the points lie at different depths of the map."""
    known, spread = depth.known, np.var(prediction)
    # No variance is above a quarter of the squared range, which is found in a fraction of the time.
    whole = float(np.ptp(known)) ** 2 / 4
    if spread <= LEAST_VARIANCE * whole:
        whole = float(np.var(known, dtype=np.float64))
    least = (8 * float(np.finfo(np.float32).eps) * float(np.abs(prediction).max())) ** 2
    return bool(spread > max(LEAST_VARIANCE * whole, float(least)))


def _huber(x: Pixels, y: Pixels, space: Space) -> Alignment:
    everywhere = np.ones(x.shape, dtype=np.bool_)
    weights = np.ones_like(x)
    for _ in range(ROUNDS):
        fit = fit_scale_shift(x, y, everywhere, weights, space=space)
        left = np.abs(fit.scale * x + fit.shift - y)
        limit = HUBER * TO_SIGMA * float(np.median(left))
        if limit <= 1e-9 * float(np.abs(y).max()):
            break  # half of the points or more are met exactly
        updated = np.minimum(1, limit / np.maximum(left, limit * 1e-9))
        if np.abs(updated - weights).max() < 1e-4:
            break
        weights = updated
    return Alignment(
        scale=fit.scale,
        shift=fit.shift,
        space=space,
        method="huber",
        count=x.size,
        residual=math.sqrt(float(np.mean(left**2))),
    )


def _scale_alone(x: Pixels, y: Pixels, depth: Depth, *, moved: bool) -> Alignment:
    """The median ratio; of a map without a usable zero (`moved`, or not above 0) after a shift."""
    offset, method = 0.0, "scale"
    known = depth.known
    if depth.kind.affine and (known.min() <= 0 or moved):
        low, high = span_of(known)
        # Moved so that the quantiles are 1 : 10; a flat map is moved to 1.
        offset = (high - low) / (ASSUMED_RATIO - 1) - low if high > low else 1.0 - low
        method = "scale_assumed_range"
        # The zero is assumed: so near to it a ratio says nothing, and would blow up all others.
        x = x.clip(low, high)
    usable = x + offset > 0
    if not usable.any():
        raise InputError(
            f"the map is not above 0 at any of {x.size} points, so no scale fits; expected"
            f" {depth.kind.value} depth"
        )
    ratios = np.log(y[usable]) - np.log(x[usable] + offset)
    scale = math.exp(float(np.median(ratios)))
    left = scale * (x + offset) - y
    return Alignment(
        scale=scale,
        shift=scale * offset,
        space=space_of(depth.kind),
        method=method,
        count=int(usable.sum()),
        residual=math.sqrt(float(np.mean(left**2))),
    )
