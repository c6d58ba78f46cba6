"""Training views: crop, resize, flip and color jitter of a whole batch, on any device.

Crop, antialiased resize and flip of one image are two matrix products, `rows @ image @ columns^T`,
with triangle-filter weights built on the device; depth is picked by the nearest pixel under the
same geometry and the camera follows by the same numbers (the rules of `geometry/resize.py`, to
which a test compares it). Which views a step sees is a function of the seed and the step alone.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from torch import Tensor

from featherdepth.rng import generator
from featherdepth.training.pool import Pool

LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewConfig:
    """How views are drawn; the recipe's table `views`."""

    crop: tuple[float, float] = (0.5, 1.0)
    """Edge of the crop as a fraction of the largest crop of the output's shape."""
    aspect: float = 1.2
    """The crop is stretched by up to this factor in either direction."""
    flip: float = 0.5
    """Probability."""
    brightness: float = 0.3
    """Factor 1 +- this."""
    contrast: float = 0.3
    saturation: float = 0.3
    tint: float = 0.08
    """Factor 1 +- this on each channel by itself."""
    gamma: float = 0.25
    """Exponent exp(+- this)."""
    gray: float = 0.05
    """Probability of a view without color."""
    blur: float = 0.2
    """Probability of a wider resampling filter, by a factor of 1 to `blur_factor`."""
    blur_factor: float = 2.5
    noise: float = 0.3
    """Probability of noise with a deviation of up to `noise_level`."""
    noise_level: float = 0.03

    def __post_init__(self) -> None:
        if not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ValueError(f"crop must be two fractions in (0, 1], got {list(self.crop)}")
        for name in ("aspect", "blur_factor"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        chances = ("flip", "gray", "blur", "noise")
        below_one = ("brightness", "contrast", "saturation", "tint", "noise_level", *chances)
        for name in below_one:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in 0..1, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plan:
    """What the views of one batch are, before a pixel is touched; one entry a view."""

    index: Int64[np.ndarray, " b"]
    """Position of the frame in the pool."""
    box: Int64[np.ndarray, "b 4"]
    """(top, left, height, width) of the crop in stored pixels."""
    flip: Bool[np.ndarray, " b"]
    blur: Float64[np.ndarray, " b"]
    """Factor on the width of the resampling filter."""
    color: Float64[np.ndarray, "b 6"]
    """Brightness times tint of R, G and B, contrast, saturation, gamma."""
    noise: Float64[np.ndarray, " b"]
    seeds: Int64[np.ndarray, " b"]
    """For what is drawn later, one stream a view: shares of several processes see the same."""

    def part(self, rank: int, world: int) -> "Plan":
        """Every `world`-th view, beginning with the `rank`-th: the share of one process."""
        cut = slice(rank, None, world)
        return Plan(
            index=self.index[cut],
            box=self.box[cut],
            flip=self.flip[cut],
            blur=self.blur[cut],
            color=self.color[cut],
            noise=self.noise[cut],
            seeds=self.seeds[cut],
        )


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


def draw_plan(
    pool: Pool, config: ViewConfig, *, seed: int, step: int, batch: int, size: tuple[int, int]
) -> Plan:
    """Choose frames, crops and jitter of one step; only the numbers of this step are drawn."""
    rng = generator(seed, "views", step)
    # Systematic sampling: every batch holds each source's share, rounded up or down at random.
    points = (np.arange(batch) + rng.random()) / batch
    source = np.searchsorted(np.cumsum(pool.shares), points, side="right")
    source = source.clip(max=len(pool.shares) - 1)
    index = np.empty(batch, np.int64)
    for s in np.unique(source):
        where = source == s
        members = pool.members[s]
        index[where] = rng.choice(members, where.sum(), replace=len(members) < where.sum())

    def spread(width: float) -> Float64[np.ndarray, " b"]:
        return rng.uniform(-width, width, batch)

    def chance(probability: float) -> Bool[np.ndarray, " b"]:
        return rng.random(batch) < probability

    blur = rng.uniform(1, config.blur_factor, batch)
    tint = 1 + rng.uniform(-config.tint, config.tint, (batch, 3))
    saturation = np.where(chance(config.gray), 0.0, 1 + spread(config.saturation))
    color = np.column_stack(
        [
            (1 + spread(config.brightness))[:, None] * tint,
            1 + spread(config.contrast),
            saturation,
            np.exp(spread(config.gamma)),
        ]
    )
    return Plan(
        index=index,
        box=_draw_boxes(pool.boxes[index], config, size, rng),
        flip=chance(config.flip),
        blur=np.where(chance(config.blur), blur, 1.0),
        color=color,
        noise=np.where(chance(config.noise), rng.uniform(0, config.noise_level, batch), 0.0),
        seeds=rng.integers(2**62, size=batch),
    )


def _draw_boxes(
    usable: Int64[np.ndarray, "b 4"],
    config: ViewConfig,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> Int64[np.ndarray, "b 4"]:
    top, left, height, width = usable.T
    shape = size[0] / size[1]
    fraction = rng.uniform(*config.crop, len(usable))
    stretch = np.exp(rng.uniform(-1, 1, len(usable)) * math.log(config.aspect) / 2)
    tallest = np.minimum(height, width * shape)
    crop_height = np.minimum(tallest * fraction * stretch, height).round().astype(np.int64)
    crop_width = np.minimum(tallest / shape * fraction / stretch, width).round().astype(np.int64)
    crop_height, crop_width = crop_height.clip(1), crop_width.clip(1)
    y = top + (rng.random(len(usable)) * (height - crop_height + 1)).astype(np.int64)
    x = left + (rng.random(len(usable)) * (width - crop_width + 1)).astype(np.int64)
    return np.column_stack([y, x, crop_height, crop_width])


def render(pool: Pool, plan: Plan, size: tuple[int, int], *, half: bool = False) -> Batch:
    """Cut the views of a plan out of the pool.

    Args:
        half: resample in bfloat16, where the device is much faster in it; pixels are centered
            first, so that the error stays near one grey level.
    """
    device = pool.images.device
    index = torch.from_numpy(plan.index).to(device)
    box = torch.from_numpy(plan.box).to(device)
    flip = torch.from_numpy(plan.flip).to(device)
    blur = torch.from_numpy(plan.blur).to(device, torch.float32)
    no_flip = torch.zeros_like(flip)
    canvas = pool.images.shape[-2:]
    rows = _filter(box[:, 0], box[:, 2], no_flip, blur, count=size[0], canvas=canvas[0])
    columns = _filter(box[:, 1], box[:, 3], flip, blur, count=size[1], canvas=canvas[1])
    images = _resample(pool.images[index], rows, columns, half=half)
    images = _jitter(images, plan)

    down = _nearest(box[:, 0], box[:, 2], no_flip, size[0])
    across = _nearest(box[:, 1], box[:, 3], flip, size[1])
    depth = pool.depths[index[:, None, None], 0, down[:, :, None], across[:, None, :]]
    depth = depth[:, None].float()
    return Batch(
        images=images,
        depth=depth,
        valid=depth > 0,
        ranking_only=torch.from_numpy(pool.ranking_only[plan.index]).to(device),
        intrinsics=_follow(pool.intrinsics[plan.index], plan, size),
        seeds=plan.seeds,
    )


def _filter(
    start: Int64[Tensor, " b"],
    length: Int64[Tensor, " b"],
    flip: Bool[Tensor, " b"],
    blur: Float32[Tensor, " b"],
    *,
    count: int,
    canvas: int,
) -> Float32[Tensor, "b n m"]:
    """Weights of `canvas` stored pixels in each of `count` new ones.

    A triangle as wide as a new pixel (at least as a stored one), centred under it and cut off at
    the ends of the crop: what PIL's bilinear filter does to the crop by itself.
    """
    scale = length.float() / count
    centers = _order(count, flip) + 0.5
    centers = start[:, None] + centers * scale[:, None]
    pixels = torch.arange(canvas, device=start.device)
    width = (scale.clamp(min=1) * blur)[:, None, None]
    weights = 1 - (pixels + 0.5 - centers[:, :, None]).abs() / width
    inside = (pixels >= start[:, None]) & (pixels < (start + length)[:, None])
    weights = weights.clamp(min=0) * inside[:, None]
    return weights / weights.sum(dim=2, keepdim=True)


def _nearest(
    start: Int64[Tensor, " b"], length: Int64[Tensor, " b"], flip: Bool[Tensor, " b"], count: int
) -> Int64[Tensor, "b n"]:
    """The stored pixel under the centre of each new one; the first where two are as near."""
    twice = (2 * _order(count, flip) + 1) * length[:, None]
    return start[:, None] + (twice - 1) // (2 * count)


def _order(count: int, flip: Bool[Tensor, " b"]) -> Int64[Tensor, "b n"]:
    forward = torch.arange(count, device=flip.device)
    return torch.where(flip[:, None], forward.flip(0), forward)


def _resample(
    images: UInt8[Tensor, "b 3 H W"],
    rows: Float32[Tensor, "b h H"],
    columns: Float32[Tensor, "b w W"],
    *,
    half: bool,
) -> Float32[Tensor, "b 3 h w"]:
    dtype = torch.bfloat16 if half else torch.float32
    rows, columns = rows.to(dtype)[:, None], columns.to(dtype)[:, None]
    # Centered integers up to 128 are exact in bfloat16, and its steps are half as wide there.
    pixels = images.to(dtype) - 128
    return ((rows @ pixels @ columns.mT).float() + 128) / 255


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


def _follow(
    intrinsics: Float64[np.ndarray, "b 4"], plan: Plan, size: tuple[int, int]
) -> Float64[np.ndarray, "b 4"]:
    """The camera after crop, resize and flip: the rules of `types.Intrinsics`."""
    fx, fy, cx, cy = intrinsics.T
    top, left, height, width = plan.box.T
    down, across = size[0] / height, size[1] / width
    cx, cy = (cx - left + 0.5) * across - 0.5, (cy - top + 0.5) * down - 0.5
    return np.column_stack([fx * across, fy * down, np.where(plan.flip, size[1] - 1 - cx, cx), cy])


def plain_plan(index: Int64[np.ndarray, " b"], box: Int64[np.ndarray, "b 4"]) -> Plan:
    """Views without flip and jitter."""
    count = len(index)
    return Plan(
        index=index,
        box=box,
        flip=np.zeros(count, np.bool_),
        blur=np.ones(count),
        color=np.ones((count, 6)),
        noise=np.zeros(count),
        seeds=np.zeros(count, np.int64),
    )
