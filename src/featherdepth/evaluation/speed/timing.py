"""Timing in pairs: calls that alternate, so that a machine that slows down slows all of them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

SEED = 0
DRAWS = 2000


def interleave(
    calls: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warmup: int,
    done: Callable[[], object] | None = None,
) -> dict[str, Float64[np.ndarray, " rounds"]]:
    """Milliseconds of each call in each round; who comes first rotates.

    Args:
        warmup: further rounds before, which do not count.
        done: called after each round.
    """
    names = list(calls)
    times: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(warmup + rounds):
        first = round_ % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter()
            calls[name]()
            times[name].append(1000 * (time.perf_counter() - start))
        if done is not None:
            done()
    return {name: np.array(values[warmup:]) for name, values in times.items()}


def spread(values: Float64[np.ndarray, " rounds"]) -> dict[str, float]:
    """Median and 95 % quantile."""
    return {"median": float(np.median(values)), "p95": float(np.quantile(values, 0.95))}


def interval(ratios: Float64[np.ndarray, " rounds"]) -> dict[str, float]:
    """Median of the ratios of neighbors, with its 95 % bootstrap interval."""
    generator = np.random.default_rng(SEED)
    medians = np.median(generator.choice(ratios, (DRAWS, len(ratios))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return {"median": float(np.median(ratios)), "low": float(low), "high": float(high)}


def ratios(times: Mapping[str, Float64[np.ndarray, " rounds"]], name: str) -> dict[str, Any]:
    """How many times as long as each other call one takes."""
    return {other: interval(times[name] / times[other]) for other in times if other != name}
