"""Pair-wise distillation: which parts of the picture the features call alike.

    f    = features averaged over the valid pixels of each node of a grid, then f / ||f||
    A    = f^T f, the cosine of every pair of the p nodes
    loss = sum of (A_T - A_S)^2 / p^2

Only inner products are compared, so student and teacher may have different numbers of channels
and no projection is needed; a rotation or a positive factor on the features changes nothing
(Liu et al. 2019, "Structured Knowledge Distillation"). The paper's code takes 2x2 nodes by
default and stops the gradient at the norm; here it is at most 28x28 nodes (an affinity of 2.5 MB an
image) and the full gradient.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.losses.wide import widen, without_autocast

EPSILON = 1e-6
"""On the squared norm, inside the root: features of nothing but zeros have no direction."""


class Pairwise(nn.Module):
    """Squared difference of the cosine affinities of two feature maps."""

    places: ClassVar[tuple[str, ...]] = ("features",)
    """What the distiller may give it."""
    same_width: ClassVar[bool] = False
    """Student and teacher need as many channels."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        nodes: int = 28
        """At most so many along each side; memory grows with the fourth power."""
        detach_norm: bool = False
        """Treat the norms as constants in the backward pass, as the paper's code does."""

        def __post_init__(self) -> None:
            if self.nodes < 1:
                raise ValueError(f"nodes must be at least 1, got {self.nodes}")

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.nodes = config.nodes
        self.detach_norm = config.detach_norm

    def forward(
        self,
        student: Float[Tensor, "b c h w"],
        teacher: Float[Tensor, "b k h w"],
        valid: Bool[Tensor, "b 1 h w"],
    ) -> Float[Tensor, " b"]:
        """One value per image; 0, with a gradient of 0, for an image without a valid pixel.

        A node without a valid pixel is left out, and p counts the others.
        """
        with without_autocast(student):
            student, teacher = widen(student, teacher)
            grid = (min(valid.shape[2], self.nodes), min(valid.shape[3], self.nodes))
            own, other = (self._directions(x, valid, grid) for x in (student, teacher))
            gap = torch.baddbmm(other.mT @ other, own.mT, own, alpha=-1)
            count = F.adaptive_max_pool2d(valid.float(), grid).flatten(1).sum(dim=1).clamp(min=1)
            return gap.square().flatten(1).sum(dim=1) / count**2

    def _directions(
        self,
        features: Float[Tensor, "b c h w"],
        valid: Bool[Tensor, "b 1 h w"],
        grid: tuple[int, int],
    ) -> Float[Tensor, "b c n"]:
        kept = torch.where(valid, features, 0.0)
        # Zeros for what is not valid make a mean shorter and leave its direction.
        means = F.adaptive_avg_pool2d(kept, grid).flatten(2)
        norm = (means.square().sum(dim=1, keepdim=True) + EPSILON).sqrt()
        return means / (norm.detach() if self.detach_norm else norm)
