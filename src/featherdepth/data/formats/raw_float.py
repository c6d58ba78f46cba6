"""ETH3D's depth: plain float32 by rows, under a name that ends in `.JPG`."""

import numpy as np
from jaxtyping import Float32

from featherdepth.errors import InputError


def read_raw_float(data: bytes, size: tuple[int, int], name: str) -> Float32[np.ndarray, "h w"]:
    """Depth in metres, infinite where nothing was measured.

    Args:
        size: (height, width) of the photo; the file does not say it.

    Raises:
        InputError: a real JPEG, or a length that does not fit the photo.
    """
    if data[:3] == b"\xff\xd8\xff":
        raise InputError(f"{name}: a JPEG picture; expected raw float32, as ETH3D stores depth")
    height, width = size
    if len(data) != 4 * height * width:
        raise InputError(
            f"{name}: {len(data)} bytes; expected {4 * height * width} of the photo's"
            f" {width}x{height} pixels; depth belongs to the distorted photos"
        )
    return np.frombuffer(data, "<f4").reshape(height, width).astype(np.float32)
