"""What the views of a step are, before a pixel is touched: frames, crops, flips, color jitter.

A plan is a function of the seed and the step alone; `training/views.py` cuts it out of the pixels.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, Int64

from featherdepth.rng import generator


@runtime_checkable
class Drawable(Protocol):
    """What a plan is drawn from."""

    @property
    def boxes(self) -> Int64[np.ndarray, "n 4"]:
        """(top, left, height, width) of the part of each frame to train on."""
        ...

    @property
    def members(self) -> tuple[Int64[np.ndarray, " _"], ...]:
        """Positions of the frames of each source."""
        ...

    @property
    def shares(self) -> Float64[np.ndarray, " s"]:
        """Part of each batch that comes from each source; sums to 1."""
        ...


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
    border: float = 0.0
    """Probability of a border of one color, such as scans, screenshots and NYUv2's photos have; of
    what lies under it no depth is known."""
    border_width: float = 0.08
    """Its largest width, as a fraction of the view's side; the four sides differ, most are thin."""

    def __post_init__(self) -> None:
        if not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ValueError(f"crop must be two fractions in (0, 1], got {list(self.crop)}")
        for name in ("aspect", "blur_factor"):
            if not 1 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be finite and at least 1, got {getattr(self, name)}")
        if not 0 <= self.gamma < math.inf:
            raise ValueError(f"gamma must be finite and not below 0, got {self.gamma}")
        if not 0 <= self.border_width < 0.5:
            raise ValueError(f"border_width must be in [0, 0.5), got {self.border_width}")
        chances = ("flip", "gray", "blur", "noise", "border")
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
    border: Float64[np.ndarray, "b 4"]
    """Widths at the top, left, bottom and right before a flip, as fractions of the view."""
    paint: Float64[np.ndarray, "b 3"]
    """Color of the border: RGB in 0..1."""

    def inner(self, size: tuple[int, int]) -> Int64[np.ndarray, "b 4"]:
        """(top, left, height, width) of what the crop fills of a view, before a flip."""
        sides = np.array([*size, *size])
        top, left, bottom, right = np.rint(self.border * sides).astype(np.int64).T
        return np.column_stack([top, left, size[0] - top - bottom, size[1] - left - right])

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
            border=self.border[cut],
            paint=self.paint[cut],
        )


def draw_plan(
    pool: Drawable, config: ViewConfig, *, seed: int, step: int, batch: int, size: tuple[int, int]
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
        # Last: recipes without borders see the views that they saw before there were any.
        border=chance(config.border)[:, None] * config.border_width * rng.random((batch, 4)) ** 2,
        paint=_draw_paint(batch, rng),
    )


def _draw_paint(batch: int, rng: np.random.Generator) -> Float64[np.ndarray, "b 3"]:
    """White for a half of the borders, black for a quarter, any color for the others."""
    share = rng.random((batch, 1))
    return np.where(share < 0.5, 1.0, np.where(share < 0.75, 0.0, rng.random((batch, 3))))


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
