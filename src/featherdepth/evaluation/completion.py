"""Completion on a data set: points are drawn from the truth, the result is scored as it is."""

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, UInt8

from featherdepth.completion.complete import complete_depth
from featherdepth.completion.learned import network_sha256
from featherdepth.data.patterns import draw
from featherdepth.errors import InputError, UsageError
from featherdepth.evaluation.kept import KeptPredictions
from featherdepth.geometry.parts import Box, box_at, in_box, only, window
from featherdepth.geometry.resize import resize_pixels
from featherdepth.metrics.crops import crop_box
from featherdepth.metrics.frames import prediction_at, truth_at
from featherdepth.metrics.protocols import EvalProtocol
from featherdepth.metrics.scores import PredictionError
from featherdepth.rng import generator
from featherdepth.types import Depth, DepthKind, Image, Intrinsics, Provenance, Sample

MEASURED = "measured"
"""In place of a pattern: the points that the data set brings."""


@runtime_checkable
class System(Protocol):
    """A completion system without a first stage, such as a published network."""

    def complete(
        self,
        pixels: UInt8[np.ndarray, "h w 3"],
        sparse: Float[np.ndarray, "h2 w2"],
        intrinsics: Intrinsics | None = None,
    ) -> Float32[np.ndarray, "h w"]: ...


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
    every first stage gets the same. The pattern `measured` takes those of the data set.
    """

    rules: EvalProtocol
    pattern: str
    method: str
    seed: int = 0
    system: System | None = None
    """In place of a first stage and a method; it sees the protocol's crop alone."""
    made: Provenance | None = None
    """Of the system's depth."""
    held_out: bool = False
    """Score only where no point was given: for truth as sparse as a laser scan."""
    threads: int | None = None
    """Of the method's network; by default what its backend takes."""

    def __post_init__(self) -> None:
        if self.rules.alignment != "none":
            raise UsageError(
                f"protocol {self.rules.name!r} aligns what it scores; completion is scored as it"
                " is: use --protocol nyu-dc-480x640-v1 or metric"
            )

    def describe(self) -> dict[str, Any]:
        """For a document: everything but the first stage that figures hang on.

        `pattern`, `seed`, `held_out`, `method` (None where a system completes), `system` (its name,
        or None), `network` (sha256 of what completes; empty for a method without weights).
        """
        system = self.made or Provenance()
        return {
            "pattern": self.pattern,
            "seed": self.seed,
            "held_out": self.held_out,
            "method": self.method if self.system is None else None,
            "system": None if self.system is None else system.model,
            "network": network_sha256(self.method) if self.system is None else system.sha256,
        }

    def __call__(self, sample: Sample, prediction: Depth, usable: Box) -> tuple[Depth, Sample]:
        """The completed depth, and the sample that it is scored against: both of one size.

        Raises:
            InputError: no metric truth to draw from, or no point was drawn.
            PredictionError: the first stage or the system is at fault.
        """
        if sample.depth is None:
            raise InputError("this photo has no depth to draw points from")
        sample, prediction, usable = self._framed(sample, prediction, usable)
        truth = sample.depth
        assert truth is not None  # noqa: S101 - checked above; framing keeps it
        box = crop_box(self.rules.crop, truth.size, usable)
        inside = in_box(box, truth.size) & truth.valid & (truth.values > self.rules.min_depth)
        if self.rules.max_depth is not None:
            inside &= truth.values <= self.rules.max_depth
        sparse = self._points(sample, only(truth, inside), box)
        if self.held_out:
            kept = truth.valid & ~sparse.valid
            if not (kept & inside).any():
                raise InputError(f"pattern {self.pattern} leaves no point to score")
            sample = replace(sample, depth=only(truth, kept))
        if self.system is None:
            done = complete_depth(
                prediction, sparse, photo=sample.image, method=self.method, threads=self.threads
            )
            return done, sample
        shown = window(box)
        camera = truth.intrinsics or sample.image.intrinsics
        values = np.zeros(truth.size, dtype=np.float32)
        values[shown] = self.system.complete(
            np.ascontiguousarray(sample.image.pixels[shown]),
            np.ascontiguousarray(sparse.values[shown]),
            camera.cropped(*box) if camera else None,
        )
        if not np.isfinite(values).all():
            raise PredictionError("the system gave NaN or infinity")
        valid = np.zeros(truth.size, dtype=np.bool_)
        valid[shown] = True
        done = Depth(
            values=values,
            valid=valid,
            kind=DepthKind.METRIC,
            intrinsics=prediction.intrinsics,
            provenance=self.made or prediction.provenance,
        )
        return done, sample

    def _points(self, sample: Sample, cut: Depth, box: Box) -> Depth:
        """What was measured inside the crop."""
        if self.pattern != MEASURED:
            random = generator(self.seed, "pattern", sample.key, self.pattern)
            sparse = draw(cut, self.pattern, random, image=sample.image)
        elif sample.sparse is None or sample.sparse.size != cut.size:
            raise InputError("this data set brings no measured points of that size")
        else:
            sparse = only(sample.sparse, in_box(box, cut.size))
        if not sparse.valid.any():
            raise InputError(f"pattern {self.pattern} drew no point of this image")
        return sparse

    def _framed(self, sample: Sample, prediction: Depth, usable: Box) -> tuple[Sample, Depth, Box]:
        """Photo, truth, prediction and usable area at the frame of the protocol, or of the truth.

        Points are drawn there.
        """
        truth, photo = sample.depth, sample.image
        assert truth is not None  # noqa: S101 - checked by the caller
        size = self.rules.frame or truth.size
        truth = truth_at(truth, size)
        if photo.size != size:
            camera = photo.intrinsics.resized(*size) if photo.intrinsics else None
            photo = replace(
                photo,
                pixels=resize_pixels(photo.pixels, size),
                intrinsics=truth.intrinsics or camera,
                full_size=None,
            )
        usable = box_at(usable, sample.image.size, size)
        return replace(sample, image=photo, depth=truth), prediction_at(prediction, size), usable
