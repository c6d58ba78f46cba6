"""Smooth outlines: two more rays a pixel, only in tiles where outlines run."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from tools.render.rays import TILE, Cameras, from_tiles, to_tiles
from tools.render.scene import Scenes
from tools.render.trace import trace
from torch import Tensor

OFFSETS = ((0.33, -0.17), (-0.33, 0.17))  # in pixels, right and down, beside the center ray


def soften(
    scenes: Scenes,
    cameras: Cameras,
    mask: Bool[Tensor, "b t n"],
    index: Int[Tensor, "b 1 h w"],
    color: Float[Tensor, "b 3 h w"],
) -> Float[Tensor, "b 3 h w"]:
    """Mean color of the center ray and the added ones.

    Added rays are not shaded: one that meets another primitive than the center takes the color of
    a neighboring pixel that shows it (none within one pixel: the center's own color).
    """
    shown = index.float()
    span = F.max_pool2d(shown, 3, 1, 1) + F.max_pool2d(-shown, 3, 1, 1)
    edge = to_tiles(span > 0, TILE)
    busy = edge.any(-1)[..., 0]
    directions = to_tiles(cameras.directions(), TILE)
    # Half a pixel right and down in world directions, the same for the whole picture.
    right = cameras.rotation[:, :, 0] / cameras.intrinsics[:, 0:1]
    down = cameras.rotation[:, :, 1] / cameras.intrinsics[:, 1:2]
    moved = [directions + (right * dx + down * dy)[:, None, :, None] for dx, dy in OFFSETS]
    hits = trace(
        scenes, mask & busy[..., None], cameras.origin[:, None, :, None], torch.cat(moved, 3)
    )
    h, w = index.shape[2:]
    near_index = F.pad(shown, (1, 1, 1, 1), mode="replicate")
    near_color = F.pad(color, (1, 1, 1, 1), mode="replicate")
    crossing = from_tiles((edge & busy[..., None, None]).float(), TILE, cameras.columns) > 0
    total = color.clone()
    for part in hits.index.chunk(len(OFFSETS), dim=2):
        seen = from_tiles(part[:, :, None], TILE, cameras.columns).float()
        wanted = crossing & (seen != shown)
        found = color
        for dy in range(3):
            for dx in range(3):
                same = wanted & (near_index[:, :, dy : dy + h, dx : dx + w] == seen)
                found = torch.where(same, near_color[:, :, dy : dy + h, dx : dx + w], found)
        total += found
    return total / (1 + len(OFFSETS))
