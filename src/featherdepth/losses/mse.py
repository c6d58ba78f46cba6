"""Mean squared error of two maps.

    loss = mean over valid pixels and channels of (student - teacher)^2

The only loss of the table that fixes scale and shift of the student's raw output to the teacher's.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.losses.wide import widen


class MSE(nn.Module):
    """Mean squared difference, image by image."""

    places: ClassVar[tuple[str, ...]] = ("depth", "features")
    """What the distiller may give it."""
    same_width: ClassVar[bool] = True
    """Student and teacher need as many channels."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys: none."""

    def __init__(self, config: Config) -> None:  # noqa: ARG002 - every loss is built from one
        super().__init__()

    def forward(
        self,
        student: Float[Tensor, "b c h w"],
        teacher: Float[Tensor, "b c h w"],
        valid: Bool[Tensor, "b 1 h w"],
    ) -> Float[Tensor, " b"]:
        """One value per image; 0, with a gradient of 0, for an image without a valid pixel."""
        student, teacher = widen(student, teacher)
        # Chosen before the square, not after: NaN times 0 is NaN in the backward pass.
        error = torch.where(valid, student - teacher, 0.0)
        count = valid.flatten(1).sum(dim=1).clamp(min=1) * student.shape[1]
        return error.square().flatten(1).sum(dim=1) / count
