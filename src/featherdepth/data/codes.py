"""Depth pictures as the integers they store; no color conversion ever touches them."""

import io

import numpy as np
from jaxtyping import Int32
from PIL.ImageFile import ImageFile

from featherdepth.errors import InputError
from featherdepth.images.decoder import DECODE_FAULTS, MAX_PIXELS, damaged, open_picture

FORMATS = ("PNG", "TIFF")
GREY_MODES = ("L", "I;16", "I;16L", "I;16B", "I")


def read_codes(data: bytes, name: str) -> Int32[np.ndarray, "h w"]:
    """The stored integers of an 8- or 16-bit grey picture, PNG or TIFF.

    Raises:
        InputError: not such a picture, damaged, or with colors (a rendering, not measurements).
    """
    with _open(data, name) as picture:
        try:
            picture.load()
            return np.asarray(picture).astype(np.int32)
        except DECODE_FAULTS as fault:
            raise damaged(name, "depth picture", fault) from fault


def code_size(data: bytes, name: str) -> tuple[int, int]:
    """(height, width) of a depth picture, from its header.

    Raises:
        InputError: not a depth picture.
    """
    with _open(data, name) as picture:
        return picture.height, picture.width


def _open(data: bytes, name: str) -> ImageFile:
    picture = open_picture(io.BytesIO(data), name, FORMATS)
    if picture.mode not in GREY_MODES:
        raise InputError(
            f"{name}: a depth picture of mode {picture.mode}; expected 8- or 16-bit grey"
        )
    if picture.width * picture.height > MAX_PIXELS:
        raise InputError(f"{name}: {picture.width}x{picture.height} pixels are too many")
    return picture
