"""Every layout of pixels to RGB with 8 bits a channel."""

import numpy as np
import PIL.Image
from jaxtyping import Num, Shaped, UInt8

from featherdepth.errors import InputError

ROUNDING = 1e-3
"""How far floats may lie beyond 0..1: a quarter of a step of 8 bits, by resizing or by colors."""


def picture_to_rgb(picture: PIL.Image.Image, name: str) -> PIL.Image.Image:
    """Convert a loaded picture of any mode; one of RGB is returned as it is.

    Raises:
        InputError: numbers without a known range (32-bit integers, floats beyond 0..1).
    """
    mode = picture.mode
    if mode == "RGB" and "transparency" not in picture.info:
        return picture
    if mode == "I" or mode.startswith("I;16"):
        return _gray(_from_integers(np.asarray(picture), name))
    if mode == "F":
        return _gray(_from_floats(np.asarray(picture), name))
    if mode == "CMYK":
        return _from_cmyk(picture)
    if picture.has_transparency_data:
        return _on_white(picture.convert("RGBA"))
    return picture.convert("RGB")


def array_to_rgb(array: Shaped[np.ndarray, "..."], name: str) -> UInt8[np.ndarray, "h w 3"]:
    """Convert an array that a caller gave for a photo: `h w`, `h w 1`, RGB `h w 3`, RGBA `h w 4`.

    Raises:
        InputError: another shape or type, or floats beyond 0..1.
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or not array.size:
        raise InputError(f"{name}: shape {array.shape} is not a photo; expected (h, w, 3), RGB")
    if array.dtype == np.bool_:
        pixels = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype == np.uint8:
        pixels = array
    elif np.issubdtype(array.dtype, np.uint16):  # of either byte order
        pixels = _from_integers(array, name)
    elif np.issubdtype(array.dtype, np.floating):
        pixels = _from_floats(array, name)
    else:
        raise InputError(
            f"{name}: {array.dtype} pixels have no known range; expected uint8, uint16 or"
            " floats in 0..1"
        )
    if channels == 4:
        return np.array(_on_white(PIL.Image.fromarray(np.ascontiguousarray(pixels))))
    if channels == 1:
        return np.array(_gray(pixels.reshape(array.shape[:2])))
    return np.ascontiguousarray(pixels)


def _gray(values: UInt8[np.ndarray, "h w"]) -> PIL.Image.Image:
    return PIL.Image.fromarray(values).convert("RGB")


def _from_integers(values: Num[np.ndarray, "..."], name: str) -> UInt8[np.ndarray, "..."]:
    """16 bits to 8. Some versions of Pillow hand out 16-bit files as 32-bit integers."""
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise InputError(
            f"{name}: cannot read 32-bit integers ({values.min()} to {values.max()});"
            " convert it to 8- or 16-bit RGB"
        )
    return np.asarray((values.astype(np.uint32) + 128) // 257, dtype=np.uint8)


def _from_floats(values: Num[np.ndarray, "..."], name: str) -> UInt8[np.ndarray, "..."]:
    low, high = float(values.min()), float(values.max())
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):  # also false for NaN
        raise InputError(
            f"{name}: float pixels go from {low:.7g} to {high:.7g}; expected 0 to 1"
            " (divide 8-bit values by 255)"
        )
    return np.asarray(np.rint(values * 255).clip(0, 255), dtype=np.uint8)


def _from_cmyk(picture: PIL.Image.Image) -> PIL.Image.Image:
    # Pillow undoes the inversion that Adobe writes, also for files that do not have it.
    if picture.format in ("JPEG", "MPO") and "adobe" not in picture.info:
        picture = PIL.Image.merge("CMYK", [band.point(_INVERSE) for band in picture.split()])
    return picture.convert("RGB")


_INVERSE = list(range(255, -1, -1))


def _on_white(picture: PIL.Image.Image) -> PIL.Image.Image:
    white = PIL.Image.new("RGBA", picture.size, "white")
    return PIL.Image.alpha_composite(white, picture).convert("RGB")
