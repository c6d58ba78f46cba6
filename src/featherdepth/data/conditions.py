"""Photos as people also have them: mirrored, gray, turned by EXIF, strips, tiny ones.

What a condition changes in the photo it changes back in the prediction, so that it is scored on the
pixels and the truth of the untouched photo; a strip on the pixels that it shows.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image
from jaxtyping import Bool, Float32, UInt8

from featherdepth.geometry.parts import Window
from featherdepth.geometry.resize import Size, resize_map, resize_pixels
from featherdepth.images.exif import ORIENTATION
from featherdepth.images.read import read_image
from featherdepth.types import Depth, Image

Map = Float32[np.ndarray, "h w"]
STRIP = 3.0
"""Aspect ratio of `wide` and, standing, of `tall`."""
TINY = 64
"""Short side of `tiny`, in pixels."""
QUARTER_TURN = 6
"""EXIF: stored lying on its left side, as phones do with photos that stand."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A photo changed, and a prediction changed back."""

    name: str
    what: str
    change: Callable[[Image], Image]
    restore: Callable[[Map, Size], Map]
    """Brings what was predicted to the photo's (height, width); beyond the window it is filled."""
    window: Callable[[Size], Window] = lambda _: (slice(None), slice(None))
    """The rows and columns of the photo that are seen."""

    def seen(self, size: Size) -> Bool[np.ndarray, "h w"]:
        """Pixels of the photo that the condition shows."""
        mask = np.zeros(size, dtype=np.bool_)
        mask[self.window(size)] = True
        return mask

    def restored(self, prediction: Depth, size: Size) -> Depth:
        """The prediction for the untouched photo of `size`, valid everywhere."""
        values = self.restore(prediction.values, size)
        return replace(
            prediction,
            values=np.ascontiguousarray(values),
            valid=np.ones(size, dtype=np.bool_),
            intrinsics=None,
        )


def _with(image: Image, pixels: UInt8[np.ndarray, "h w 3"]) -> Image:
    """Another picture of the same name; a camera it may have had is that of the untouched one."""
    return Image(pixels=np.ascontiguousarray(pixels), name=image.name)


def _same(values: Map, size: Size) -> Map:  # noqa: ARG001 - of the photo's size already
    return values


def _gray(image: Image) -> Image:
    """Luma of ITU-R BT.601, three times."""
    gray = np.asarray(PIL.Image.fromarray(image.pixels).convert("L"))
    return _with(image, np.repeat(gray[..., None], 3, axis=2))


def _turned(image: Image) -> Image:
    """Stored on its side without loss, with the entry that says so, and read again."""
    stored = PIL.Image.fromarray(np.ascontiguousarray(np.rot90(image.pixels)))
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    buffer = io.BytesIO()
    stored.save(buffer, "PNG", exif=exif, compress_level=1)
    return read_image(buffer.getvalue(), name=image.name)


def _middle(length: int, part: int) -> slice:
    start = (length - part) // 2
    return slice(start, start + part)


def _wide(size: Size) -> Window:
    height, width = size
    return _middle(height, min(height, max(1, round(width / STRIP)))), slice(None)


def _tall(size: Size) -> Window:
    height, width = size
    return slice(None), _middle(width, min(width, max(1, round(height / STRIP))))


def _strip(name: str, what: str, window: Callable[[Size], Window]) -> Condition:
    def paste(values: Map, size: Size) -> Float32[np.ndarray, "H W"]:
        whole = np.full(size, np.median(values), dtype=np.float32)
        whole[window(size)] = values
        return whole

    return Condition(name, what, lambda i: _with(i, i.pixels[window(i.size)]), paste, window)


def _tiny(image: Image) -> Image:
    share = min(1.0, TINY / min(image.size))
    height, width = (max(1, round(edge * share)) for edge in image.size)
    return _with(image, resize_pixels(image.pixels, (height, width)))


CONDITIONS: dict[str, Condition] = {
    row.name: row
    for row in (
        Condition(
            "mirrored",
            "left and right changed",
            lambda i: _with(i, i.pixels[:, ::-1]),
            lambda v, _: v[:, ::-1],
        ),
        Condition(
            "upside_down",
            "top and bottom changed",
            lambda i: _with(i, i.pixels[::-1]),
            lambda v, _: v[::-1],
        ),
        Condition("gray", "without color", _gray, _same),
        Condition("exif", "stored on its side, with its EXIF orientation", _turned, _same),
        _strip("wide", "a lying strip of 3:1 from the middle", _wide),
        _strip("tall", "a standing strip of 1:3 from the middle", _tall),
        Condition("tiny", "64 pixels on the short side", _tiny, resize_map),
    )
}
"""Name -> how it is done."""
