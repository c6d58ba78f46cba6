"""Depth pictures as the integers they store; no colour conversion ever touches them."""

import io

import numpy as np
from jaxtyping import Int32
from PIL import Image, UnidentifiedImageError

from featherdepth.errors import InputError

GREY_MODES = ("L", "I;16", "I;16L", "I;16B", "I")
MAX_PIXELS = 100_000_000


def read_codes(data: bytes, name: str) -> Int32[np.ndarray, "h w"]:
    """The stored integers of an 8- or 16-bit grey picture.

    Raises:
        InputError: not a picture, damaged, or with colours (a rendering, not measurements).
    """
    try:
        # The limit is checked here, not by Pillow's global setting, before pixels are unpacked.
        with Image.open(io.BytesIO(data)) as picture:
            if picture.mode not in GREY_MODES:
                raise InputError(
                    f"{name}: a depth picture of mode {picture.mode}; expected 8- or 16-bit grey"
                )
            if picture.width * picture.height > MAX_PIXELS:
                raise InputError(f"{name}: {picture.width}x{picture.height} pixels are too many")
            picture.load()
            return np.asarray(picture).astype(np.int32)
    except (Image.DecompressionBombError, UnidentifiedImageError) as error:
        raise InputError(f"{name}: not a depth picture: {error}") from error
    # Pillow raises SyntaxError for a damaged PNG header and ValueError for odd chunks.
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{name}: damaged depth picture: {error}") from error


def picture_size(data: bytes, name: str) -> tuple[int, int]:
    """(height, width) of a stored picture, from its header.

    Raises:
        InputError: not a picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.height, picture.width
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{name}: not a picture: {error}") from error
