"""Pairs of points across the edges of an image: drawn along its gradient, on both sides.

An edge point is one whose Sobel magnitude reaches a tenth of the largest. Each gives four points
on a line across the edge, two on each side, 2 to 30 px away, and the three pairs of neighbors among
them (Xian et al. 2020, "Structure-Guided Ranking Loss"; threshold and spacing as LeReS's code).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

FARTHEST_PX = 30
NEAREST_PX = 2
THRESHOLD = 0.1
NUMBERS = 5
"""How many random numbers an edge point takes: one to choose it, four for the points."""


def pairs_across(
    along_x: Float[Tensor, "b 1 h w"],
    along_y: Float[Tensor, "b 1 h w"],
    numbers: Float[Tensor, "b n 5"],
) -> Int64[Tensor, "b 3*n 2"]:
    """Choose pairs of positions in the flattened map, three for each row of `numbers`.

    Args:
        along_x: gradient, as `sobel` gives it.
        numbers: uniform in 0..1.
    """
    height, width = along_x.shape[-2:]
    strength = (along_x.square() + along_y.square()).sqrt().flatten(1)
    edges = (strength >= THRESHOLD * strength.amax(dim=1, keepdim=True)).cumsum(dim=1)
    # The k-th edge pixel is where the running count first exceeds k.
    order = (numbers[..., 0] * edges[:, -1:]).to(edges.dtype)
    anchors = torch.searchsorted(edges, order, right=True).clamp(max=height * width - 1)

    length = strength.gather(1, anchors).clamp(min=1e-8)
    dx = along_x.flatten(1).gather(1, anchors) / length
    dy = along_y.flatten(1).gather(1, anchors) / length
    away = NEAREST_PX + numbers[..., 1:] * (FARTHEST_PX - NEAREST_PX)
    offsets = torch.cat([-away[..., :2], away[..., 2:]], dim=2).sort(dim=2).values
    x = (anchors % width)[..., None] + dx[..., None] * offsets
    y = (anchors // width)[..., None] + dy[..., None] * offsets
    x, y = x.round().long().clamp(0, width - 1), y.round().long().clamp(0, height - 1)
    points = y * width + x
    return torch.stack([points[..., :3], points[..., 1:]], dim=3).flatten(1, 2)


def sobel(
    maps: Float[Tensor, "b c h w"],
) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
    """The gradient of each channel along x and y, times 8."""
    kernel = maps.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    weights = torch.stack([kernel, kernel.T])[:, None]
    padded = F.pad(maps.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    along_x, along_y = F.conv2d(padded, weights).unbind(dim=1)
    return along_x.view_as(maps), along_y.view_as(maps)
