"""Parts of a picture: rectangles in whole pixels, and maps of which only a part is kept."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from featherdepth.geometry.resize import Size
from featherdepth.types import Depth

Box = tuple[int, int, int, int]
"""(top, left, height, width)"""
Window = tuple[slice, slice]
"""Rows and columns."""


def window(box: Box) -> Window:
    """What cuts a box out of an array `h w`."""
    top, left, height, width = box
    return slice(top, top + height), slice(left, left + width)


def in_box(box: Box, size: Size) -> Bool[np.ndarray, "h w"]:
    """Where the pixels of a picture of `size` lie in the box."""
    inside = np.zeros(size, dtype=np.bool_)
    inside[window(box)] = True
    return inside


def box_at(box: Box, size: Size, wanted: Size) -> Box:
    """A box of a picture of `size` in the same picture at another one, rounded."""
    if size == wanted:
        return box
    scale_y, scale_x = (w / s for w, s in zip(wanted, size, strict=True))
    top, left, height, width = box
    return (
        *(round(top * scale_y), round(left * scale_x)),
        *(round(height * scale_y), round(width * scale_x)),
    )


def box_within(edges: tuple[int, int, int, int], size: Size, wanted: Size) -> Box:
    """(top, left, bottom, right) of a picture of `size` at another one, rounded inwards."""
    (full_height, full_width), (height, width) = size, wanted
    top, left = -(-edges[0] * height // full_height), -(-edges[1] * width // full_width)
    bottom, right = edges[2] * height // full_height, edges[3] * width // full_width
    return (top, left, bottom - top, right - left)


def only(depth: Depth, chosen: Bool[np.ndarray, "h w"]) -> Depth:
    """The map where it is valid and chosen; the rest is not known."""
    valid = depth.valid & chosen
    return replace(depth, values=np.where(valid, depth.values, np.float32(0)), valid=valid)
