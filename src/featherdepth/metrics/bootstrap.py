"""How far a mean over images could have come out otherwise: bootstrap intervals."""

import numpy as np
from jaxtyping import Float64

from featherdepth.rng import generator

DRAWS = 2000
CELLS = 4_000_000
"""Counts held at a time: 32 MB, whatever the number of images."""


def mean_intervals(
    values: Float64[np.ndarray, "n m"], *, seed: int, draws: int = DRAWS, level: float = 0.95
) -> tuple[Float64[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
    """Percentile bootstrap of the mean over rows (images), for each column (measure).

    Every draw takes n images with replacement, the same images for all columns. One image alone
    gives an interval of no width.

    Returns:
        Lower and upper ends, between which the share `level` of the resampled means lies.
    """
    n, m = values.shape
    if n < 1:
        raise ValueError("no rows to resample")
    random = generator(seed, "bootstrap")
    means = np.empty((draws, m))
    step = max(1, CELLS // n)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        # How often each image is drawn: a matrix product then replaces gathering.
        counts = random.multinomial(n, np.full(n, 1 / n), size=rows).astype(np.float64)
        means[start : start + rows] = counts @ values / n
    tail = (1 - level) / 2
    low, high = np.quantile(means, (tail, 1 - tail), axis=0)
    return low, high
