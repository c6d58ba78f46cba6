"""One prediction against what a data set knows of its image."""

import numpy as np

from featherdepth.data.da2k import OrdinalPair
from featherdepth.data.reader import Reader
from featherdepth.errors import InputError
from featherdepth.geometry.parts import Box, box_at
from featherdepth.metrics.frames import prediction_at
from featherdepth.metrics.protocols import EvalProtocol
from featherdepth.metrics.score_maps import score_map, score_pairs
from featherdepth.metrics.scores import PredictionError, Score
from featherdepth.types import Depth, Sample


def score_sample(
    prediction: Depth,
    sample: Sample,
    reader: Reader,
    index: int,
    protocol: EvalProtocol,
    *,
    usable: Box | None = None,
) -> Score:
    """Score a prediction of the photo's size; it is brought to the size of the truth.

    Args:
        usable: of the sample's photo, where that is no longer as the reader gave it.

    Raises:
        UsageError: a kind of prediction that the protocol cannot score.
        PredictionError: the prediction is at fault.
        InputError: the truth is.
    """
    if prediction.size != sample.image.size:
        raise PredictionError(
            f"prediction is {prediction.size}, its photo is {sample.image.size} pixels"
        )
    if sample.depth is not None:
        usable = usable or reader.usable(index)
        return _score_depth(prediction, sample.depth, usable, protocol, sample.key)
    pairs = pairs_of(reader, index)
    if not pairs:
        raise InputError("this photo has no depth to compare with")
    first = np.array([pair.first for pair in pairs])
    second = np.array([pair.second for pair in pairs])
    nearer = np.array([pair.first_is_nearer for pair in pairs])
    return score_pairs(protocol, prediction, first, second, nearer)


def pairs_of(reader: Reader, index: int) -> tuple[OrdinalPair, ...]:
    """The annotated pairs of a photo, of readers that have any."""
    pairs = getattr(reader, "pairs", None)
    return () if pairs is None else tuple(pairs(index))


def _score_depth(
    prediction: Depth, truth: Depth, usable: Box, protocol: EvalProtocol, key: str
) -> Score:
    # Truth is never resampled; the usable area is in pixels of the photo.
    usable = box_at(usable, prediction.size, truth.size)
    return score_map(protocol, prediction_at(prediction, truth.size), truth, usable, key=key)
