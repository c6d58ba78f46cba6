"""Depth and masks as NumPy arrays, `(h, w)` or `(h, w, 1)`; pickles are never opened."""

import io

import numpy as np
from jaxtyping import Bool, Float32

from featherdepth.errors import InputError


def read_npy(data: bytes, name: str) -> Float32[np.ndarray, "h w"]:
    """Numbers of one channel.

    Raises:
        InputError: not such an array.
    """
    try:
        # np.load would open zips and pickles too.
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: not a readable .npy array: {reason}") from error
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "fiub":
        raise InputError(
            f"{name}: {array.dtype} array of shape {array.shape}; expected numbers of shape (h, w)"
        )
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
