"""Surface normals of depth maps, in torch and with gradient.

    Z       = depth, smoothed twice by a 3x3 mean
    tangent = P(u + k, v) - P(u - k, v) and P(u, v + k) - P(u, v - k), P the unprojected Z
    normal  = their cross product at length 1, averaged over spacings k, at length 1 again

Depth stored in 8 bit, as copies of NYU Depth V2 are, has steps of 4 cm: neighbors say nothing
there. The normals of walls seen at a slant, 2 to 3 m away, are 4 degrees off with spacings 1 and 2
(a 5x5 window), 2 degrees with 2 and 4.

With x, y the ray of a pixel, D = Z(u + k) - Z(u - k), S = k / f (Z(u + k) + Z(u - k)), and the
same along v, the cross product is (-D_u S_v, -S_u D_v, x D_u S_v + y S_u D_v + S_u S_v): no map of
points is built.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from featherdepth.geometry.camera import assumed_intrinsics

SMOOTHING = 2
"""How often the depth is smoothed; each time reaches one pixel farther."""
TINY = 1e-20
"""Inside roots: a cross product of zeros has no direction, and stays zeros."""


def known_intrinsics(
    intrinsics: Float64[np.ndarray, "b 4"], height: int, width: int
) -> Float64[np.ndarray, "b 4"]:
    """Fx, fy, cx, cy with the assumed camera (60 degrees upright) where they hold NaN."""
    camera = assumed_intrinsics(height, width)
    assumed = np.array([camera.fx, camera.fy, camera.cx, camera.cy])
    unknown = np.isnan(intrinsics).any(axis=1, keepdims=True)
    return np.where(unknown, assumed, intrinsics)


def normals(
    depth: Float[Tensor, "b 1 h w"],
    intrinsics: Float64[np.ndarray, "b 4"],
    spacings: tuple[int, ...],
) -> Float[Tensor, "b 3 h w"]:
    """One direction per pixel of length 1 toward the far side (z > 0); zeros where there is none.

    Within `reach` of the border of the map the values are made up.

    Args:
        depth: z along the optical axis, up to scale.
        intrinsics: fx, fy, cx, cy in pixels, none unknown.
    """
    height, width = depth.shape[-2:]
    fx, fy, cx, cy = torch.from_numpy(intrinsics).to(depth).T[..., None, None, None]
    x = (torch.arange(width, device=depth.device) - cx) / fx
    y = (torch.arange(height, device=depth.device)[:, None] - cy) / fy
    smooth = _smooth(depth)
    total = torch.zeros_like(depth)
    for k in spacings:
        padded = F.pad(smooth, (k, k, k, k), mode="replicate")
        right, left = padded[..., k:-k, 2 * k :], padded[..., k:-k, : -2 * k]
        below, above = padded[..., 2 * k :, k:-k], padded[..., : -2 * k, k:-k]
        sum_u, sum_v = (right + left) * (k / fx), (below + above) * (k / fy)
        n_x, n_y = (right - left) * sum_v, (below - above) * sum_u
        total = total + _unit(torch.cat([-n_x, -n_y, x * n_x + y * n_y + sum_u * sum_v], dim=1))
    return _unit(total)


def reach(spacings: tuple[int, ...]) -> int:
    """How far from a pixel the depth is that its normal depends on, in pixels along an axis."""
    return max(spacings) + SMOOTHING


def erode(inside: Bool[Tensor, "b 1 h w"], radius: int) -> Bool[Tensor, "b 1 h w"]:
    """Where all pixels within `radius` (a square) are inside; beyond the border nothing is."""
    outside = F.pad((~inside).float(), (radius,) * 4, value=1.0)
    edge = 2 * radius + 1
    # A square's maximum is that of rows, then of columns: 2n comparisons for n^2.
    return F.max_pool2d(F.max_pool2d(outside, (1, edge), 1), (edge, 1), 1) == 0


def _smooth(depth: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    for _ in range(SMOOTHING):
        padded = F.pad(depth, (1, 1, 1, 1), mode="replicate")
        rows = padded[..., :-2, :] + padded[..., 1:-1, :] + padded[..., 2:, :]
        depth = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9
    return depth


def _unit(vectors: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    return vectors * (vectors.square().sum(dim=1, keepdim=True) + TINY).rsqrt()
