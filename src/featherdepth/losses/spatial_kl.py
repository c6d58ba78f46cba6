"""KL divergence of the channels at each pixel: which of the features is strong here.

    phi(x) = softmax(x / tau) over the channels of one pixel
    loss   = tau^2 * mean over valid pixels of sum over channels of phi(T) log(phi(T) / phi(S))

It needs two channels or more: the softmax of one number is 1 whatever the number, so on a depth
map loss and gradient would be 0.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.losses.softmax_kl import softmax_kl
from featherdepth.losses.wide import widen, without_autocast


class SpatialKL(nn.Module):
    """KL(teacher || student) of distributions over the channels of each pixel."""

    places: ClassVar[tuple[str, ...]] = ("features",)
    """What the distiller may give it."""
    same_width: ClassVar[bool] = True
    """Student and teacher need as many channels."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        temperature: float = 4.0

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
        """One value per image; 0, with a gradient of 0, for an image without a valid pixel.

        Raises:
            ValueError: maps of one channel.
        """
        if student.shape[1] < 2:
            raise ValueError(
                "spatial_kl compares the channels of each pixel, found 1 channel, where it is 0"
                " whatever the student says; expected features of 2 or more; use channel_kl on a"
                " depth map"
            )
        with without_autocast(student):
            student, teacher = widen(student, teacher)
            kl = softmax_kl(student, teacher, valid, temperature=self.temperature, dim=1)
            count = valid.flatten(1).sum(dim=1).clamp(min=1)
            return self.temperature**2 * kl.flatten(1).sum(dim=1) / count
