"""A first stage that is worse than ours: what other models, and other photos, will give.

Without it the network learns that the prior is as good as on the photos it was trained on.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class DegradeConfig:
    """How the prior of a view is spoiled; the recipe's table `degrade`."""

    share: float = 0.5
    """Probability of a view."""
    blur: float = 0.5
    """Probability among those; by averages over up to a tenth of the view."""
    warp: float = 0.15
    """Largest deviation of a smooth factor, as a logarithm."""
    curve: float = 0.3
    """Largest |p - 1| of a power p of the depth."""
    plane: float = 0.05
    """Probability of a prior that is constant."""

    def __post_init__(self) -> None:
        for name in ("share", "blur", "warp", "curve", "plane"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}")


def degrade(
    prior: Float32[Tensor, "1 h w"], config: DegradeConfig, rng: np.random.Generator
) -> Float32[Tensor, "1 h w"]:
    """One affine-invariant map, spoiled by what is drawn from `rng`; 0..1 where it was spoiled."""
    spoiled, plane, blurred = rng.random(3) < (config.share, config.plane, config.blur)
    low, high = prior.min(), prior.max()
    if plane or high - low < 1e-6:
        return torch.full_like(prior, 0.5)
    if not spoiled:
        return prior
    # Between 1 and up to 10: the logarithm below is then one of a depth.
    ratio = float(rng.uniform(2, 10))
    depth = 1 + (ratio - 1) * (prior - low) / (high - low)
    power = 1 + float(rng.uniform(-1, 1)) * config.curve
    logs = power * depth.log()
    knots = torch.from_numpy(rng.standard_normal((1, 1, 4, 5)).astype(np.float32))
    smooth = F.interpolate(knots, size=prior.shape[-2:], mode="bicubic", align_corners=True)
    logs = logs + float(rng.uniform(0, config.warp)) * smooth[0]
    if blurred:
        width = 2 * int(rng.integers(1, max(2, prior.shape[-2] // 20))) + 1
        padded = F.pad(logs[None], (width // 2,) * 4, mode="replicate")
        logs = F.avg_pool2d(padded, width, 1)[0]
    depth = logs.exp()
    return (depth - depth.min()) / (depth.max() - depth.min()).clamp(min=1e-6)
