"""Whether the edges of a prediction stand where those of the truth do.

    F1 = sum_t t F1(t) / sum_t t,   t = 1.05 .. 1.25 in ten steps

On inverse depth c = 1 / max(d, 1e-6), a pixel has an edge towards one of its four neighbors where
c / c_neighbor > t. Precision and recall are means over the four directions of common edges over
those of one map, where a direction without edges counts 0: also a perfect prediction gets 1 only
where the truth has edges in all four directions. Blind to one factor on all of the prediction.
Bochkovskii et al. 2024 (Depth Pro), evaluation code.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

SMALLEST_M = 1e-6
THRESHOLDS = np.linspace(1.05, 1.25, 10)

Map = Float[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]


def boundary_f1(prediction: Map, truth: Map, valid: Mask) -> float:
    """Scale-invariant boundary F1, 0..1, of neighbors that are both `valid`."""
    predicted = list(_ratios(prediction, valid))
    measured = list(_ratios(truth, valid))
    scores = [_f1(predicted, measured, threshold) for threshold in THRESHOLDS]
    return float(np.average(scores, weights=THRESHOLDS))


def _ratios(depth: Map, valid: Mask) -> Iterator[np.ndarray]:
    """Ratios c / c_neighbor for the four directions; 0, which is no edge, beside a hole."""
    inverse = 1 / np.maximum(np.where(valid, depth, 1.0), SMALLEST_M)
    columns = (inverse[:, :-1], inverse[:, 1:], valid[:, :-1] & valid[:, 1:])
    rows = (inverse[:-1], inverse[1:], valid[:-1] & valid[1:])
    for before, after, known in (columns, rows):
        yield np.where(known, before / after, 0.0)
        yield np.where(known, after / before, 0.0)


def _f1(predicted: list[np.ndarray], measured: list[np.ndarray], threshold: float) -> float:
    precision = recall = 0.0
    for p, g in zip(predicted, measured, strict=True):
        found, wanted = p > threshold, g > threshold
        common = int((found & wanted).sum())
        precision += common / max(int(found.sum()), 1) / 4
        recall += common / max(int(wanted.sum()), 1) / 4
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0
