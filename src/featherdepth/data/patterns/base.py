"""What a pattern and a step of noise are, and what they share."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.resize import resize_pixels
from featherdepth.geometry.splat import pixels_of
from featherdepth.types import Depth, DepthKind, Image

TINY_M = 1e-4
"""Depth at or below this is not measured, whatever a mask says."""
FEWEST = 20
"""Keypoints; with fewer a photo counts as blank and pixels are drawn at random."""


@runtime_checkable
class Pattern(Protocol):
    """Where a sensor measures: a frozen dataclass whose fields stand in the specification."""

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth: ...


@runtime_checkable
class Step(Protocol):
    """What goes wrong with a measurement: a frozen dataclass as `Pattern`."""

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth: ...


def known(truth: Depth) -> Bool[np.ndarray, "h w"]:
    """Pixels that can be measured."""
    usable: Bool[np.ndarray, "h w"] = truth.valid & (truth.values > TINY_M)
    return usable


def keep(truth: Depth, chosen: Bool[np.ndarray, "h w"]) -> Depth:
    """The measurement that has the true depth at the chosen pixels, where there is one."""
    return with_values(truth, np.where(chosen & known(truth), truth.values, np.float32(0)))


def with_values(truth: Depth, values: Float[np.ndarray, "h w"]) -> Depth:
    """A measurement with these depths in metres; 0 is not measured."""
    return Depth(
        values=values.astype(np.float32),
        valid=values > 0,
        kind=DepthKind.METRIC,
        intrinsics=truth.intrinsics,
        provenance=truth.provenance,
    )


def keep_some(
    truth: Depth, allowed: Bool[np.ndarray, "h w"], count: int, rng: np.random.Generator
) -> Depth:
    """`count` of the allowed pixels that can be measured, at random; all where there are fewer."""
    places = np.flatnonzero(allowed & known(truth))
    chosen = np.zeros(truth.values.size, dtype=bool)
    chosen[rng.permutation(places)[:count]] = True
    return keep(truth, chosen.reshape(truth.size))


def mark(
    rows: Float[np.ndarray, " n"], columns: Float[np.ndarray, " n"], size: tuple[int, int]
) -> Bool[np.ndarray, "h w"]:
    """The pixels nearest to these places; places outside are left out."""
    found = np.zeros(size, dtype=bool)
    row, column, inside = pixels_of(rows, columns, size)
    found[row[inside], column[inside]] = True
    return found


def photo_of(truth: Depth, image: Image | None, name: str) -> Image:
    """The photo at the size of the truth.

    Raises:
        UsageError: there is none.
    """
    if image is None:
        raise UsageError(f"pattern {name!r} looks at the photo, but none is given; give the image")
    if image.size == truth.size:
        return image
    return Image(pixels=resize_pixels(image.pixels, truth.size), name=image.name)


def check_truth(truth: Depth) -> None:
    """Refuse what cannot be measured.

    Raises:
        InputError: not metric, or without one valid pixel.
    """
    if truth.kind is not DepthKind.METRIC:
        raise InputError(f"{truth.kind} depth has no metres to measure; expected metric depth")
    if not known(truth).any():
        raise InputError("a depth map without a valid pixel; expected some depth above 0")


def check_count(count: int) -> None:
    """A ValueError for less than one point."""
    if count < 1:
        raise ValueError(f"{count} points; expected 1 or more")
