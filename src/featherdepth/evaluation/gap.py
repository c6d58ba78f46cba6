"""How much of the way from a student to its teacher another model goes, image by image."""

from typing import Any

import numpy as np
from jaxtyping import Float64

from featherdepth.metrics.bootstrap import draw_counts, ends


def gap_closed(
    row: dict[str, Any],
    student: dict[str, Any],
    teacher: dict[str, Any],
    *,
    measure: str = "abs_rel",
    seed: int = 0,
) -> dict[str, float] | None:
    """(student - row) / (student - teacher) of the means of a measure over the common images.

    Args:
        row, student, teacher: documents of `evaluate` of one data set and protocol.

    Returns:
        `value`, `low`, `high` (95 % of a paired bootstrap over images), `count`; None where no
        image is common to all or the teacher is not better than the student: there is no gap.
    """
    values = [
        {r["key"]: r[measure] for r in document["images"]} for document in (row, student, teacher)
    ]
    keys = [key for key in values[0] if key in values[1] and key in values[2]]
    if not keys:
        return None
    table = np.array([[column[key] for column in values] for key in keys], dtype=np.float64)
    means = table.mean(axis=0)
    if not means[1] > means[2]:
        return None
    drawn = np.concatenate(
        [_share(counts @ table / len(keys)) for counts in draw_counts(len(keys), seed=seed)]
    )
    low, high = ends(drawn[:, None])
    return {
        "value": float(_share(means[None])[0]),
        "low": float(low[0]),
        "high": float(high[0]),
        "count": len(keys),
    }


def _share(means: Float64[np.ndarray, "d 3"]) -> Float64[np.ndarray, " d"]:
    gap = means[:, 1] - means[:, 2]
    # A draw in which the gap vanishes says nothing of its share: an infinite one either way.
    safe = np.where(np.abs(gap) < 1e-12, np.copysign(1e-12, gap), gap)
    share: Float64[np.ndarray, " d"] = (means[:, 1] - means[:, 0]) / safe
    return share
