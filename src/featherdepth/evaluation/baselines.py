"""What anything learned must beat: one constant, and the median map of a training split."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32

from featherdepth.data.reader import Reader, stream
from featherdepth.errors import InputError
from featherdepth.evaluation.summary import spread_over
from featherdepth.geometry.resize import resize_map, resize_truth
from featherdepth.types import Depth, DepthKind, Image

BASELINES = ("constant", "median-map")
MAX_MAPS = 1000
"""Training maps that a median is taken over; of a larger split an even selection."""


class Constant:
    """One number everywhere: METRIC where it was learned, else without a unit."""

    def __init__(self, value_m: float | None = None) -> None:
        self._value = 1.0 if value_m is None else value_m
        self.kind = DepthKind.SCALE_INVARIANT if value_m is None else DepthKind.METRIC

    def infer(self, image: Image, *, size: object = None) -> Depth:  # noqa: ARG002 - no network
        """The constant at the photo's size."""
        return _everywhere(np.full(image.size, self._value, dtype=np.float32), self.kind)


class MedianMap:
    """The same map for every photo: the median of the training truth at each place, METRIC."""

    kind = DepthKind.METRIC

    def __init__(self, median: Float32[np.ndarray, "h w"]) -> None:
        self._median = median

    def infer(self, image: Image, *, size: object = None) -> Depth:  # noqa: ARG002 - no network
        """The map, resized to the photo's size."""
        return _everywhere(resize_map(self._median, image.size), self.kind)


def load_baselines(training: Reader | None) -> dict[str, Constant | MedianMap]:
    """The baselines that can be made: without training data only a constant without a unit.

    Raises:
        InputError: no metric truth in the training data.
    """
    if training is None:
        return {"constant": Constant()}
    stack = _stack(training)
    return {
        "constant": Constant(_median_value(stack)),
        "median-map": MedianMap(_median_map(stack)),
    }


def _everywhere(values: Float32[np.ndarray, "h w"], kind: DepthKind) -> Depth:
    return Depth(values=values, valid=np.ones(values.shape, dtype=np.bool_), kind=kind)


def _metric_truths(reader: Reader, indices: list[int]) -> Iterator[Depth]:
    for _, sample in stream(reader, indices):
        if sample.depth is not None and sample.depth.kind is DepthKind.METRIC:
            yield sample.depth


def _stack(reader: Reader) -> Float32[np.ndarray, "n h w"]:
    """Training truth at one size, NaN where not measured."""
    indices = spread_over(len(reader), MAX_MAPS)
    stack: Float32[np.ndarray, "n h w"] | None = None
    used = 0
    for truth in _metric_truths(reader, indices):
        if stack is None:
            stack = np.empty((len(indices), *truth.size), dtype=np.float32)
        size = (stack.shape[1], stack.shape[2])
        values, valid = truth.values, truth.valid
        if truth.size != size:
            values, valid = resize_truth(values, valid, size)
        stack[used] = np.where(valid, values, np.nan)
        used += 1
    if stack is None:
        raise InputError(f"{reader.describe()}: no metric truth to learn a baseline from")
    return stack[:used]


def _median_value(stack: Float32[np.ndarray, "n h w"]) -> float:
    every = stack[:, ::2, ::2]  # a quarter of the pixels decides as well
    return float(np.median(every[np.isfinite(every)]))


def _median_map(stack: Float32[np.ndarray, "n h w"]) -> Float32[np.ndarray, "h w"]:
    fallback = _median_value(stack)
    rows = []
    for row in range(stack.shape[1]):  # in rows: a median copies what it sorts
        values = stack[:, row]
        known = np.isfinite(values)
        if known.all():
            rows.append(np.median(values, axis=0))
        else:
            filled = np.where(known.any(axis=0), values, fallback)
            rows.append(np.nanmedian(filled, axis=0))
    return np.stack(rows).astype(np.float32)
