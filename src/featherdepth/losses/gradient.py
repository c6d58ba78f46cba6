"""Multi-scale gradient matching: the difference to the target has few and small steps.

    R    = d - g, with g the trimmed z-score of the target
    loss = sum over scales k of the mean of |R(p) - R(p + 2)|, along rows and columns, over pairs
           that are both valid, on R sub-sampled every 2^k pixels

A shift of the student changes nothing (MegaDepth, Li and Snavely 2018; LeReS's form).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.losses.zscore import trimmed_zscore

STEP = 2


class MultiScaleGradient(nn.Module):
    """Steps of the difference between a map and the standardized target, over several scales."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        scales: int = 4
        min_valid: int = 101
        """An image with fewer valid pixels counts 0."""

        def __post_init__(self) -> None:
            if self.scales < 1:
                raise ValueError(f"scales must be at least 1, got {self.scales}")
            if self.min_valid < 1:
                raise ValueError(f"min_valid must be at least 1, got {self.min_valid}")

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.scales = config.scales
        self.min_valid = config.min_valid

    def forward(
        self,
        student: Float[Tensor, "b 1 h w"],
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
    ) -> Float[Tensor, " b"]:
        """One value per image; 0, with a gradient of 0, for an image with too few valid pixels."""
        target = trimmed_zscore(teacher, valid)
        difference = torch.where(valid, student.to(target.dtype), 0.0) - target
        loss = difference.new_zeros(len(difference))
        for k in range(self.scales):
            loss = loss + _mean_step(
                difference[..., :: 2**k, :: 2**k], valid[..., :: 2**k, :: 2**k]
            )
        enough = valid.flatten(1).sum(dim=1) >= self.min_valid
        return torch.where(enough, loss, 0.0 * loss)


def _mean_step(
    difference: Float[Tensor, "b 1 h w"], valid: Bool[Tensor, "b 1 h w"]
) -> Float[Tensor, " b"]:
    total = difference.new_zeros(len(difference))
    count = total
    for dim in (2, 3):
        length = difference.shape[dim] - STEP
        if length < 1:
            continue
        pairs = valid.narrow(dim, 0, length) & valid.narrow(dim, STEP, length)
        steps = (difference.narrow(dim, 0, length) - difference.narrow(dim, STEP, length)).abs()
        total = total + torch.where(pairs, steps, 0.0).flatten(1).sum(dim=1)
        count = count + pairs.flatten(1).sum(dim=1)
    return total / count.clamp(min=1)
