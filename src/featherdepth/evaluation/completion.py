"""Completion on a data set: points are drawn from the truth, the result is scored as it is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from featherdepth.completion.complete import complete_depth
from featherdepth.data.patterns import draw
from featherdepth.data.reader import Box
from featherdepth.errors import InputError, UsageError
from featherdepth.evaluation.kept import KeptPredictions
from featherdepth.geometry.resize import resize_map, resize_pixels, resize_truth
from featherdepth.metrics.crops import crop_box
from featherdepth.metrics.protocols import EvalProtocol
from featherdepth.rng import generator
from featherdepth.types import Depth, Image, Sample


class KeptFirst:
    """The first stage as `evaluate --save-predictions` kept it: no network runs."""

    def __init__(self, kept: KeptPredictions) -> None:
        self.kept = kept

    def infer(self, image: Image, *, size: Any = None) -> Depth:  # noqa: ARG002 - no network
        """The prediction of the photo of that name."""
        return self.kept.read(image.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Completer:
    """Draws points of a pattern in the protocol's crop and completes a prediction with them.

    The points of an image depend on the seed, its key and the pattern alone: every method and
    every first stage gets the same.
    """

    rules: EvalProtocol
    pattern: str
    method: str
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rules.alignment != "none":
            raise UsageError(
                f"protocol {self.rules.name!r} aligns what it scores; completion is scored as it"
                " is: use --protocol nyu-dc-480x640-v1 or metric"
            )

    def __call__(self, sample: Sample, prediction: Depth, usable: Box) -> tuple[Depth, Sample]:
        """The completed depth, and the sample that it is scored against.

        Raises:
            InputError: no metric truth to draw from, or no point was drawn.
        """
        if sample.depth is None:
            raise InputError("this photo has no depth to draw points from")
        sample, prediction = self._framed(sample, prediction)
        truth = sample.depth
        assert truth is not None  # noqa: S101 - checked above; framing keeps it
        box = crop_box(self.rules.crop, truth.size, usable)
        top, left, height, width = box
        inside = np.zeros(truth.size, dtype=np.bool_)
        inside[top : top + height, left : left + width] = True
        inside &= truth.valid & (truth.values > self.rules.min_depth)
        if self.rules.max_depth is not None:
            inside &= truth.values <= self.rules.max_depth
        cut = replace(truth, values=np.where(inside, truth.values, np.float32(0)), valid=inside)
        random = generator(self.seed, "pattern", sample.key, self.pattern)
        sparse = draw(cut, self.pattern, random, image=sample.image)
        if not sparse.valid.any():
            raise InputError(f"pattern {self.pattern} drew no point of this image")
        done = complete_depth(prediction, sparse, photo=sample.image, method=self.method)
        return done, sample

    def _framed(self, sample: Sample, prediction: Depth) -> tuple[Sample, Depth]:
        """Everything at the frame of the protocol: points are drawn there."""
        truth, frame = sample.depth, self.rules.frame
        assert truth is not None  # noqa: S101 - checked by the caller
        size = frame or truth.size
        if prediction.size != size:
            camera = prediction.intrinsics
            prediction = replace(
                prediction,
                values=resize_map(prediction.values, size),
                valid=np.ones(size, dtype=np.bool_),
                intrinsics=camera.resized(*size) if camera else None,
            )
        if truth.size == size:
            return sample, prediction
        values, valid = resize_truth(truth.values, truth.valid, size)
        known = truth.intrinsics.resized(*size) if truth.intrinsics else None
        image = replace(
            sample.image,
            pixels=resize_pixels(sample.image.pixels, size),
            intrinsics=known,
            full_size=None,
        )
        depth = replace(truth, values=values, valid=valid, intrinsics=known)
        return replace(sample, image=image, depth=depth), prediction
