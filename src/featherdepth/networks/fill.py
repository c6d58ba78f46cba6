"""Filling a sparse map: averages of ever larger cells, the smallest that holds a sample."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

HALVINGS = 3
WINDOWS = (3, 7, 15, 31)
"""Cells across of the windows that fill the coarsest level."""
FARTHEST = HALVINGS + len(WINDOWS) + 1


class Filled(NamedTuple):
    """A map without holes."""

    values: Float[Tensor, "b c h w"]
    distance: Float[Tensor, "b 1 h w"]
    """0 at cells with a sample to 1 where only the mean of all is known: steps of doubling."""


def pull_push(values: Float[Tensor, "b c h w"], weight: Float[Tensor, "b 1 h w"]) -> Filled:
    """Fill cells of weight 0 from their surroundings, coarse to fine.

    Pull: weighted means over 2x2 cells, three times. The coarsest level fills what it lacks from
    means over windows of 3, 7, 15 and 31 cells, in the end from the mean of all. Push: a level
    keeps its own means and takes the rest from the coarser one, bilinear.

    Args:
        values: read where weight is above 0.
        weight: above 0 at samples; height and width are multiples of 8.
    """
    sums = [values * weight]
    weights = [weight]
    for _ in range(HALVINGS):
        sums.append(F.avg_pool2d(sums[-1], 2))
        weights.append(F.avg_pool2d(weights[-1], 2))
    everything = weights[0].sum(dim=(2, 3), keepdim=True).clamp(min=1e-12)
    filled = sums[0].sum(dim=(2, 3), keepdim=True) / everything + torch.zeros_like(sums[-1])
    distance = torch.ones_like(weights[-1])
    for i, window in reversed(list(enumerate(WINDOWS))):
        total = F.avg_pool2d(sums[-1], window, 1, window // 2)
        count = F.avg_pool2d(weights[-1], window, 1, window // 2)
        filled, distance = _own(total, count, filled, distance, HALVINGS + 1 + i)
    for level in reversed(range(HALVINGS + 1)):
        if level < HALVINGS:
            filled, distance = _up(filled), _up(distance)
        filled, distance = _own(sums[level], weights[level], filled, distance, level)
    return Filled(filled, distance)


def _own(
    total: Float[Tensor, "b c h w"],
    count: Float[Tensor, "b 1 h w"],
    filled: Float[Tensor, "b c h w"],
    distance: Float[Tensor, "b 1 h w"],
    level: int,
) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b 1 h w"]]:
    known = count > 0
    mean = total / torch.where(known, count, 1.0)
    return torch.where(known, mean, filled), torch.where(known, level / FARTHEST, distance)


def _up(field: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h*2 w*2"]:
    return F.interpolate(field, scale_factor=2.0, mode="bilinear", align_corners=False)
