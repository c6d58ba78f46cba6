"""Channel-wise KL divergence: each channel read as a distribution over its own pixels.

    phi(x) = softmax(x / tau) over the valid pixels of one channel
    loss   = tau^2 / C * sum over channels and pixels of phi(T) log(phi(T) / phi(S))

With C = 1 and tau = 1 it is the channel-wise loss on depth maps (Gao et al. 2023), with more
channels the one on features (Shu et al. 2021, "Channel-wise Knowledge Distillation"). A plain sum
over the pixels: a mean over them would be five orders smaller at 448x448.

Adding a constant to a channel leaves phi unchanged, so this loss cannot see a shift of the
student; the scale it sees. For a large tau it tends to half the mean squared difference about the
mean difference, for a small one only the largest values (the far parts of a depth map) count.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.losses.softmax_kl import softmax_kl
from featherdepth.losses.wide import widen, without_autocast


class ChannelKL(nn.Module):
    """KL(teacher || student) of distributions over the pixels of each channel."""

    places: ClassVar[tuple[str, ...]] = ("depth", "features")
    """What the distiller may give it."""
    same_width: ClassVar[bool] = True
    """Student and teacher need as many channels."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        temperature: float = 1.0
        """1 suits a depth map of unit spread; features are usually compared at 4."""

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
            kl = softmax_kl(
                student.flatten(2),
                teacher.flatten(2),
                valid.flatten(2),
                temperature=self.temperature,
                dim=2,
            )
            return self.temperature**2 * kl.mean(dim=1)
