"""How often a prediction puts two places of a picture in the wrong order.

Only the order counts, so predictions need no alignment. Larger must be farther: a disparity is
negated first.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from featherdepth.errors import InputError
from featherdepth.rng import generator

PAIRS = 10_000
Pixels = Float[np.ndarray, " n"]
Points = Int[np.ndarray, "n 2"]
Indices = Int[np.ndarray, " m"]


def random_pairs(count: int, seed: int, key: str) -> tuple[Indices, Indices]:
    """Draw 10,000 pairs of indices below `count`, the same for the same image at every call.

    The pairs are disjoint; with fewer than 20,000 pixels they are drawn with replacement.

    Args:
        key: of the image: no image's pairs depend on which ones came before it.
    """
    drawn = generator(seed, "whdr", key).choice(count, 2 * PAIRS, replace=count < 2 * PAIRS)
    return drawn[:PAIRS], drawn[PAIRS:]


def whdr(prediction: Pixels, truth: Pixels, first: Indices, second: Indices) -> float:
    """Share of pairs ordered wrongly, 0..1: sign(g1 - g2) is not sign(p1 - p2).

    Signs are compared exactly; equality is an order of its own. Evaluation code of Yin et al. 2021
    (LeReS).
    """
    wanted = np.sign(truth[first] - truth[second])
    found = np.sign(prediction[first] - prediction[second])
    return float(np.mean(wanted != found))


def whdr_threshold(
    prediction: Pixels, truth: Pixels, first: Indices, second: Indices, tau: float = 0.03
) -> float:
    """Share of pairs ordered wrongly, 0..1, where depths within a factor 1 + tau count as equal.

    Ratios need aligned values above 0. Xian et al. 2020; Chen et al. 2020 (OASIS).
    """
    wanted = _order(truth[first], truth[second], tau)
    found = _order(prediction[first], prediction[second], tau)
    return float(np.mean(wanted != found))


def pair_accuracy(
    prediction: Float[np.ndarray, "h w"],
    first: Points,
    second: Points,
    first_is_nearer: Bool[np.ndarray, " n"],
) -> float:
    """Share of annotated pairs, 0..1, whose nearer point the prediction puts nearer.

    Points are (row, column). A tie is no answer and counts as wrong. Yang et al. 2024 (DA-2K).

    Raises:
        InputError: a point outside of the prediction.
    """
    height, width = prediction.shape
    for points in (first, second):
        outside = (points < 0) | (points >= np.array([height, width]))
        if outside.any():
            row, column = points[outside.any(axis=1)][0]
            raise InputError(f"point (row {row}, column {column}) outside of {width}x{height}")
    one = prediction[first[:, 0], first[:, 1]]
    other = prediction[second[:, 0], second[:, 1]]
    right = np.where(first_is_nearer, one < other, other < one)
    return float(np.mean(right))


def _order(one: Pixels, other: Pixels, tau: float) -> np.ndarray:
    """1: the first is farther; -1: the second; 0: alike."""
    ratio = one / other
    alike = (ratio >= 1 / (1 + tau)) & (ratio <= 1 + tau)
    return np.where(alike, 0.0, np.sign(ratio - 1))
