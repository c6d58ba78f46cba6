"""The geometric label-free loss: the clouds of student and teacher agree, as points and as shape.

    P       = z(depth) * ray                    z: positive depth, losses/positive_depth.py
    points  = mean over points and coordinates of (P_student - P_teacher)^2
            = mean over points of |ray|^2 (z_student - z_teacher)^2 / 3
    shape   = mean over points and 128 channels of (f_student - f_teacher)^2
            + mean over 1024 channels of (g_student - g_teacher)^2
              f, g: normalized PointNet features of the points and of the cloud

Both clouds hold the same pixels along the same rays. With common rays the first term is a depth
error that counts more toward the corners (1.66 at 60 degrees of a square picture); it fixes scale
and shift of the student to the teacher's. All further geometry comes from the second. Gao et al.,
Robust Lightweight Depth Estimation Model via Data-Free Distillation, ICASSP 2023; the positive
depth, the trunk and the weights of the terms are ours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int64
from torch import Tensor, nn

from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.geometry.resize import Size
from featherdepth.losses.pointnet import Features, FrozenTrunk, load_trunk
from featherdepth.losses.positive_depth import PositiveDepth, fit_positive
from featherdepth.losses.wide import widen, without_autocast
from featherdepth.types import DepthKind


class Geometric(nn.Module):
    """Clouds of the same pixels, compared as points and by the features of a frozen PointNet."""

    places: ClassVar[tuple[str, ...]] = ("depth",)
    """What the distiller may give it."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        lambda_in: float = 30.0
        """Weight of the points; at 24 to 30 they pull at the network as hard as CN+KL."""
        lambda_feat: float = 0.0125
        """Weight of the features; the same holds at 0.0125, or 0.05 with a random trunk."""
        points: int = 4096
        """Pixels drawn from each image."""
        epsilon: float = 0.1
        """Near end of the assumed range of a relative map, whose far end is 1."""
        trunk: Literal["trained", "random", "none"] = "trained"
        """`none` leaves the features out."""

        def __post_init__(self) -> None:
            for name in ("lambda_in", "lambda_feat"):
                if not 0 <= getattr(self, name) < math.inf:
                    raise ValueError(f"{name} must not be below 0, got {getattr(self, name)}")
            if self.points < 1:
                raise ValueError(f"points must be at least 1, got {self.points}")
            if not 0 < self.epsilon < 1:
                raise ValueError(f"epsilon must lie between 0 and 1, got {self.epsilon}")

    def __init__(self, config: Config, *, kind: DepthKind) -> None:
        """Load the trunk.

        Args:
            kind: what the maps of teacher and student mean.

        Raises:
            WeightsError: the shipped trunk is missing or damaged.
        """
        super().__init__()
        self.config, self.kind = config, kind
        self.trunk: FrozenTrunk | None = None
        if config.trunk != "none":
            self.trunk = load_trunk(config.trunk)

    def draw_pixels(
        self,
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
        generators: Sequence[torch.Generator],
    ) -> Int64[Tensor, "b n"]:
        """Draw the pixels (row * w + column) of a step: one at random in each cell of a grid.

        Cells whose pixel is not usable are refilled from the usable pixels of the image, so that n
        never changes; where those are few, they repeat. An image without any gets pixels that
        `forward` leaves out.

        Args:
            generators: one an image; a generator in the same state draws the same pixels.
        """
        height, width = teacher.shape[2:]
        _, teacher = widen(teacher, teacher)
        usable = self._fit(teacher, valid).usable(teacher, valid)
        draws = [self._draws(height, width, generator) for generator in generators]
        grid, spare = zip(*draws, strict=True)
        wanted = torch.stack(grid).to(usable.device)
        # The k-th usable pixel is the first at which k have been counted.
        counted = usable.cumsum(dim=1)
        count = counted[:, -1:]
        ranks = (torch.stack(spare).to(usable.device) * count).long().clamp(max=count - 1) + 1
        others = torch.searchsorted(counted, ranks)
        missing = self.config.points - wanted.shape[1]
        hit = nn.functional.pad(usable.gather(1, wanted), (0, missing))
        return torch.where(hit, nn.functional.pad(wanted, (0, missing)), others)

    @staticmethod
    def rays_at(
        intrinsics: Float64[np.ndarray, "b 4"], size: Size, pixels: Int64[Tensor, "b n"]
    ) -> Float32[Tensor, "b n 3"]:
        """Return the viewing rays of pixels, with z = 1.

        Args:
            intrinsics: fx, fy, cx, cy in pixels of the view. A row with NaN is a camera of 60
                degrees vertical field of view.
            size: (height, width) of the view.
        """
        assumed = assumed_intrinsics(*size)
        default = [assumed.fx, assumed.fy, assumed.cx, assumed.cy]
        known = np.isfinite(intrinsics).all(axis=1, keepdims=True)
        cameras = torch.from_numpy(np.where(known, intrinsics, default)).to(pixels.device)
        fx, fy, cx, cy = cameras[:, :, None].unbind(dim=1)
        x = (pixels % size[1] - cx) / fx
        y = (pixels // size[1] - cy) / fy
        return torch.stack([x, y, torch.ones_like(x)], dim=2).float()

    def forward(
        self,
        student: Float[Tensor, "b 1 h w"],
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
        rays: Float[Tensor, "b n 3"],
        pixels: Int64[Tensor, "b n"],
    ) -> dict[str, Float[Tensor, " b"]]:
        """Weighted terms by name, one value an image; at least float32 inside.

        An image with fewer than 16 usable pixels counts 0, with a gradient of 0.

        Args:
            rays: of `pixels`, from `rays_at`.
            pixels: from `draw_pixels`. Those where the teacher is not usable do not count.

        Returns:
            `geometric_points` and, unless the trunk is left out, `geometric_features`.
        """
        with without_autocast(student):
            student, teacher = widen(student, teacher)
            to_depth = self._fit(teacher, valid)
            kept = to_depth.usable(teacher, valid).gather(1, pixels)

            def cloud(raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b n 3"]:
                # What does not count lies in the camera, for both: it may hold NaN.
                depth = to_depth(raw.flatten(1).gather(1, pixels))
                return torch.where(kept, depth, 0.0)[:, :, None] * rays.to(raw.dtype)

            ours, theirs = cloud(student), cloud(teacher)
            terms = {"geometric_points": self.config.lambda_in * point_error(ours, theirs, kept)}
            if self.trunk is not None:
                error = feature_error(self.trunk, ours, theirs, kept)
                terms["geometric_features"] = self.config.lambda_feat * error
        return terms

    def _fit(
        self, teacher: Float[Tensor, "b 1 h w"], valid: Bool[Tensor, "b 1 h w"]
    ) -> PositiveDepth:
        return fit_positive(teacher, valid, kind=self.kind, epsilon=self.config.epsilon)

    def _draws(
        self, height: int, width: int, generator: torch.Generator
    ) -> tuple[Int64[Tensor, " m"], Float32[Tensor, " n"]]:
        """One pixel in each of the m <= n cells of a grid, and numbers in 0..1 for the rest."""
        n = self.config.points
        rows = min(max(1, math.floor(math.sqrt(n * height / width))), height, n)
        columns = min(n // rows, width)
        jitter = torch.rand(2, rows, columns, generator=generator, device=generator.device)
        down = torch.arange(rows, device=jitter.device)[:, None]
        across = torch.arange(columns, device=jitter.device)
        # Just below 1 may round up to the edge of the next cell, of which the last has none.
        row = ((down + jitter[0]) * (height / rows)).long().clamp(max=height - 1)
        column = ((across + jitter[1]) * (width / columns)).long().clamp(max=width - 1)
        spare = torch.rand(n, generator=generator, device=generator.device)
        return (row * width + column).flatten(), spare


def point_error(
    student: Float[Tensor, "b n 3"],
    teacher: Float[Tensor, "b n 3"],
    kept: Bool[Tensor, "b n"],
) -> Float[Tensor, " b"]:
    """Mean square over kept points and coordinates; 0 where none is kept."""
    square = (student - teacher).square().sum(dim=2)
    return torch.where(kept, square, 0.0).sum(dim=1) / (3 * _count(kept))


def feature_error(
    trunk: FrozenTrunk,
    student: Float[Tensor, "b n 3"],
    teacher: Float[Tensor, "b n 3"],
    kept: Bool[Tensor, "b n"],
) -> Float[Tensor, " b"]:
    """Mean square of the features of kept points, plus mean square of those of the cloud.

    Points that are not kept must be the same in both clouds.
    """
    with torch.no_grad():
        theirs: Features = trunk(teacher)
    ours: Features = trunk(student)
    by_point = (ours.points - theirs.points).square().sum(dim=(1, 2))
    pooled = (ours.pooled - theirs.pooled).square().mean(dim=1)
    return by_point / (ours.points.shape[1] * _count(kept)) + pooled


def _count(kept: Bool[Tensor, "b n"]) -> Tensor:
    return kept.sum(dim=1).clamp(min=1)
