"""Anything that holds a photo to an `Image`: upright, RGB, 8 bits a channel.

Color profiles are not applied: numbers are taken as sRGB, and CMYK by the plain formula.
"""

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import PIL.Image
import PIL.ImageFile

from featherdepth.errors import InputError
from featherdepth.geometry.camera import from_focal_px
from featherdepth.images.decoded import DecodedImage
from featherdepth.images.decoder import DECODE_FAULTS, MAX_PIXELS, Stream, damaged, open_picture
from featherdepth.images.exif import read_focal_px, read_orientation
from featherdepth.images.find import IMAGE_SUFFIXES, FoundImage, find_images
from featherdepth.images.modes import array_to_rgb, picture_to_rgb
from featherdepth.types import Image

__all__ = ["IMAGE_SUFFIXES", "MAX_PIXELS", "FoundImage", "find_images", "read_image"]


@runtime_checkable
class SupportsBytes(Protocol):
    """A file that is open for reading in binary, or what behaves like one."""

    def read(self) -> bytes: ...


# The type has the same name as the class of the picture library, which is always written in full.
Source = str | Path | bytes | SupportsBytes | PIL.Image.Image | np.ndarray


def read_image(
    source: Source,
    *,
    name: str | None = None,
    max_pixels: int = MAX_PIXELS,
    max_side: int | None = None,
) -> Image:
    """Read a photo.

    Turned upright by its EXIF orientation; transparent parts lie on white; 16 bits become 8; of
    an animation the first frame. Arrays are RGB `h w 3`, RGBA `h w 4` or gray `h w`: integers over
    their whole range (uint8, uint16, bool) or floats in 0..1.

    Args:
        source: a path, the bytes of a file, an open binary file (read from where it stands), a
            PIL picture or an array.
        name: for messages and output names; the file name by default.
        max_pixels: a larger picture is refused before it is decoded.
        max_side: the longest side that the caller will look at. A JPEG at least twice as large is
            decoded at 1/2, 1/4 or 1/8 of its size, never below `max_side`; the photo's own size is
            then in `Image.full_size`.

    Returns:
        The photo, with intrinsics where EXIF tells the focal length.

    Raises:
        InputError: not there, not a photo, damaged, too large, or of an unknown layout; one line.
    """
    if isinstance(source, np.ndarray):
        return Image(pixels=array_to_rgb(source, name or "array"), name=name or "image")
    if isinstance(source, PIL.Image.Image):
        shown = name or Path(getattr(source, "filename", "") or "image").name
        # As an array of its own: the caller may paint on the picture.
        return replace(_decode(source, shown, name or shown, max_pixels, None))
    if isinstance(source, SupportsBytes):
        source = _content(source, name or "file")
    if isinstance(source, bytes):
        return _from_stream(io.BytesIO(source), name or "image", name, max_pixels, max_side)
    if not isinstance(source, str | Path):
        raise InputError(
            f"{name or 'image'}: {type(source).__name__} is not taken for a photo; expected a path,"
            " bytes, an open binary file, a PIL picture or a NumPy array (h, w, 3) of RGB"
        )
    path = Path(source)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a file; expected a photo")
        with path.open("rb") as stream:
            return _from_stream(stream, name or str(path), name or path.name, max_pixels, max_side)
    except (OSError, ValueError) as error:  # a ValueError: a name with a null byte
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read: {reason}; expected a photo") from error


def _content(file: SupportsBytes, name: str) -> bytes:
    try:
        content = file.read()
    except (OSError, ValueError) as error:  # a ValueError: closed, or text that is no UTF-8
        raise InputError(
            f"{name}: cannot be read: {error}; expected an open binary file"
        ) from error
    if not isinstance(content, bytes):
        raise InputError(f"{name}: is open as text; open it in binary, as open(path, 'rb') does")
    return content


def _from_stream(
    stream: Stream, shown: str, name: str | None, max_pixels: int, max_side: int | None
) -> Image:
    with open_picture(stream, shown) as picture:
        return _decode(picture, shown, name or shown, max_pixels, max_side)


def _decode(
    picture: PIL.Image.Image, shown: str, name: str, max_pixels: int, max_side: int | None
) -> Image:
    width, height = picture.size
    if width * height > max_pixels:
        raise InputError(
            f"{shown}: {width}x{height} is {width * height / 1e6:.0f} megapixels, the limit is"
            f" {max_pixels / 1e6:.0f}; shrink it (in Python `read_image` takes max_pixels)"
        )
    if width < 1 or height < 1:
        raise InputError(f"{shown}: has no pixels ({width}x{height}); expected a photo")
    try:
        reduction = max(width, height) / (max_side or math.inf)
        if reduction >= 2 and isinstance(picture, PIL.ImageFile.ImageFile):
            picture.draft(None, (int(width / reduction) or 1, int(height / reduction) or 1))
        reduced = picture.size != (width, height)
        picture.load()
        orientation = read_orientation(picture)
        focal_px = read_focal_px(picture, full_width=width)
        upright = orientation.upright(picture_to_rgb(picture, shown))
    except InputError:
        raise
    except DECODE_FAULTS as fault:
        raise damaged(shown, picture.format or "picture", fault) from fault
    return DecodedImage(
        picture=upright,
        intrinsics=None if focal_px is None else from_focal_px(focal_px, *upright.size[::-1]),
        name=name,
        full_size=orientation.turned((height, width)) if reduced else None,
    )
