"""A weak anchor of the student's raw output to the teacher's: mean and spread, nothing else.

    loss = ((mean_S - mean_T) / std_T)^2 + ln(std_S / std_T)^2

Losses that cannot see a shift or a scale leave these free, and over a long run the output drifts
until half precision overflows. This one sees only them: 0 with a gradient of 0 at the teacher's
mean and spread, and the same for maps in any unit.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.losses.wide import widen


class Anchor(nn.Module):
    """Distance of the student's mean and standard deviation from the teacher's, image by image."""

    places: ClassVar[tuple[str, ...]] = ("depth",)
    """What the distiller may give it."""
    same_width: ClassVar[bool] = True
    """Student and teacher need as many channels."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        std_floor: float = 0.01
        """Added to both spreads (as a square), in units of the map: keeps a flat map finite."""

        def __post_init__(self) -> None:
            if not 0 < self.std_floor < math.inf:
                raise ValueError(f"std_floor must be above 0, got {self.std_floor}")

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.std_floor = config.std_floor

    def forward(
        self,
        student: Float[Tensor, "b 1 h w"],
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
    ) -> Float[Tensor, " b"]:
        """One value per image; 0, with a gradient of 0, for an image without a valid pixel."""
        student, teacher = widen(student, teacher)
        mean_s, variance_s = self._moments(student, valid)
        mean_t, variance_t = self._moments(teacher, valid)
        # ln(std ratio) = ln(variance ratio) / 2, without a root whose slope at 0 is infinite.
        spread = (variance_s / variance_t).log() / 2
        return (mean_s - mean_t).square() / variance_t + spread.square()

    def _moments(
        self, depth: Float[Tensor, "b 1 h w"], valid: Bool[Tensor, "b 1 h w"]
    ) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
        count = valid.flatten(1).sum(dim=1).clamp(min=1)
        mean = torch.where(valid, depth, 0.0).flatten(1).sum(dim=1) / count
        # About the mean: the difference of squares loses its digits where the mean is large.
        deviation = torch.where(valid, depth - mean[:, None, None, None], 0.0)
        variance = deviation.square().flatten(1).sum(dim=1) / count
        return mean, variance + self.std_floor**2
