"""What the network starts from on training views: as at run time, but no point is left out."""

import numpy as np
from jaxtyping import Float32

from featherdepth.completion.drift import drift
from featherdepth.completion.scene import Scene
from featherdepth.errors import InputError
from featherdepth.geometry.align import fit_scale_shift
from featherdepth.geometry.align_robust import FARTHEST, NEAREST
from featherdepth.geometry.anchors import anchors_of
from featherdepth.types import Depth, DepthKind

ROUNDS = 5
HUBER = 1.345 * 1.4826
"""Of the median deviation."""
FEWEST = 3


def to_points(prior: Float32[np.ndarray, "h w"], sparse: Depth) -> Float32[np.ndarray, "h w"]:
    """A map that knows neither scale nor shift, in the unit of the points.

    Huber's loss by reweighted least squares. Where that gives no positive scale (points at one
    depth, fewer than three, a prior that is flat there) the median of the points stands for all.
    """
    x = prior[sparse.valid].astype(np.float64)
    y = sparse.values[sparse.valid].astype(np.float64)
    weights = np.ones_like(x)
    scale, shift = 0.0, float(np.median(y))
    if x.size >= FEWEST:
        try:
            for _ in range(ROUNDS):
                fit = fit_scale_shift(x, y, np.ones(x.shape, np.bool_), weights)
                left = np.abs(fit.scale * x + fit.shift - y)
                limit = HUBER * float(np.median(left))
                if fit.scale > 0:
                    scale, shift = fit.scale, fit.shift
                if limit <= 1e-9 * float(y.max()):
                    break
                weights = np.minimum(1, limit / np.maximum(left, 1e-12))
        except InputError:
            scale, shift = 0.0, float(np.median(y))
    low, high = NEAREST * float(y.min()), FARTHEST * float(y.max())
    aligned = (scale * prior.astype(np.float64) + shift).clip(low, high).astype(np.float32)
    scene = Scene(
        anchors=anchors_of(sparse),
        log_prior=np.log(aligned),
        prior=Depth(values=aligned, valid=np.ones(aligned.shape, np.bool_), kind=DepthKind.METRIC),
    )
    start: Float32[np.ndarray, "h w"] = np.exp(
        drift(scene).log_depth(scene).clip(np.log(low), np.log(high))
    )
    return start.astype(np.float32)
