"""A map without holes, from coarser and coarser copies of itself."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32

Reduce = Callable[[Float32[np.ndarray, "4 h w"], Bool[np.ndarray, "4 h w"]], np.ndarray]


def fill_with_mean(
    values: Float32[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    """Holes take the mean of the smallest block of 2, 4, 8 ... pixels around them with values."""
    return _filled(values, valid, _mean)


def fill_with_far(
    values: Float32[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    """Holes take the farthest of that block: what opens behind an edge is background."""
    return _filled(values, valid, _farthest)


def _filled(
    values: Float32[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], reduce: Reduce
) -> Float32[np.ndarray, "h w"]:
    if valid.all() or not valid.any():
        return values
    height, width = values.shape
    odd = ((0, height % 2), (0, width % 2))
    padded, known = np.pad(values, odd), np.pad(valid, odd)
    corners = [(slice(i, None, 2), slice(j, None, 2)) for i in (0, 1) for j in (0, 1)]
    four, of_four = (np.stack([a[c] for c in corners]) for a in (padded, known))
    coarse = _filled(reduce(four, of_four), np.logical_or.reduce(of_four), reduce)
    around = coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    return np.where(valid, values, around)


def _mean(
    values: Float32[np.ndarray, "4 h w"], valid: Bool[np.ndarray, "4 h w"]
) -> Float32[np.ndarray, "h w"]:
    total = np.where(valid, values, np.float32(0)).sum(axis=0, dtype=np.float32)
    mean: Float32[np.ndarray, "h w"] = total / np.maximum(valid.sum(axis=0), 1).astype(np.float32)
    return mean


def _farthest(
    values: Float32[np.ndarray, "4 h w"], valid: Bool[np.ndarray, "4 h w"]
) -> Float32[np.ndarray, "h w"]:
    farthest: Float32[np.ndarray, "h w"] = np.where(valid, values, np.float32(0)).max(axis=0)
    return farthest
