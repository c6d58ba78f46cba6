"""Truth without a scale, such as a teacher's map of a photo, as depth of which points can be drawn.

An affine-invariant map says how far everything lies between its nearest and its farthest point; how
many times as far the farthest is, is drawn anew for each view, and so is the unit. A smooth factor
besides: truth and first stage come from photos alone and err alike, and a network that saw them
agree would learn to follow the first stage. (The design: PacGDC and DMD3C train on such scales.)
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float32
from torch import Tensor

from featherdepth.types import DepthKind

KNOT = 32
"""Pixels between the knots of the smooth factor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeConfig:
    """How truth without a scale becomes depth; the recipe's table `ranges`."""

    ratio: tuple[float, float] = (3.0, 60.0)
    """Farthest depth of a frame over its nearest; the logarithm is drawn evenly."""
    median: tuple[float, float] = (1.0, 20.0)
    """Of a view, in meters: sensors reach only so far. Drawn likewise."""
    relief: float = 0.05
    """Standard deviation of the smooth factor's logarithm."""

    def __post_init__(self) -> None:
        if not 1 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"ratio must be two growing numbers above 1, got {list(self.ratio)}")
        if not 0 < self.median[0] <= self.median[1]:
            raise ValueError(f"median must be two growing numbers above 0, got {list(self.median)}")
        if not 0 <= self.relief < 1:
            raise ValueError(f"relief must be in [0, 1), got {self.relief}")


def with_range(
    far: Float32[Tensor, "1 h w"],
    valid: Bool[Tensor, "1 h w"],
    *,
    limits: tuple[float, float],
    kind: DepthKind,
    config: RangeConfig,
    rng: np.random.Generator,
) -> Float32[Tensor, "1 h w"]:
    """Depth in meters of one view, 0 where it is not valid.

    Args:
        far: as `Pool.depths` holds maps of this kind: larger is farther.
        limits: smallest and largest value of the whole frame.
        kind: an affine one.
    """
    ratio = _between(config.ratio, rng)
    middle = _between(config.median, rng)
    rows, columns = (side // KNOT + 2 for side in far.shape[-2:])
    knots = torch.from_numpy(rng.standard_normal((1, 1, rows, columns)).astype(np.float32))
    if not valid.any():
        return torch.zeros_like(far)
    low, high = limits
    if kind is DepthKind.AFFINE_INVARIANT:
        depth = 1 + (ratio - 1) * _share(far, low, high)
    else:
        # Affine in the inverse.
        nearness = _share(1 / far.clamp(min=low), 1 / high, 1 / low)
        depth = 1 / (1 / ratio + (1 - 1 / ratio) * nearness)
    smooth = F.interpolate(knots, size=far.shape[-2:], mode="bicubic", align_corners=True)[0]
    depth = depth * (config.relief * smooth).exp()
    return torch.where(valid, depth * (middle / depth[valid].median()), 0.0)


def _share(values: Float32[Tensor, "1 h w"], low: float, high: float) -> Float32[Tensor, "1 h w"]:
    return ((values - low) / max(high - low, 1e-6)).clamp(0, 1)


def _between(limits: tuple[float, float], rng: np.random.Generator) -> float:
    return math.exp(rng.uniform(math.log(limits[0]), math.log(limits[1])))
