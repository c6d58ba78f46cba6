"""MPI Sintel's depth (`.dpt`) and camera (`.cam`) files, little-endian.

`.dpt`: float32 tag 202021.25, int32 width, int32 height, float32 depth by rows.
`.cam`: the same tag, float64 3x3 intrinsics, float64 3x4 extrinsics.
"""

import struct

import numpy as np
from jaxtyping import Float32, Float64

from featherdepth.errors import InputError

TAG = struct.pack("<f", 202021.25)


def read_dpt(data: bytes, name: str) -> Float32[np.ndarray, "h w"]:
    """Depth as stored; Sintel's unit is about a metre.

    Raises:
        InputError: another tag, or not as long as its header says.
    """
    _check_tag(data, name)
    width, height = struct.unpack_from("<2i", data, 4) if len(data) >= 12 else (0, 0)
    if width < 1 or height < 1 or len(data) != 12 + 4 * width * height:
        raise InputError(
            f"{name}: {len(data)} bytes for {width}x{height} pixels; expected"
            f" {12 + 4 * max(width, 0) * max(height, 0)}: the file is cut or damaged"
        )
    return np.frombuffer(data, "<f4", offset=12).reshape(height, width).astype(np.float32)


def read_cam(data: bytes, name: str) -> Float64[np.ndarray, "3 3"]:
    """The intrinsic matrix of a `.cam` file, in pixels.

    Raises:
        InputError: another tag, or a wrong length.
    """
    _check_tag(data, name)
    if len(data) != 4 + 8 * (9 + 12):
        raise InputError(f"{name}: {len(data)} bytes; expected 172 of a Sintel camera")
    return np.frombuffer(data, "<f8", count=9, offset=4).reshape(3, 3).astype(np.float64)


def _check_tag(data: bytes, name: str) -> None:
    if data[:4] != TAG:
        raise InputError(f"{name}: starts with {data[:4]!r}, not with the tag of a Sintel file")
