"""Image-level normalized regression: a raw map against the z-scored target.

    g    = trimmed z-score of the target
    loss = mean over valid pixels of |d - g| + |tanh(0.01 d) - tanh(0.01 g)|

A scale > 0 and a shift of the target change nothing; a scale or shift of the student does
(LeReS, Yin et al. 2021, equation 4).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.losses.zscore import trimmed_zscore


class ImageLevelRegression(nn.Module):
    """Mean absolute difference to the standardized target, image by image."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        min_valid: int = 101
        """An image with fewer valid pixels counts 0."""

        def __post_init__(self) -> None:
            if self.min_valid < 1:
                raise ValueError(f"min_valid must be at least 1, got {self.min_valid}")

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.min_valid = config.min_valid

    def forward(
        self,
        student: Float[Tensor, "b 1 h w"],
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
    ) -> Float[Tensor, " b"]:
        """One value per image; 0, with a gradient of 0, for an image with too few valid pixels.

        `teacher` is any depth, also with a measured one's holes; it is never read outside `valid`.
        """
        target = trimmed_zscore(teacher, valid)
        # Chosen before the arithmetic, not after: NaN times 0 is NaN in the backward pass.
        depth = torch.where(valid, student.to(target.dtype), 0.0)
        error = (depth - target).abs() + ((0.01 * depth).tanh() - (0.01 * target).tanh()).abs()
        count = valid.flatten(1).sum(dim=1)
        mean = error.flatten(1).sum(dim=1) / count.clamp(min=1)
        return torch.where(count >= self.min_valid, mean, 0.0 * mean)
