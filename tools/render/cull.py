"""Which primitives a tile of rays can meet at all: three tests on whole tiles, never too strict."""

import torch
from jaxtyping import Bool, Float
from tools.render.rays import TILE, Cameras
from tools.render.scene import Scenes
from torch import Tensor

CORNERS = torch.tensor([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])


def by_frustum(scenes: Scenes, cameras: Cameras) -> Bool[Tensor, "b t n"]:
    """Tiles of the picture whose pyramid of rays the primitive's box touches.

    The sides of the pyramids are planes through the camera, so tile columns and tile rows are
    tested apart; this holds for corners behind the camera too.
    """
    turn = scenes.to_unit[..., :3] * scenes.half[..., None] ** 2  # rows: half axes in the world
    # A padded entry has a zero matrix; `present` removes it at the end.
    inverse = scenes.to_unit[..., :3] * scenes.half[..., None]  # rows: unit axes
    center = -torch.einsum("bnij,bni->bnj", inverse, scenes.to_unit[..., 3] * scenes.half)
    signs = CORNERS.to(center.device)
    corners = center[:, :, None] + torch.einsum("ki,bnij->bnkj", signs, turn)
    local = torch.einsum(
        "bnkj,bji->bnki", corners - cameras.origin[:, None, None], cameras.rotation
    )
    x, y, z = local[..., None, :].unbind(-1)
    fx, fy, cx, cy = cameras.intrinsics[:, :, None].unbind(1)
    u = torch.arange(cameras.columns + 1, device=x.device) * TILE - 0.5
    v = torch.arange(cameras.rows + 1, device=x.device) * TILE - 0.5
    right_of = x - ((u - cx) / fx)[:, None, None] * z  # b n 8 columns+1
    below = y - ((v - cy) / fy)[:, None, None] * z
    column = (right_of.amax(2)[..., :-1] >= 0) & (right_of.amin(2)[..., 1:] <= 0)
    row = (below.amax(2)[..., :-1] >= 0) & (below.amin(2)[..., 1:] <= 0)
    ahead = scenes.present & (z.amax(2)[..., 0] > 0)
    mask = row[:, :, :, None] & column[:, :, None, :] & ahead[:, :, None, None]
    return mask.flatten(2).transpose(1, 2)


def _grown(scenes: Scenes, extent: Float[Tensor, "b t 3"]) -> Float[Tensor, "b t n 3"]:
    """Half size, in unit space, of the boxes around the tiles' points."""
    return torch.einsum("bnij,btj->btni", scenes.to_unit[..., :3].abs(), extent)


def _inside(scenes: Scenes, points: Float[Tensor, "b t 3"]) -> Float[Tensor, "b t n 3"]:
    moved = torch.einsum("bnij,btj->btni", scenes.to_unit[..., :3], points)
    return moved + scenes.to_unit[:, None, :, :, 3]


def by_reach(
    scenes: Scenes,
    center: Float[Tensor, "b t 3"],
    extent: Float[Tensor, "b t 3"],
    reach: Float[Tensor, " b"],
) -> Bool[Tensor, "b t n"]:
    """Primitives within `reach` of the box around each tile's points."""
    grown = _grown(scenes, extent + reach[:, None, None])
    near = (_inside(scenes, center).abs() <= 1 + grown).all(-1)
    return near & scenes.present[:, None]


def by_segment(
    scenes: Scenes,
    center: Float[Tensor, "b t 3"],
    extent: Float[Tensor, "b t 3"],
    target: Float[Tensor, "b 3"],
    target_extent: Float[Tensor, "b 3"],
) -> Bool[Tensor, "b t n"]:
    """Primitives between each tile's box of points and the box around one light.

    The box swept from one to the other has a half size linear in the way t, so each of the six
    faces of a primitive gives one bound on t; the primitive counts if a t in [0, 1] remains.
    """
    start = _inside(scenes, center)
    way = torch.einsum("bnij,btj->btni", scenes.to_unit[..., :3], target[:, None] - center)
    size = _grown(scenes, extent)
    change = _grown(scenes, target_extent[:, None].expand_as(extent)) - size
    first = torch.zeros_like(start[..., 0])
    last = torch.ones_like(first)
    possible = scenes.present[:, None].expand_as(first)
    for sign in (1.0, -1.0):
        fixed = sign * start - 1 - size  # fixed + rate * t <= 0
        rate = sign * way - change
        bound = -fixed / torch.where(rate.abs() < 1e-12, torch.full_like(rate, 1e-12), rate)
        rising = rate > 0
        last = torch.minimum(last, bound.masked_fill(~rising, 2.0).amin(-1))
        first = torch.maximum(first, bound.masked_fill(rising, -1.0).amax(-1))
    return possible & (first <= last)
