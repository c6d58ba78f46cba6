"""Structure-guided ranking: which of two points is farther, asked mostly across image edges.

    rho  = (g_A + 1e-6) / (g_B + 1e-6)
    loss = mean of (d_A - d_B)^2              over pairs with 1/1.03 < rho < 1.03
         + mean of log(1 + exp(-l (d_A - d_B)))   over the others, l = +1 if rho >= 1.03, else -1

Only the order of the target counts, and ratios near 1; a shift of the student changes nothing
(Xian et al. 2020, "Structure-Guided Ranking Loss").
The pairs are drawn outside the loss by `draw_pairs`, from the photo and a generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from featherdepth.losses.edge_pairs import NUMBERS, pairs_across, sobel
from featherdepth.losses.views import Views

EPSILON = 1e-6


class Ranking(nn.Module):
    """Order of the depths of pairs of points."""

    order_only: ClassVar[bool] = True
    """It may see where only the order of the target is known."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        anchors: int = 1000
        """Points on edges; each gives three pairs, and as many random pairs are added."""
        ratio: float = 1.03
        """Depths within this ratio count as equal."""
        min_valid: int = 101
        """An image with fewer valid pixels counts 0."""

        def __post_init__(self) -> None:
            if self.anchors < 1:
                raise ValueError(f"anchors must be at least 1, got {self.anchors}")
            if self.ratio <= 1:
                raise ValueError(f"ratio must be above 1, got {self.ratio}")

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.anchors = config.anchors
        self.ratio = config.ratio
        self.min_valid = config.min_valid

    def forward(
        self,
        student: Float[Tensor, "b 1 h w"],
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
        pairs: Int64[Tensor, "b n 2"],
    ) -> Float[Tensor, " b"]:
        """One value per image; 0, with a gradient of 0, for an image with too few valid pixels.

        Args:
            teacher: depth above 0 (larger is farther), up to scale.
            pairs: positions in the flattened map; a pair with an end that is not valid is dropped.
        """
        wide = torch.promote_types(student.dtype, torch.float32)
        clean = torch.where(valid, student.to(wide), 0.0).flatten(1)
        target = torch.where(valid, teacher.detach().to(wide), 1.0).flatten(1)
        usable = valid.flatten(1)
        first, second = pairs.unbind(dim=2)
        use = usable.gather(1, first) & usable.gather(1, second)
        rho = (target.gather(1, first) + EPSILON) / (target.gather(1, second) + EPSILON)
        gap = clean.gather(1, first) - clean.gather(1, second)

        farther, nearer = rho >= self.ratio, rho <= 1 / self.ratio
        sign = torch.where(farther, 1.0, -1.0)
        ordered = _mean_where(F.softplus(-sign * gap), use & (farther | nearer))
        equal = _mean_where(gap.square(), use & ~(farther | nearer))
        enough = usable.sum(dim=1) >= self.min_valid
        return torch.where(enough, ordered + equal, 0.0 * (ordered + equal))

    def on_views(
        self,
        student: Float[Tensor, "b 1 h w"],
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
        views: Views,
    ) -> Float[Tensor, " b"]:
        """The loss over pairs that `draw_pairs` draws."""
        pairs = self.draw_pairs(views.images, views.generators)
        result: Tensor = self(student, teacher, valid, pairs)
        return result

    def draw_pairs(
        self, images: Float[Tensor, "b 3 h w"], generators: Sequence[torch.Generator]
    ) -> Int64[Tensor, "b n 2"]:
        """Draw three pairs across the edges of the red channel for each anchor, and random ones.

        `generators` are one an image, so that a batch split over processes draws the same, and on
        the CPU, so that every device does.
        """
        count, _, height, width = images.shape
        drawn = [torch.rand(self.anchors, NUMBERS + 6, generator=g) for g in generators]
        numbers = torch.stack(drawn).to(images.device)
        across = pairs_across(*sobel(images[:, :1].float()), numbers[..., :NUMBERS])
        random = (numbers[..., NUMBERS:] * (height * width)).long().clamp(max=height * width - 1)
        return torch.cat([across, random.reshape(count, -1, 2)], dim=1)


def _mean_where(values: Float[Tensor, "b n"], where: Bool[Tensor, "b n"]) -> Float[Tensor, " b"]:
    return torch.where(where, values, 0.0).sum(dim=1) / where.sum(dim=1).clamp(min=1)
