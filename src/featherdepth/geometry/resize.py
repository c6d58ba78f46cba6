"""The only place outside networks that interpolates. Pixel centers lie at half pixels throughout.

Sizes are (height, width).
"""

import math
import operator
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
import PIL.Image
from jaxtyping import Bool, Float32, UInt8

from featherdepth.errors import UsageError

Size = tuple[int, int]
LARGEST = 8192
"""Side of a square; networks were trained near 448, and a typing error fills any memory."""
_BLOCK = 64
"""Rows enlarged at a time: what they need stays in the cache."""
_BILINEAR = PIL.Image.Resampling.BILINEAR


def checked_size(asked: object) -> int | Size:
    """What somebody asked for as the size of a network's input, as whole numbers of Python.

    Raises:
        UsageError: neither an edge of 1 pixel or more nor a pair (height, width) of such.
    """
    try:
        if isinstance(asked, tuple | list):
            height, width = map(_pixels, asked)
            return height, width
        return _pixels(asked)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"size {asked!r}; expected 1 or more pixels, such as 448, or a pair (height, width)"
        ) from error


def _pixels(asked: Any) -> int:
    pixels = operator.index(asked)
    if pixels < 1 or isinstance(asked, bool):
        raise ValueError
    return pixels


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


def resize_pixels(
    pixels: UInt8[np.ndarray, "h w 3"], size: Size, *, threads: int = 1
) -> UInt8[np.ndarray, "H W 3"]:
    """Resize a photo to `size`, bilinear, antialiased where it shrinks.

    Along rows, then along columns, which Pillow does now in this order and now in the other: the
    rounding between them is the same in all its versions, and for any number of threads.

    Args:
        threads: from 2, its left and right half at once.
    """
    if pixels.shape[:2] == size:
        return pixels
    resized = np.empty((*size, 3), dtype=np.uint8)

    def keep(columns: slice, part: PIL.Image.Image) -> None:
        resized[:, columns] = np.asarray(part)

    _resize_parts(PIL.Image.fromarray(pixels), size, keep, threads)
    return resized


def resize_planes(
    picture: PIL.Image.Image, size: Size, *, threads: int = 1
) -> Float32[np.ndarray, "3 H W"]:
    """As `resize_pixels`, an RGB picture to planes of R, G and B in 0..1."""
    planes = np.empty((3, *size), dtype=np.float32)

    def keep(columns: slice, part: PIL.Image.Image) -> None:
        colors = np.asarray(part).transpose(2, 0, 1)
        np.divide(colors, np.float32(255), out=planes[..., columns])

    _resize_parts(picture, size, keep, threads)
    return planes


def _resize_parts(
    picture: PIL.Image.Image,
    size: Size,
    keep: Callable[[slice, PIL.Image.Image], None],
    threads: int,
) -> None:
    """Give `keep` the new columns in one part, or in two by as many threads."""
    (columns, rows), (height, width) = picture.size, size

    def fill(start: int, stop: int) -> None:
        box = (start * columns / width, 0, stop * columns / width, rows)
        part = picture.resize((stop - start, rows), _BILINEAR, box=box)
        keep(slice(start, stop), part.resize((stop - start, height), _BILINEAR))

    half = width // 2
    if threads < 2 or width % 2:  # Pillow's boxes are of 32 bits, which hold a half exactly
        fill(0, width)
        return
    right = _helper().submit(fill, half, width)
    fill(0, half)
    right.result()


@cache
def _helper() -> ThreadPoolExecutor:
    """A second thread that is kept: to start one takes as long as a fifth of a resize."""
    return ThreadPoolExecutor(1, "featherdepth-resize")


if hasattr(os, "register_at_fork"):  # a forked process has the pool but not its thread
    os.register_at_fork(after_in_child=_helper.cache_clear)


def resize_map(values: Float32[np.ndarray, "h w"], size: Size) -> Float32[np.ndarray, "H W"]:
    """Resize a dense map to `size`, bilinear, antialiased where it shrinks.

    Nothing lies beyond the least and the largest value, not by a rounding error. Every value must
    be one: a hole would be mixed into its neighbors (use `resize_truth`).
    """
    if values.shape == size:
        return values
    height, width = size
    if height >= values.shape[0] and width >= values.shape[1]:
        return _enlarged(values, size)
    resized = PIL.Image.fromarray(values).resize((width, height), _BILINEAR)  # summed in doubles
    return np.array(resized)


def _enlarged(values: Float32[np.ndarray, "h w"], size: Size) -> Float32[np.ndarray, "H W"]:
    """Bilinear as Pillow's, in a fraction of its time.

    start + (end - start) * part, rounded at each step, lies between both: `part` is nowhere so near
    1 that rounding could carry it past `end`.
    """
    height, width = size
    left, right, across = _between(values.shape[1], width)
    above, below, down = _between(values.shape[0], height)
    wide = np.empty((len(values), width), dtype=np.float32)
    large = np.empty((height, width), dtype=np.float32)
    start = np.empty((_BLOCK, width), dtype=np.float32)

    def mix(start: np.ndarray, end: np.ndarray, part: np.ndarray) -> None:
        """What lies between, in place of `end`."""
        end -= start
        end *= part
        end += start

    # With a mode, `take` writes into `out` at once; no index lies outside.
    for rows in _blocks(len(values)):
        some, begin = values[rows], start[: len(wide[rows])]
        some.take(left, axis=1, out=begin, mode="clip")
        some.take(right, axis=1, out=wide[rows], mode="clip")
        mix(begin, wide[rows], across)
    for rows in _blocks(height):
        begin = start[: len(large[rows])]
        wide.take(above[rows], axis=0, out=begin, mode="clip")
        wide.take(below[rows], axis=0, out=large[rows], mode="clip")
        mix(begin, large[rows], down[rows, None])
    return large


@lru_cache(maxsize=32)
def _between(length: int, new_length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each new pixel: the two old ones around it, and its way from the first to the second.

    Kept from call to call: only read.
    """
    last = length - 1
    place = ((np.arange(new_length) + 0.5) * (length / new_length) - 0.5).clip(0, last)
    first = place.astype(np.intp)
    return first, np.minimum(first + 1, last), (place - first).astype(np.float32)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(at, at + _BLOCK) for at in range(0, rows, _BLOCK))


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
