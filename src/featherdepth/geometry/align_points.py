"""The second stage: a depth map of any kind and a few measured points to metric depth."""

import numpy as np
from jaxtyping import Float64

from featherdepth.errors import InputError
from featherdepth.geometry.align_local import local_scale_shift
from featherdepth.geometry.align_robust import fit_points, moved_share, to_meters
from featherdepth.geometry.anchors import Anchors, anchors_of, numbers
from featherdepth.geometry.outliers import LEAST, agreeing
from featherdepth.types import Aligned, Alignment, Depth, DepthKind

METHODS = ("robust", "scale", "local")
AGAINST = -0.5
"""Correlation of map and points below which the map is taken for one of another kind."""
ENOUGH = 8
"""Points from which on that is said."""


def align(
    depth: Depth, sparse: Depth, *, method: str = "robust", reject_outliers: bool = True
) -> Aligned:
    """What `featherdepth.align` says, of points that are a METRIC `Depth` of the map's size.

    Outliers are found by `featherdepth.geometry.outliers`, method `local` is
    `featherdepth.geometry.align_local`.

    Raises:
        InputError: another size, no point, no point where the map is known, or eight points or
            more that are far where the map is near and near where it is far.
        ValueError: an unknown method, or points that are not metric.
    """
    _refuse_reversed(depth, sparse)
    return aligned_to(depth, sparse, method=method, reject_outliers=reject_outliers)


def aligned_to(
    depth: Depth,
    sparse: Depth,
    *,
    method: str = "robust",
    reject_outliers: bool = True,
    least: float = LEAST,
    in_company: bool = False,
    anchors: Anchors | None = None,
) -> Aligned:
    """`align` for those who can also use a map that runs against the points.

    Args:
        anchors: those of `sparse`, where they are known already, with their neighbors.
        least: as for `featherdepth.geometry.outliers.agreeing`.
        in_company: points that measure what two of their neighbors do stay as well.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    anchors = _usable(depth, sparse, anchors)
    scale_only = method == "scale"
    everything = anchors
    x = anchors.at(depth.values)
    fit = fit_points(x, anchors.meters, depth, scale_only=scale_only)
    kept = np.ones(len(anchors), dtype=np.bool_)
    if reject_outliers:
        predicted = to_meters(fit.scale * x + fit.shift, fit.space, anchors.meters)
        logs = np.log(anchors.meters)
        kept = agreeing(
            anchors.neighbors,
            logs - np.log(predicted),
            least=least,
            log_depth=logs if in_company else None,
        )
        if not kept.all():
            anchors, x = anchors.only(kept), x[kept]
            fit = fit_points(x, anchors.meters, depth, scale_only=scale_only)
    aligned = fit.scale * depth.values.astype(np.float64) + fit.shift
    if method == "local" and len(anchors) > 1:
        fit, aligned = _locally(fit, aligned, anchors)
    meters = to_meters(aligned, fit.space, anchors.meters)
    values = meters.astype(np.float32)
    values[~depth.valid] = 0
    left = np.abs(np.log(anchors.meters / anchors.at(meters)))
    return Aligned(
        depth=Depth(
            values=values,
            valid=depth.valid,
            kind=DepthKind.METRIC,
            intrinsics=depth.intrinsics,
            provenance=depth.provenance,
        ),
        alignment=fit,
        rejected=numbers(everything.only(~kept), sparse),
        log_error=float(np.median(left)),
        moved_fraction=moved_share(meters, depth.valid, anchors.meters),
    )


def _usable(depth: Depth, sparse: Depth, anchors: Anchors | None = None) -> Anchors:
    if depth.size != sparse.size:
        raise InputError(
            f"the map has {depth.size[1]}x{depth.size[0]} pixels, the measured points belong to"
            f" {sparse.size[1]}x{sparse.size[0]}; expected one size for both"
        )
    if anchors is None:
        anchors = anchors_of(sparse)
    if not len(anchors):
        raise InputError("no measured point to align to; expected one or more inside the picture")
    known = depth.valid[anchors.places[:, 0], anchors.places[:, 1]]
    if not known.any():
        raise InputError(f"the map is empty at all {len(anchors)} measured points; no fit")
    return anchors.only(known)


def _locally(
    fit: Alignment, aligned: Float64[np.ndarray, "h w"], anchors: Anchors
) -> tuple[Alignment, Float64[np.ndarray, "h w"]]:
    inverse = fit.space == "disparity"
    target = 1 / anchors.meters if inverse else anchors.meters
    scale, shift = local_scale_shift(anchors, anchors.at(aligned), target)
    values = scale * aligned + shift
    left = anchors.at(values) - target
    local = Alignment(
        scale=fit.scale,
        shift=fit.shift,
        space=fit.space,
        method=f"local_{fit.method}",
        count=fit.count,
        residual=float(np.sqrt(np.mean(left**2))),
    )
    return local, values


def _refuse_reversed(depth: Depth, sparse: Depth) -> None:
    anchors = _usable(depth, sparse)
    if len(anchors) < ENOUGH:
        return
    x = anchors.at(depth.values)
    if np.ptp(x) == 0 or np.ptp(anchors.meters) == 0:
        return  # what is flat runs against nothing
    farther = anchors.meters if depth.larger_is == "farther" else -anchors.meters
    correlation = float(np.corrcoef(x, farther)[0, 1])
    if correlation < AGAINST:
        raise InputError(
            f"the map runs against the {len(anchors)} points (correlation {correlation:.2f}): near"
            f" and far are swapped; expected {depth.kind.value}, where larger is"
            f" {depth.larger_is}: is it of the other kind?"
        )
