"""8-bit storage of a weight: whole numbers from -127 to 127, and one scale an output channel.

    scale_c = max |w_c| / 127      q_c = round(w_c / scale_c)      w_c ~ q_c * scale_c

Rounding each value for itself lets errors of one sign add up to a shift of the whole channel, as
what a layer reads is mostly positive. So in each channel the fewest values, those nearest to the
middle, are rounded the other way until the channel's sum is kept to half a scale.

Only storage is 8-bit: whoever reads the weights multiplies once, when the model is loaded, and
computes in float32. The whole numbers of a weight are stored under its own name, its scales under
NAME.scale in the shape (c, 1, ...), which multiplies them as it is in NumPy, torch and ONNX. No
tensor of a network can have such a name: a tensor has no parts.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Float64, Int8

SUFFIX = ".scale"
MOST = 127
"""-128 is not used, so that a weight and its negative are stored alike."""
FEWEST = 32
"""Weights a channel from which a scale pays: a 3x3 filter of its own would save 5 bytes of 18, and
moves the output most of all."""


def quantize(
    weight: Float32[np.ndarray, "c ..."],
) -> tuple[Int8[np.ndarray, "c ..."], Float32[np.ndarray, "c ..."]]:
    """Whole numbers and scales of a weight whose first axis is the output channel.

    A channel of zeros (or of values so small that float32 cannot divide them by 127 exactly) comes
    back as zeros, its scale is 1.

    Args:
        weight: finite, two or more axes.

    Raises:
        ValueError: a value is not finite.
    """
    if not np.isfinite(weight).all():
        raise ValueError("holds NaN or infinity")
    within = tuple(range(1, weight.ndim))
    scale = np.abs(weight).max(axis=within, keepdims=True, initial=0) / np.float32(MOST)
    scale[scale < np.finfo(np.float32).tiny] = 1
    rows: Float64[np.ndarray, "c k"] = (weight / scale).reshape(len(weight), -1).astype(np.float64)
    return _round(rows).reshape(weight.shape), scale


def _round(values: Float64[np.ndarray, "c k"]) -> Int8[np.ndarray, "c k"]:
    """Whole numbers whose sum in each row is that of the values, to a half."""
    nearest = np.rint(values)
    error = nearest - values
    surplus = np.rint(error.sum(axis=1, keepdims=True))
    # Those that were moved the farthest in the direction of the surplus go the other way. They are
    # never at the end of the range: the largest value of a row is a whole number already.
    order = np.argsort(-error * np.sign(surplus), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    turned = nearest - np.sign(surplus) * (rank < np.abs(surplus))
    whole: Int8[np.ndarray, "c k"] = np.clip(turned, -MOST, MOST).astype(np.int8)
    return whole


def restore(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Stored tensors with each 8-bit weight as float32 again, and without scales.

    Raises:
        ValueError: a scale is missing, damaged, or of no 8-bit weight; the message names it.
    """
    weights = {name for name, tensor in tensors.items() if tensor.dtype == np.int8}
    scales = {name for name in tensors if name.endswith(SUFFIX)}
    alone = sorted(scales - {name + SUFFIX for name in weights})
    if alone:
        raise ValueError(f"{alone[0]} is the scale of no 8-bit weight")
    return {
        name: _product(name, tensor, tensors.get(name + SUFFIX)) if name in weights else tensor
        for name, tensor in tensors.items()
        if name not in scales
    }


def _product(name: str, weight: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    if scale is None:
        raise ValueError(f"{name} is 8-bit but {name + SUFFIX} is missing")
    expected = (*weight.shape[:1], *(1 for _ in weight.shape[1:]))
    if scale.shape != expected or scale.dtype != np.float32:
        raise ValueError(
            f"{name + SUFFIX} is {scale.dtype} {scale.shape}; expected float32 {expected}"
        )
    if not (np.isfinite(scale) & (scale > 0)).all():
        raise ValueError(f"{name + SUFFIX} holds a value that is not above 0 and finite")
    product: np.ndarray = weight.astype(np.float32) * scale
    return product
