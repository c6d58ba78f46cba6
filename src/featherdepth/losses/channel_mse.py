"""Squared error of channels read as distributions over their own pixels.

    phi(x) = softmax(x / tau) over the valid pixels of one channel
    loss   = mean over channels of the sum over pixels of (phi(S) - phi(T))^2

A row of the ablation table, kept as it is: on a depth map it is practically a null baseline. The
probabilities of 448x448 pixels are near 5e-6, their squared differences near 1e-11, so that
gradients are a billion times below those of `mse` and the student does not learn from it. No
factor makes up for that here; the poster's row equals its undistilled student too.
Like `channel_kl` it cannot see a shift of a channel.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.losses.wide import widen, without_autocast


class ChannelMSE(nn.Module):
    """Squared difference of distributions over the pixels of each channel."""

    places: ClassVar[tuple[str, ...]] = ("depth", "features")
    """What the distiller may give it."""
    same_width: ClassVar[bool] = True
    """Student and teacher need as many channels."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        temperature: float = 1.0

        def __post_init__(self) -> None:
            if not 0 < self.temperature < math.inf:
                raise ValueError(f"temperature must be above 0, got {self.temperature}")

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.temperature = config.temperature

    def forward(
        self,
        student: Float[Tensor, "b c h w"],
        teacher: Float[Tensor, "b c h w"],
        valid: Bool[Tensor, "b 1 h w"],
    ) -> Float[Tensor, " b"]:
        """One value per image; 0, with a gradient of 0, for an image without a valid pixel."""
        with without_autocast(student):
            student, teacher = widen(student, teacher)
            error = self._phi(student, valid) - self._phi(teacher, valid)
            return error.square().sum(dim=2).mean(dim=1)

    def _phi(
        self, scores: Float[Tensor, "b c h w"], valid: Bool[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b c n"]:
        # finfo.min, not -inf: the softmax of nothing but -inf is NaN.
        lowest = torch.finfo(scores.dtype).min
        kept = (scores / self.temperature).masked_fill(~valid, lowest)
        return kept.flatten(2).softmax(dim=2)
