"""What lies behind everything: a sky with clouds and a sun, and haze before the far things."""

import torch
from jaxtyping import Float
from tools.render.scene import Scenes
from tools.render.textures import Bank, sample
from torch import Tensor


def with_air(
    scenes: Scenes,
    bank: Bank,
    radiance: Float[Tensor, "b 3 h w"],
    depth: Float[Tensor, "b 1 h w"],
    direction: Float[Tensor, "b 3 h w"],
) -> Float[Tensor, "b 3 h w"]:
    """`radiance` seen through the haze, the sky where nothing was met."""
    air = scenes.air[:, :, None, None]
    zenith, horizon, clouds = air[:, 6:9], air[:, 9:12], air[:, 12:13]
    unit = direction * (direction * direction).sum(1, keepdim=True).rsqrt()
    up = unit[:, 2:].clamp(min=0)
    blue = horizon + (zenith - horizon) * up.sqrt()
    toward = (unit * scenes.air[:, 16:19, None, None]).sum(1, keepdim=True).clamp(min=0)
    sunny = (scenes.air[:, 18] > 0).to(up.dtype)[:, None, None, None]
    blue = blue + sunny * horizon * (0.5 * toward**16 + 4.0 * toward**600)
    if bool((clouds > 0).any()):
        flat = unit[:, :2] / (up + 0.12)
        texture = scenes.air[:, 13].long()[:, None, None].expand(up[:, 0].shape)
        level = torch.log2(0.3 / (up[:, 0] + 0.05)).clamp(0, 5)
        weight = sample(bank, texture, flat[:, 0] * 0.25, flat[:, 1] * 0.25, level)[..., 0]
        cover = (weight[:, None] * clouds * (up * 6).clamp(max=1)).clamp(0, 1)
        blue = blue + cover * (horizon.mean(1, keepdim=True) * 1.15 - blue)
    distance = torch.where(torch.isfinite(depth), depth, torch.zeros_like(depth))
    through = torch.exp(-distance / air[:, 14:15])
    hazy = radiance * through + horizon * (1 - through)
    return torch.where(torch.isfinite(depth), hazy, blue)
