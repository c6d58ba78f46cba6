"""Point clouds as PLY files: binary, little-endian, in the OpenCV frame."""

import numpy as np
from jaxtyping import Bool, Float32

from featherdepth.geometry.camera import Range, assumed_intrinsics, distances, pixel_rays
from featherdepth.geometry.resize import resize_pixels
from featherdepth.images.colormap import colorize
from featherdepth.types import Depth, DepthKind, Image

EDGE_JUMP = 0.04
"""Neighbors that differ by more of their depth lie on two objects."""
AFFINE_NOTE = "shape approximate, range assumed"

VERTEX = np.dtype([("xyz", "V12"), ("rgb", "V3")])
"""Three floats and three bytes, each three in one piece: NumPy copies numbers of a field singly."""
HEADER = """ply
format binary_little_endian 1.0
{comments}element vertex {count}
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
end_header
"""


def ply_bytes(
    depth: Depth,
    image: Image | None = None,
    *,
    near_far: Range | None = None,
    edge_jump: float | int = EDGE_JUMP,
) -> bytes:
    """Return the PLY file of a depth map, colored by the photo or else by depth.

    Points are those of `geometry.camera.points`, with its rules about kinds and `near_far`.
    Invalid pixels are left out, and pixels beside a jump of more than `edge_jump` of the depth:
    between two objects a map holds values that are on neither (0 keeps them).

    Raises:
        InputError: an affine kind without `near_far`.
    """
    distance, kept = distances(depth, near_far)
    if edge_jump > 0:
        kept = kept & ~jumps(distance, kept, edge_jump)
    rays = pixel_rays(depth.intrinsics or assumed_intrinsics(*depth.size))
    colors = colorize(depth) if image is None else resize_pixels(image.pixels, depth.size)
    here = np.flatnonzero(kept)
    xyz = rays.reshape(-1, 3).take(here, axis=0)
    xyz *= distance.reshape(-1)[here, None]
    vertices = np.empty(len(here), dtype=VERTEX)
    vertices["xyz"] = xyz.astype("<f4", copy=False).view("V12")[:, 0]
    vertices["rgb"] = colors.reshape(-1, 3).take(here, axis=0).view("V3")[:, 0]
    header = HEADER.format(comments=_comments(depth, near_far, edge_jump), count=len(vertices))
    return b"".join((header.encode("ascii"), vertices.view(np.uint8).data))


def jumps(
    distance: Float32[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], share: float | int
) -> Bool[np.ndarray, "h w"]:
    """Find pixels that differ from one of their four neighbors by more than `share` of the nearer.

    An invalid neighbor is no jump.
    """
    found = np.zeros(distance.shape, dtype=bool)
    for one, other in (
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
    ):
        nearer = np.minimum(distance[one], distance[other])
        jump = np.abs(distance[one] - distance[other]) > np.float32(share) * nearer
        jump &= valid[one] & valid[other]
        found[one] |= jump
        found[other] |= jump
    return found


def _comments(depth: Depth, near_far: Range | None, edge_jump: float | int) -> str:
    camera = depth.intrinsics.source if depth.intrinsics else "assumed, 60 degrees vertical"
    unit = "meters" if depth.kind is DepthKind.METRIC else "unknown"
    lines = [
        "featherdepth; x right, y down, z forward (OpenCV)",
        f"kind {depth.kind}; unit {unit}; focal length {camera}",
        f"pixels beside a jump above {edge_jump:g} of the depth left out",
    ]
    if near_far is not None:
        lines.append(f"{AFFINE_NOTE}: {near_far[0]:g} to {near_far[1]:g}")
    return "".join(f"comment {line}\n" for line in lines)
