"""Where most of a map lies."""

import numpy as np
from jaxtyping import Float32

SAMPLES = 1 << 18
"""Quantiles of this many values are within 0.1 % of rank of those of all values."""


def span_of(
    known: Float32[np.ndarray, " n"], low: float | int = 0.02, high: float | int = 0.98
) -> tuple[float, float]:
    """Return the `low` and `high` quantiles of a map's valid values; (0, 0) when none is valid.

    Large maps are sub-sampled at a fixed stride: the result is the same each time.
    """
    if not known.size:
        return 0.0, 0.0
    # The stride is odd, so that it does not walk down one column of an even-sized map.
    stride = known.size // SAMPLES | 1
    bottom, top = np.quantile(known[::stride], (low, high))
    return float(bottom), float(top)
