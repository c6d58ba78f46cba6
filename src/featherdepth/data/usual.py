"""What the truth of a data set usually looks like, and what it says where it looks otherwise."""

import math
from dataclasses import dataclass

Range = tuple[float, float]

KNOWN_SCALES = (1.0, 10.0, 100.0, 256.0, 1000.0, 5000.0, 6553.5)
"""Codes of one metre in the formats that are about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """Ranges for a whole data set, wide enough for any sensible part of it."""

    unit: str
    """How depth is stored, in words."""
    median: Range | None = None
    """Metres; of the median over images of the median of the measured pixels."""
    valid: Range | None = None
    """Share of the pixels with truth, mean over images."""
    codes_per_metre: float | None = None
    """Of stored integers, for a guess at what they really are."""

    def scale_fault(self, median: float) -> str | None:
        """What is wrong with a set whose images have this typical depth; None if nothing."""
        if self.median is None or self.median[0] <= median <= self.median[1]:
            return None
        low, high = self.median
        return (
            f"depth of {median:.3g} m in the typical image; expected {low:g} to {high:g} m"
            + self._guess(median)
        )

    def _guess(self, median: float) -> str:
        if self.median is None or self.codes_per_metre is None:
            return ""
        low, high = self.median
        codes = median * self.codes_per_metre
        center = (low * high) ** 0.5
        fitting = [s for s in KNOWN_SCALES if low <= codes / s <= high]
        if not fitting:
            return "; the unit or the scale is another one"
        # Where several scales fit, the one nearest to the middle of what is usual.
        best = min(fitting, key=lambda s: abs(math.log(codes / s / center)))
        return (
            f"; read with 1/{self.codes_per_metre:g} m a code, with 1/{best:g} it would be"
            f" {codes / best:.3g} m"
        )

    def valid_fault(self, share: float) -> str | None:
        """What is wrong with a set that has truth on this share of its pixels; None if nothing."""
        if self.valid is None or self.valid[0] <= share <= self.valid[1]:
            return None
        low, high = self.valid
        return f"{share:.3f} of the pixels have truth; expected {low:g} to {high:g}"
