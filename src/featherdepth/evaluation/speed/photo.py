"""A photo to time with, where none is given: smooth, with grain, as a JPEG of a camera is."""

import io

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from featherdepth.geometry.resize import Size, resize_map

QUALITY = 90
GRAIN = 5.0
"""Standard deviation of the noise in grey levels."""


def made_up_photo(size: Size = (480, 640)) -> bytes:
    """`made_up_pixels` as a JPEG."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(made_up_pixels(size)).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def made_up_pixels(size: Size) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of (height, width), the same every time."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (3, 15, 20)).astype(np.float32)
    smooth = np.stack([resize_map(channel, size) for channel in coarse], axis=2)
    grain = random.normal(0, GRAIN, smooth.shape)
    pixels: UInt8[np.ndarray, "h w 3"] = (smooth + grain).clip(0, 255).astype(np.uint8)
    return pixels
