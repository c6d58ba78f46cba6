"""Cameras: where they stand, what each pixel sees, and the picture cut into square tiles.

World: z up, meters. Camera: x right, y down, z forward. A pixel's direction has camera z = 1,
so the ray parameter t of a hit *is* its z-depth. Pixel centers are integers (u = 0 is the
first column).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

TILE = 16  # pixels a side; the half-resolution tile is its even rows and columns


@dataclass(frozen=True, kw_only=True, slots=True)
class Cameras:
    """A batch of cameras, one a scene, all of one picture size."""

    origin: Float[Tensor, "b 3"]  # meters
    rotation: Float[Tensor, "b 3 3"]  # columns: camera x, y, z axes in the world
    intrinsics: Float[Tensor, "b 4"]  # fx, fy, cx, cy in pixels
    height: int
    width: int

    @property
    def rows(self) -> int:
        """Tiles from top to bottom; the last may stand over the edge."""
        return math.ceil(self.height / TILE)

    @property
    def columns(self) -> int:
        return math.ceil(self.width / TILE)

    def directions(self) -> Float[Tensor, "b 3 h w"]:
        """World directions with camera z = 1 of the padded picture (whole tiles)."""
        device = self.origin.device
        v = torch.arange(self.rows * TILE, device=device, dtype=torch.float32)
        u = torch.arange(self.columns * TILE, device=device, dtype=torch.float32)
        fx, fy, cx, cy = self.intrinsics[:, :, None].unbind(1)
        x = ((u - cx) / fx)[:, None, None, :]
        y = ((v - cy) / fy)[:, None, :, None]
        right, down, forward = (self.rotation[:, :, i, None, None] for i in range(3))
        return right * x + down * y + forward


def look(yaw: float, pitch: float, roll: float = 0.0) -> Float[np.ndarray, "3 3"]:
    """Camera-to-world rotation; yaw 0 looks along +y, pitch < 0 looks down. Radians."""
    forward = np.array(
        [-math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)]
    )
    right = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    down = np.cross(forward, right)
    c, s = math.cos(roll), math.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, forward], axis=1)


def to_tiles(values: Shaped[Tensor, "b c h w"], side: int) -> Shaped[Tensor, "b t c r"]:
    """Cut a map whose height and width are multiples of `side` into tiles of side*side rays."""
    b, c, h, w = values.shape
    cut = values.reshape(b, c, h // side, side, w // side, side)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c, side * side)


def from_tiles(
    tiles: Shaped[Tensor, "b t c r"], side: int, columns: int
) -> Shaped[Tensor, "b c h w"]:
    """The inverse of `to_tiles`."""
    b, t, c, _ = tiles.shape
    cut = tiles.reshape(b, t // columns, columns, c, side, side).permute(0, 3, 1, 4, 2, 5)
    return cut.reshape(b, c, t // columns * side, columns * side)
