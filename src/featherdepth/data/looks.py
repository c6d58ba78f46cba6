"""Signs by which depth is told from disparity, without knowing the scene.

Neither sign is proof for one map; together, over a data set, they are (measured on 37 sets).
"""

import math

import numpy as np
from jaxtyping import Bool, Float32

FEWEST = 100
"""Pixels for a statement."""
STEP = 12
"""Three pixels in a row stand a 12th of the side apart: noise is small against the relief there."""
RISE = 0.25
CURVED = 0.55


def rise(values: Float32[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> float:
    """How much larger values are on top than at the bottom: ln(median top / median bottom).

    Of the measured pixels, the upper and the lower third by row. People hold cameras upright over
    a floor: depth rises (typically +0.5), disparity falls. NaN with too few pixels.
    """
    rows = np.nonzero(valid)[0]
    if rows.size < FEWEST:
        return math.nan
    low, high = np.quantile(rows, (1 / 3, 2 / 3))
    measured = values[valid]
    top, bottom = np.median(measured[rows <= low]), np.median(measured[rows >= high])
    return float(np.log(top / bottom))


def curvature(values: Float32[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> float:
    """Share of places on slants that are nearer to straight in 1/value than in the value.

    Planes in space are linear in disparity, so 1/depth is straight and depth is curved: above 0.5
    for depth of walls and floors, below for disparity. NaN without slants.
    """
    count = fitting = 0
    for axis in (0, 1):
        step = max(values.shape[axis] // STEP, 2)
        z, known = np.moveaxis(values, axis, 0), np.moveaxis(valid, axis, 0)
        whole = known[: -2 * step] & known[step:-step] & known[2 * step :]
        first, middle, last = (
            part[whole].astype(np.float64)
            for part in (z[: -2 * step], z[step:-step], z[2 * step :])
        )
        slope = np.abs(np.log(last / first))
        even = np.sign(middle - first) == np.sign(last - middle)
        slant = even & (slope > 0.05) & (slope < 0.5)
        first, middle, last = first[slant], middle[slant], last[slant]
        in_value = np.abs(middle - (first + last) / 2)
        in_inverse = np.abs(middle - 2 * first * last / (first + last))
        count += first.size
        fitting += int((in_inverse < in_value).sum())
    return fitting / count if count >= FEWEST else math.nan


def looks_inverted(rises: list[float], curvatures: list[float], *, larger_is: str) -> bool:
    """Whether maps that should grow "farther" or "nearer" grow the other way."""
    known = [r for r in rises if math.isfinite(r)]
    if not known:
        return False
    bent = [c for c in curvatures if math.isfinite(c)]
    typical_rise = float(np.median(known))
    typical_bend = float(np.median(bent)) if bent else None
    if larger_is == "farther":
        return typical_rise < -RISE and (typical_bend is None or typical_bend < CURVED)
    return typical_rise > RISE and (typical_bend is None or typical_bend > 1 - CURVED)
