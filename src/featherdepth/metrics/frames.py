"""Predictions and truth at the size at which they are compared."""

from dataclasses import replace

import numpy as np

from featherdepth.geometry.resize import Size, resize_map, resize_truth
from featherdepth.metrics.scores import PredictionError
from featherdepth.types import Depth


def prediction_at(prediction: Depth, size: Size) -> Depth:
    """A prediction at another size, smoothly.

    Raises:
        PredictionError: it has empty pixels.
    """
    if prediction.size == size:
        return prediction
    if not prediction.valid.all():
        raise PredictionError("a prediction with empty pixels cannot be brought to another size")
    values = resize_map(prediction.values, size)
    return _seen(prediction, values, np.ones(size, dtype=np.bool_))


def truth_at(truth: Depth, size: Size) -> Depth:
    """Truth at another size: values that were measured, none in between."""
    if truth.size == size:
        return truth
    return _seen(truth, *resize_truth(truth.values, truth.valid, size))


def _seen(depth: Depth, values: np.ndarray, valid: np.ndarray) -> Depth:
    camera = depth.intrinsics and depth.intrinsics.resized(*values.shape)
    return replace(depth, values=values, valid=valid, intrinsics=camera)
