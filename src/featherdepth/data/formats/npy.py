"""Depth and masks as NumPy arrays, `(h, w)` or `(h, w, 1)`; pickles are never opened."""

import io
import math
import tokenize

import numpy as np
from jaxtyping import Bool, Float32

from featherdepth.errors import InputError

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Version of the format -> what reads its header."""
HEADER_FAULTS = (
    LookupError,
    MemoryError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
)
"""What NumPy raises on a damaged header."""


def read_npy(data: bytes, name: str) -> Float32[np.ndarray, "h w"]:
    """Numbers of one channel.

    Raises:
        InputError: not such an array.
    """
    stream = io.BytesIO(data)
    try:
        header = HEADERS[np.lib.format.read_magic(stream)]
        shape, by_columns, dtype = header(stream)
    except HEADER_FAULTS as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: not a readable .npy array: {reason}") from error
    expected = dtype.itemsize * math.prod(shape)
    if dtype.hasobject or len(data) - stream.tell() != expected:  # before any memory is taken
        raise InputError(
            f"{name}: {len(data) - stream.tell()} bytes behind the header; expected {expected} of a"
            f" {dtype} array of shape {shape}"
        )
    array = np.frombuffer(data, dtype, offset=stream.tell())
    array = array.reshape(shape, order="F" if by_columns else "C")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "fiub":
        raise InputError(
            f"{name}: {array.dtype} array of shape {array.shape}; expected numbers of shape (h, w)"
        )
    with np.errstate(over="ignore"):  # beyond float32 is infinite: no depth, and no error
        return array.astype(np.float32)


def read_npy_mask(data: bytes, name: str) -> Bool[np.ndarray, "h w"]:
    """A mask of zeros and ones, of any number type: 1 = use the pixel.

    Raises:
        InputError: not such an array, or with other values.
    """
    values = read_npy(data, name)
    if not np.isin(values, (0, 1)).all():
        raise InputError(f"{name}: values up to {values.max():g}; expected a mask of 0 and 1")
    mask: np.ndarray = values == 1
    return mask
