"""Clouds of empty rooms: what a camera inside a random box sees, for features without data.

depth of a ray = the nearest wall in front of it;  the farthest point of a cloud is at z = 1
"""

import torch
from jaxtyping import Float32
from torch import Tensor


def box_rooms(count: int, points: int, generator: torch.Generator) -> Float32[Tensor, "b n 3"]:
    """Points on the walls of `count` rooms, each seen by a camera that looks its own way."""

    def between(low: float | int, high: float | int, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    half_fov = between(0.35, 0.75, count, 1)  # tangents: 39 to 74 degrees
    x, y = (between(-1, 1, count, points) * half_fov for _ in range(2))
    rays = torch.stack([x, y, torch.ones_like(x)], dim=2)
    turned = rays @ _rotations(between(-3.1416, 3.1416, count), between(-0.6, 0.6, count))
    low, high = between(-3, -0.5, count, 1, 3), between(0.5, 3, count, 1, 3)
    # The way to the wall that a ray meets along each axis; the nearest of the three is its depth.
    depth = (torch.where(turned > 0, high, low) / turned).amin(dim=2, keepdim=True)
    cloud = rays * depth
    return cloud / cloud[..., 2:].amax(dim=1, keepdim=True)


def _rotations(
    yaw: Float32[Tensor, " b"], pitch: Float32[Tensor, " b"]
) -> Float32[Tensor, "b 3 3"]:
    one, zero = torch.ones_like(yaw), torch.zeros_like(yaw)
    about_y = torch.stack(
        [yaw.cos(), zero, -yaw.sin(), zero, one, zero, yaw.sin(), zero, yaw.cos()], dim=1
    )
    about_x = torch.stack(
        [one, zero, zero, zero, pitch.cos(), pitch.sin(), zero, -pitch.sin(), pitch.cos()], dim=1
    )
    return about_x.view(-1, 3, 3) @ about_y.view(-1, 3, 3)
