"""Training views: crop, resize, flip and color jitter of a whole batch, on any device.

Crop, antialiased resize and flip of one image are two matrix products, `rows @ image @ columns^T`,
with triangle-filter weights built on the device; measured depth is picked by the nearest pixel
under the same geometry and the camera follows by the same numbers (the rules of
`geometry/resize.py`, to which a test compares it).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float16, Float32, Float64, Int64, UInt8
from torch import Tensor

from featherdepth.training.plan import Plan
from featherdepth.training.pool import Pool

LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """Views on the device."""

    images: Float32[Tensor, "b 3 h w"]
    """RGB in 0..1."""
    depth: Float32[Tensor, "b 1 h w"]
    valid: Bool[Tensor, "b 1 h w"]
    ranking_only: Bool[Tensor, " b"]
    intrinsics: Float64[np.ndarray, "b 4"]
    """fx, fy, cx, cy in pixels of the view; NaN = unknown."""
    seeds: Int64[np.ndarray, " b"]
    """For what the objective draws, one stream a view."""


def render(pool: Pool, plan: Plan, size: tuple[int, int], *, half: bool = False) -> Batch:
    """Cut the views of a plan out of the pool.

    Args:
        half: as `cut_images`.
    """
    depth = _pick(pool.depths, plan, size)
    return Batch(
        images=cut_images(pool.images, plan, size, half=half),
        depth=depth,
        valid=depth > 0,
        ranking_only=torch.from_numpy(pool.ranking_only[plan.index]).to(depth.device),
        intrinsics=follow(pool.intrinsics[plan.index], plan, size),
        seeds=plan.seeds,
    )


def cut_images(
    images: UInt8[Tensor, "n 3 H W"],
    plan: Plan,
    size: tuple[int, int],
    *,
    clean: bool = False,
    half: bool = False,
) -> Float32[Tensor, "b 3 h w"]:
    """RGB in 0..1 of the views of a plan.

    Args:
        clean: crop and flip only, without blur, color jitter and noise.
        half: resample in bfloat16, where the device is much faster in it; pixels are centered
            first, so that the error stays near one gray level.
    """
    dtype = torch.bfloat16 if half else torch.float32
    # Centered integers up to 128 are exact in bfloat16, and its steps are half as wide there.
    pixels = images[torch.from_numpy(plan.index).to(images.device)].to(dtype) - 128
    views = (_resample(pixels, plan, size, clean=clean) + 128) / 255
    views = views if clean else _jitter(views, plan)
    if not plan.border.any():
        return views
    paint = torch.from_numpy(plan.paint).to(views.device, torch.float32)
    return torch.where(inside(plan, size, views.device), views, paint[:, :, None, None])


def cut_maps(
    maps: Float16[Tensor, "n 1 H W"], plan: Plan, size: tuple[int, int]
) -> Float32[Tensor, "b 1 h w"]:
    """Dense maps (no holes) under the crops and flips of a plan, antialiased like the pictures.

    What they hold under a border means nothing: see `inside`.
    """
    chosen = maps[torch.from_numpy(plan.index).to(maps.device)].float()
    return _resample(chosen, plan, size, clean=True)


def inside(plan: Plan, size: tuple[int, int], device: torch.device) -> Bool[Tensor, "b 1 h w"]:
    """Where a view shows its crop, and no border."""
    down, across = _places(plan, size, device)
    return (down.inside[:, :, None] & across.inside[:, None])[:, None]


def _resample(
    pixels: Float[Tensor, "b c H W"], plan: Plan, size: tuple[int, int], *, clean: bool
) -> Float32[Tensor, "b c h w"]:
    device, dtype = pixels.device, pixels.dtype
    box = torch.from_numpy(plan.box).to(device)
    blur = torch.from_numpy(plan.blur).to(device, torch.float32)
    if clean:
        blur = torch.ones_like(blur)
    height, width = pixels.shape[-2:]
    down, across = _places(plan, size, device)
    rows = _filter(box[:, 0], box[:, 2], down, blur, canvas=height)
    columns = _filter(box[:, 1], box[:, 3], across, blur, canvas=width)
    return (rows.to(dtype)[:, None] @ pixels @ columns.to(dtype)[:, None].mT).float()


def _pick(
    maps: Float16[Tensor, "n 1 H W"], plan: Plan, size: tuple[int, int]
) -> Float32[Tensor, "b 1 h w"]:
    """Measured maps under the crops and flips of a plan, by the nearest pixel."""
    index, box = (torch.from_numpy(a).to(maps.device) for a in (plan.index, plan.box))
    down, across = _places(plan, size, maps.device)
    rows, columns = _nearest(box[:, 0], box[:, 2], down), _nearest(box[:, 1], box[:, 3], across)
    views = maps[index[:, None, None], 0, rows[:, :, None], columns[:, None, :]][:, None].float()
    return views * inside(plan, size, maps.device) if plan.border.any() else views


class Places(NamedTuple):
    """Rows or columns of views, in units of what the crop fills of them."""

    order: Int64[Tensor, "b n"]
    """Counted from where the crop begins; below 0 and from `filled` on they are border."""
    filled: Int64[Tensor, " b"]
    """How many the crop fills."""

    @property
    def inside(self) -> Bool[Tensor, "b n"]:
        return (self.order >= 0) & (self.order < self.filled[:, None])


def _places(plan: Plan, size: tuple[int, int], device: torch.device) -> tuple[Places, Places]:
    """The rows and the columns of views."""
    top, left, height, width = torch.from_numpy(plan.inner(size)).to(device).T
    down, across = (torch.arange(count, device=device) for count in size)
    flip = torch.from_numpy(plan.flip).to(device)
    turned = torch.where(flip[:, None], across.flip(0), across)
    return Places(down - top[:, None], height), Places(turned - left[:, None], width)


def _filter(
    start: Int64[Tensor, " b"],
    length: Int64[Tensor, " b"],
    places: Places,
    blur: Float32[Tensor, " b"],
    *,
    canvas: int,
) -> Float32[Tensor, "b n m"]:
    """Weights of `canvas` stored pixels in each new one.

    A triangle as wide as a new pixel (at least as a stored one), centred under it and cut off at
    the ends of the crop: what PIL's bilinear filter does to the crop by itself.
    """
    scale = length.float() / places.filled
    centers = start[:, None] + (places.order + 0.5) * scale[:, None]
    pixels = torch.arange(canvas, device=start.device)
    width = (scale.clamp(min=1) * blur)[:, None, None]
    weights = 1 - (pixels + 0.5 - centers[:, :, None]).abs() / width
    inside = (pixels >= start[:, None]) & (pixels < (start + length)[:, None])
    weights = weights.clamp(min=0) * inside[:, None]
    return weights / weights.sum(dim=2, keepdim=True).clamp(min=1e-6)  # 0 under a border


def _nearest(
    start: Int64[Tensor, " b"], length: Int64[Tensor, " b"], places: Places
) -> Int64[Tensor, "b n"]:
    """The stored pixel under the centre of each new one; the first where two are as near."""
    filled = places.filled[:, None]
    twice = (2 * places.order.clamp(min=0).minimum(filled - 1) + 1) * length[:, None]
    return start[:, None] + (twice - 1) // (2 * filled)


def _jitter(images: Float32[Tensor, "b 3 h w"], plan: Plan) -> Float32[Tensor, "b 3 h w"]:
    """Saturation, contrast and tint as one color matrix an image, then gamma, then noise."""
    device = images.device
    color = torch.from_numpy(plan.color).to(device, torch.float32)
    gain, contrast, saturation, gamma = color[:, :3], color[:, 3], color[:, 4], color[:, 5]
    luma = torch.tensor(LUMA, device=device)
    identity = torch.eye(3, device=device)
    keep = saturation[:, None, None]
    matrix = keep * identity + (1 - keep) * luma.expand(3, 3)
    gray = images.mean(dim=(2, 3)) @ luma  # saturation leaves it as it is
    matrix = contrast[:, None, None] * matrix * gain[:, :, None]
    offset = ((1 - contrast) * gray)[:, None] * gain
    flat = torch.baddbmm(offset[:, :, None], matrix, images.flatten(2)).clamp(1e-4, 1)
    result = flat.reshape(images.shape).pow(gamma[:, None, None, None])
    for i in np.flatnonzero(plan.noise):
        generator = torch.Generator(device).manual_seed(int(plan.seeds[i]))
        noise = torch.randn(images.shape[1:], generator=generator, device=device)
        result[i] += float(plan.noise[i]) * noise
    return result.clamp(0, 1)


def follow(
    intrinsics: Float64[np.ndarray, "b 4"], plan: Plan, size: tuple[int, int]
) -> Float64[np.ndarray, "b 4"]:
    """(fx, fy, cx, cy) after crop, resize and flip: the rules of `types.Intrinsics`."""
    fx, fy, cx, cy = intrinsics.T
    top, left, height, width = plan.box.T
    above, before, filled_down, filled_across = plan.inner(size).T
    down, across = filled_down / height, filled_across / width
    cx = (cx - left + 0.5) * across - 0.5 + before
    cy = (cy - top + 0.5) * down - 0.5 + above
    return np.column_stack([fx * across, fy * down, np.where(plan.flip, size[1] - 1 - cx, cx), cy])
