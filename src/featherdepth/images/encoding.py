"""Depth as 16-bit integers: 0 is invalid, and how to get back is written down beside them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, UInt16

from featherdepth.errors import InputError
from featherdepth.types import Depth, DepthKind

MILLIMETERS = 1000.0
KITTI_SCALE = 256.0
MILLIMETERS_REACH_M = 65.0
"""65535 mm end just above; what is farther is written in 1/256 m."""
STEPS = 65534
"""Of a relative map, between the values 1 and 65535."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """How stored integers v become values.

    Metric: meters = v / scale. Otherwise: value = lo + (v - 1) / 65534 * (hi - lo).
    """

    scale: float | None = None
    lo: float | None = None
    hi: float | None = None
    clipped: int = 0
    """Pixels farther than the format reaches, stored at its end."""

    def to_json(self) -> dict[str, Any]:
        """Return what a sidecar and the PNG itself record."""
        if self.scale is not None:
            written: dict[str, Any] = {"scale": self.scale, "offset": 0.0, "clipped": self.clipped}
        else:
            written = {"lo": self.lo, "hi": self.hi}
        return {"format": "png16", "invalid": 0, **written}

    @staticmethod
    def from_json(written: dict[str, Any]) -> "Encoding":
        """Read what `to_json` wrote.

        Raises:
            InputError: neither a scale nor a range of finite numbers.
        """
        try:
            if written.get("scale") is not None:
                scale = float(written["scale"])
                if 0 < scale < np.inf:
                    return Encoding(scale=scale)
            else:
                lo, hi = float(written["lo"]), float(written["hi"])
                if np.isfinite([lo, hi]).all() and lo <= hi:
                    return Encoding(lo=lo, hi=hi)
        except (KeyError, TypeError, ValueError):
            pass
        raise InputError(f"encoding {written} is not usable; expected a scale, or lo and hi")


def encode(depth: Depth) -> tuple[UInt16[np.ndarray, "h w"], Encoding]:
    """Store a map in 16 bits.

    Metric depth in millimeters up to 65 m, beyond that in 1/256 m up to 256 m, beyond that
    clipped and counted. Other kinds over their own range, in 65534 steps.
    """
    known = depth.known
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    if depth.kind is DepthKind.METRIC:
        scale = MILLIMETERS if high <= MILLIMETERS_REACH_M else KITTI_SCALE
        stored = depth.values * np.float32(scale)
        np.rint(stored, out=stored)
        clipped = int((stored[depth.valid] > 65535).sum()) if high * scale > 65535 else 0
        encoding = Encoding(scale=scale, clipped=clipped)
    else:
        # float64 would double the memory; float32 is exact to 1/256 of a step here.
        stored = depth.values - np.float32(low)
        stored /= np.float32(high - low if high > low else 1)
        stored *= np.float32(STEPS)
        np.rint(stored, out=stored)
        stored += np.float32(1)
        encoding = Encoding(lo=low, hi=high)
    integers = stored.clip(1, 65535, out=stored).astype(np.uint16)
    integers[~depth.valid] = 0
    return integers, encoding


def decode(
    stored: UInt16[np.ndarray, "h w"], encoding: Encoding
) -> tuple[Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Return the values that integers stand for, and where there are any."""
    valid = stored > 0
    if encoding.scale is not None:
        values = stored.astype(np.float32) / np.float32(encoding.scale)
    else:
        lo, hi = np.float32(encoding.lo), np.float32(encoding.hi)
        values = lo + (stored.astype(np.float32) - np.float32(1)) / np.float32(STEPS) * (hi - lo)
        values[~valid] = 0
    return values, valid
