"""The only place outside networks that interpolates. Pixel centers lie at half pixels throughout.

Sizes are (height, width).
"""

import math
from typing import Literal

import numpy as np
import PIL.Image
from jaxtyping import Bool, Float32, UInt8

from featherdepth.errors import UsageError

Size = tuple[int, int]
LARGEST = 8192
"""Side of a square; networks were trained near 448, and a typing error fills any memory."""
_BLOCK = 128
"""Rows enlarged at a time: what they need stays in the cache, half of the time at 12 megapixels."""


def network_size(
    height: int,
    width: int,
    size: int | Size,
    multiple: int = 64,
    rule: Literal["keep", "stretch"] = "keep",
) -> Size:
    """Choose the (height, width) at which a network sees a picture of `height` x `width`.

    An integer `size` N stands for an area of N * N. With rule "keep" the result is the multiples
    of `multiple` nearest to N * sqrt(height / width) and N * sqrt(width / height); with "stretch"
    it is a square. A pair is taken as it is.

    A picture so long that its short side would fall below one multiple gets one multiple there,
    and on the long side what the area leaves: cost stays bounded for any aspect ratio.

    Raises:
        UsageError: a size below 1 or above 8192 (in area), or a pair that is not made of multiples.
        ValueError: a picture without pixels.

    Example:
        >>> network_size(480, 640, 448)
        (384, 512)
        >>> network_size(480, 640, 448, rule="stretch")
        (448, 448)
    """
    if height < 1 or width < 1:
        raise ValueError(f"a picture has at least one pixel, got {height}x{width}")
    area = size * size if isinstance(size, int) else size[0] * size[1]
    if area > LARGEST * LARGEST:
        raise UsageError(f"size {size} is more than memory takes; expected at most {LARGEST}")
    if not isinstance(size, int):
        return _checked_pair(size, multiple)
    if size < 1:
        raise UsageError(f"size {size} is not a length in pixels; expected 1 or more, such as 448")
    if rule == "stretch":
        side = _nearest_multiple(size, multiple)
        return side, side
    # The aspect ratio at which the short side is exactly one multiple.
    longest = max(1.0, (size / multiple) ** 2)
    aspect = min(max(height / width, 1 / longest), longest)
    return (
        _nearest_multiple(size * math.sqrt(aspect), multiple),
        _nearest_multiple(size / math.sqrt(aspect), multiple),
    )


def resize_pixels(pixels: UInt8[np.ndarray, "h w 3"], size: Size) -> UInt8[np.ndarray, "H W 3"]:
    """Resize a photo to `size`, bilinear, antialiased where it shrinks."""
    if pixels.shape[:2] == size:
        return pixels
    resized = PIL.Image.fromarray(pixels).resize(size[::-1], PIL.Image.Resampling.BILINEAR)
    return np.array(resized)


def resize_map(values: Float32[np.ndarray, "h w"], size: Size) -> Float32[np.ndarray, "H W"]:
    """Resize a dense map to `size`, bilinear, antialiased where it shrinks.

    Every value must be one: a hole would be mixed into its neighbors (use `resize_truth`).
    """
    if values.shape == size:
        return values
    height, width = size
    if height >= values.shape[0] and width >= values.shape[1]:
        wide = _with_rows(np.ascontiguousarray(values.T), width)
        return _with_rows(np.ascontiguousarray(wide.T), height)
    resized = PIL.Image.fromarray(values).resize((width, height), PIL.Image.Resampling.BILINEAR)
    return np.array(resized)


def _with_rows(values: Float32[np.ndarray, "h w"], count: int) -> Float32[np.ndarray, "H w"]:
    """`count` rows in place of fewer: bilinear as Pillow's, in a fraction of its time."""
    last = len(values) - 1
    place = ((np.arange(count) + 0.5) * (len(values) / count) - 0.5).clip(0, last)
    above = place.astype(np.intp)
    below = np.minimum(above + 1, last)
    part = (place - above).astype(np.float32)[:, None]
    rows = np.empty((count, values.shape[1]), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        some = slice(start, start + _BLOCK)
        first, out = values[above[some]], rows[some]
        np.subtract(values[below[some]], first, out=out)
        out *= part[some]
        out += first
    return rows


def resize_truth(
    values: Float32[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], size: Size
) -> tuple[Float32[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    """Resize a measured map to `size` by the nearest pixel: no value is made that was not there."""
    height, width = values.shape
    rows = _nearest_indices(height, size[0])
    columns = _nearest_indices(width, size[1])
    picked = np.ix_(rows, columns)
    return values[picked], valid[picked]


def _nearest_indices(length: int, new_length: int) -> np.ndarray:
    """Source index under the center of each new pixel; the left one where two are as near."""
    # Integers: (2 i + 1) * length / (2 * new_length) is the center in the source, in pixel edges.
    twice = (2 * np.arange(new_length) + 1) * length
    return (twice - 1) // (2 * new_length)


def _nearest_multiple(length: float | int, multiple: int) -> int:
    return max(1, math.floor(length / multiple + 0.5)) * multiple


def _checked_pair(size: Size, multiple: int) -> Size:
    height, width = size
    fitting = _nearest_multiple(height, multiple), _nearest_multiple(width, multiple)
    if (height, width) != fitting:
        raise UsageError(
            f"size {height}x{width} does not fit this network; expected multiples of {multiple},"
            f" such as {fitting[0]}x{fitting[1]}"
        )
    return height, width
