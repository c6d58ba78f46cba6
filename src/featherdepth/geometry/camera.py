"""Pinhole cameras: where focal lengths come from, and from depth to points.

Frame: x right, y down, z forward. Pixel (u, v) has its center at integer u, v.
"""

import math
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Float32

from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.span import span_of
from featherdepth.types import Depth, DepthKind, Intrinsics, MadeMetric, depth_of

Number = float | int
Range = tuple[Number, Number]
"""(near, far), in front of the camera."""
Source = Literal["given", "exif", "assumed"]
"""The surest first."""
ASSUMED_FOV_Y_DEG = 60.0
FULL_FRAME_DIAGONAL_MM = 43.27
"""Diagonal of 36 x 24 mm film, the measure behind "35 mm equivalent"."""


def assumed_intrinsics(height: int, width: int) -> Intrinsics:
    """Return a camera of 60 degrees vertical field of view: what is taken when nothing is known."""
    focal_px = height / 2 / math.tan(math.radians(ASSUMED_FOV_Y_DEG / 2))
    return _centered(focal_px, height, width, "assumed")


def from_fov_x(fov_x_deg: Number, height: int, width: int) -> Intrinsics:
    """Return the camera with a horizontal field of view of `fov_x_deg` degrees.

    Raises:
        UsageError: a field of view outside 1 to 179 degrees.
    """
    if not 1 <= fov_x_deg <= 179:
        raise UsageError(f"field of view {fov_x_deg:g} is out of range; expected 1 to 179 degrees")
    focal_px = width / 2 / math.tan(math.radians(fov_x_deg / 2))
    return _centered(focal_px, height, width, "given")


def best_known(*cameras: Intrinsics | None) -> Intrinsics | None:
    """Return the camera of the surest source: given, then EXIF, then assumed; the first of equals.

    >>> best_known(None, assumed_intrinsics(6, 8), from_fov_x(60, 6, 8)).source
    'given'
    """
    known = [camera for camera in cameras if camera is not None]
    return min(known, key=lambda camera: get_args(Source).index(camera.source), default=None)


def from_focal_px(focal_px: Number, height: int, width: int) -> Intrinsics:
    """Return the camera with square pixels and a focal length in pixels, as read from EXIF."""
    return _centered(focal_px, height, width, "exif")


def pixel_rays(intrinsics: Intrinsics) -> Float32[np.ndarray, "h w 3"]:
    """Return the viewing ray of each pixel, scaled to z = 1."""
    u = np.arange(intrinsics.width, dtype=np.float64)
    v = np.arange(intrinsics.height, dtype=np.float64)
    rays = np.ones((intrinsics.height, intrinsics.width, 3), dtype=np.float32)
    rays[..., 0] = (u - intrinsics.cx) / intrinsics.fx
    rays[..., 1] = ((v - intrinsics.cy) / intrinsics.fy)[:, None]
    return rays


def unproject(
    depth: Float[np.ndarray, "h w"], rays: Float[np.ndarray, "h w 3"]
) -> Float[np.ndarray, "h w 3"]:
    """Return the points at `depth` along `rays`, in the unit of `depth`."""
    cloud: Float[np.ndarray, "h w 3"] = depth[..., None] * rays
    return cloud


def points(
    depth: Depth | MadeMetric, *, near_far: Range | None = None
) -> Float32[np.ndarray, "h w 3"]:
    """Turn a depth map into one point per pixel.

    Metric depth gives meters, scale-invariant depth the same shape in an unknown unit. The affine
    kinds have no shape of their own: the 2 % and 98 % quantiles of the map are put at `near_far`
    (in disparity for the disparity kind), and the shape is then approximate; what is nearer lies
    between half of `near` and `near`.

    Without known intrinsics a vertical field of view of 60 degrees is assumed.

    Args:
        depth: any kind.
        near_far: distances of the nearest and farthest parts, only for the affine kinds.

    Returns:
        Points; NaN where the depth is not valid, or not above 0.

    Raises:
        InputError: an affine kind without `near_far`.
        UsageError: no depth map; `near_far` that is not 0 < near < far, or given for a kind that
            needs none.
    """
    depth = depth_of(depth)
    distance, valid = distances(depth, near_far)
    intrinsics = depth.intrinsics or assumed_intrinsics(*depth.size)
    cloud = unproject(distance, pixel_rays(intrinsics))
    cloud[~valid] = np.nan
    return cloud


def distances(
    depth: Depth, near_far: Range | None = None
) -> tuple[Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Return z for each pixel by the rules of `points`, and where it is usable."""
    affine = depth.kind.affine
    if not affine and near_far is not None:
        raise UsageError(f"near_far does not apply to {depth.kind} depth; leave it out")
    if affine and near_far is None:
        raise InputError(
            f"{depth.kind} values have no range, so no shape; expected one to be stated,"
            " such as near_far=(1, 10) or --near-far 1,10"
        )
    if near_far is None:
        return depth.values, depth.valid & (depth.values > 0)
    near, far = near_far
    if not 0 < near < far < math.inf:
        raise UsageError(f"near_far {near:g},{far:g} is not a range; expected 0 < near < far")
    low, high = span_of(depth.known)
    # A flat map has no spread to stretch: all of it is put at the first end.
    unit = (depth.values - np.float32(low)) / np.float32(high - low if high > low else np.inf)
    if depth.kind is DepthKind.AFFINE_INVARIANT:
        # Before the 2 % quantile the line can cross zero: it bends, and ends at half of `near`.
        before = (-unit * np.float32(far - near)).clip(min=0)
        distance = np.float32(near) + unit.clip(min=0) * np.float32(far - near)
        distance *= (1 + np.reciprocal(1 + before * np.float32(2 / near))) / 2
    else:
        disparity = np.float32(1 / far) + unit * np.float32(1 / near - 1 / far)
        # Beyond the 2 % quantile the line can cross zero, which is farther than infinity.
        distance = np.reciprocal(disparity.clip(min=np.float32(0.1 / far)))
    return distance, depth.valid & (distance > 0)


def _centered(focal_px: Number, height: int, width: int, source: Source) -> Intrinsics:
    return Intrinsics(
        fx=focal_px,
        fy=focal_px,
        cx=(width - 1) / 2,
        cy=(height - 1) / 2,
        width=width,
        height=height,
        source=source,
    )
