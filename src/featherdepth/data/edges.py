"""Truth beside depth edges, where scanners mix foreground and background."""

import numpy as np
from jaxtyping import Bool, Float32


def without_edges(
    values: Float32[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    *,
    jump: float,
    radius: int = 1,
) -> Bool[np.ndarray, "h w"]:
    """`valid` without pixels that have a valid neighbor whose depth differs by more than `jump`.

    A pixel goes if max over the window of max(z / z_n, z_n / z) > 1 + jump, for a square window
    of `radius` pixels to each side.
    """
    logs = np.log(np.where(valid, values, 1.0))
    low = _windowed(np.where(valid, logs, np.inf), radius, np.minimum)
    high = _windowed(np.where(valid, logs, -np.inf), radius, np.maximum)
    limit = np.log1p(jump)
    kept: np.ndarray = valid & (logs - low <= limit) & (high - logs <= limit)
    return kept


def _windowed(values: np.ndarray, radius: int, pick: np.ufunc) -> np.ndarray:
    """`pick` over a square window; beyond the border the nearest pixel is repeated."""
    for axis in (0, 1):
        pad = [(radius, radius) if a == axis else (0, 0) for a in (0, 1)]
        wide = np.pad(values, pad, mode="edge")
        size = values.shape[axis]
        parts = [np.take(wide, range(i, i + size), axis=axis) for i in range(2 * radius + 1)]
        values = pick.reduce(parts)
    return values
