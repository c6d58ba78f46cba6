"""How far a mean over images could have come out otherwise: bootstrap intervals."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from featherdepth.rng import generator

DRAWS = 2000
LEVEL = 0.95
CELLS = 4_000_000
"""Counts held at a time: 32 MB, whatever the number of images."""


def draw_counts(n: int, *, seed: int, draws: int = DRAWS) -> Iterator[Float64[np.ndarray, "d n"]]:
    """How often each of `n` images is taken in draws of n with replacement, in chunks of draws.

    A product with a matrix of counts replaces gathering rows.
    """
    if n < 1:
        raise ValueError("no rows to resample")
    random = generator(seed, "bootstrap")
    step = max(1, CELLS // n)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        yield random.multinomial(n, np.full(n, 1 / n), size=rows).astype(np.float64)


def mean_intervals(
    values: Float64[np.ndarray, "n m"], *, seed: int, draws: int = DRAWS, level: float = LEVEL
) -> tuple[Float64[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
    """Percentile bootstrap of the mean over rows (images), for each column (measure).

    Every draw takes n images with replacement, the same images for all columns. One image alone
    gives an interval of no width.

    Returns:
        Lower and upper ends, between which the share `level` of the resampled means lies.
    """
    n = len(values)
    chunks = [counts @ values / n for counts in draw_counts(n, seed=seed, draws=draws)]
    return ends(np.concatenate(chunks), level=level)


def ends(
    drawn: Float64[np.ndarray, "d m"], *, level: float = LEVEL
) -> tuple[Float64[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
    """The two values of each column between which the middle share `level` of the draws lies."""
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail), axis=0)
    return low, high
