"""Points where a photo has corners or edges, as structure from motion and stereo give them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int16, UInt8

from featherdepth.data.patterns.base import FEWEST, check_count, keep, keep_some, known, photo_of
from featherdepth.types import Depth, Image

# Sixteen pixels around the middle, clockwise from the top: the circle of radius 3 of FAST.
_RIGHT_BELOW = ((0, -3), (1, -3), (2, -2), (3, -1), (3, 0), (3, 1), (2, 2), (1, 3))
CIRCLE = (*_RIGHT_BELOW, *((-x, -y) for x, y in _RIGHT_BELOW))
ARC = 9
"""Pixels in a row that must all be brighter, or all darker, than the middle."""
THRESHOLD = 10
"""Gray levels by which they must be."""
GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
SMOOTH = np.array([1, 4, 6, 4, 1], dtype=np.float32)
SLOPE = np.array([-1, -2, 0, 2, 1], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """The COUNT strongest corners of the photo that have depth (FAST-9, largest of 3x3).

    A photo with fewer than 20 gives COUNT pixels at random.
    """

    count: int

    def __post_init__(self) -> None:
        check_count(self.count)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:
        photo = photo_of(truth, image, f"keypoints-{self.count}")
        strength = np.where(known(truth), corners(gray(photo)), 0)
        places = np.flatnonzero(strength)
        if places.size < FEWEST:
            return keep_some(truth, known(truth), self.count, rng)
        # Equal strengths are common on small integers: which of them stay is random.
        order = np.lexsort((rng.random(places.size), -strength.ravel()[places]))
        chosen = np.zeros(strength.size, dtype=bool)
        chosen[places[order[: self.count]]] = True
        return keep(truth, chosen.reshape(truth.size))


@dataclass(frozen=True, slots=True)
class Edges:
    """The valid pixels with the COUNT / pixels steepest slopes of the photo ("simulated stereo").

    5x5 Sobel after a 5x5 Gaussian, on gray. The rule of sparse-to-dense.
    """

    count: int

    def __post_init__(self) -> None:
        check_count(self.count)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        photo = photo_of(truth, image, f"edges-{self.count}")
        usable = known(truth)
        steepness = slopes(gray(photo).astype(np.float32))
        share = min(1.0, self.count / truth.values.size)
        least = np.quantile(steepness[usable], 1 - share)
        return keep(truth, usable & (steepness >= max(float(least), 1e-6)))


def gray(image: Image) -> UInt8[np.ndarray, "h w"]:
    """Brightness, ITU-R 601."""
    made: UInt8[np.ndarray, "h w"] = np.rint(image.pixels @ GRAY).clip(0, 255).astype(np.uint8)
    return made


def corners(picture: UInt8[np.ndarray, "h w"]) -> Int16[np.ndarray, "h w"]:
    """Strength of each corner in gray levels, 0 where there is none.

    The strength is the largest threshold at which 9 pixels in a row on the circle are all brighter
    or all darker than the middle. Rosten and Drummond, "Machine learning for high-speed corner
    detection", 2006.
    """
    strength = np.zeros(picture.shape, dtype=np.int16)
    height, width = picture.shape
    if min(height, width) < 7:
        return strength
    wide = picture.astype(np.int16)
    middle = wide[3:-3, 3:-3]
    # The first eight come again at the end, so that every arc is a run.
    ring = np.stack(
        [
            wide[3 + y : height - 3 + y, 3 + x : width - 3 + x] - middle
            for x, y in CIRCLE + CIRCLE[: ARC - 1]
        ]
    )
    brighter = _of_runs(ring, np.minimum).max(axis=0)
    darker = -_of_runs(ring, np.maximum).min(axis=0)
    found = np.maximum(brighter, darker)
    found[found < THRESHOLD] = 0
    strength[3:-3, 3:-3] = found
    return np.where(_is_largest(strength), strength, np.int16(0))


def slopes(picture: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Magnitude of the 5x5 Sobel slope after a 5x5 Gaussian."""
    calm = _filtered(_filtered(picture, SMOOTH / 16, 0), SMOOTH / 16, 1)
    across = _filtered(_filtered(calm, SLOPE, 1), SMOOTH, 0)
    down = _filtered(_filtered(calm, SLOPE, 0), SMOOTH, 1)
    steepness: Float32[np.ndarray, "h w"] = np.hypot(across, down)
    return steepness


def _of_runs(ring: Int16[np.ndarray, "24 h w"], extreme: np.ufunc) -> Int16[np.ndarray, "16 h w"]:
    """The smallest (or largest) of each 9 in a row: of 2, 4 and 8, then of one more."""
    runs = ring
    for step in (1, 2, 4):
        runs = extreme(runs[:-step], runs[step:])
    last: Int16[np.ndarray, "16 h w"] = extreme(runs[:16], ring[ARC - 1 :])
    return last


def _is_largest(strength: Int16[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Of the 3x3 around it; of equal ones the first in reading order."""
    height, width = strength.shape
    padded = np.pad(strength, 1, constant_values=-1)
    largest = strength > 0
    for y in range(3):
        for x in range(3):
            if (y, x) != (1, 1):
                other = padded[y : y + height, x : x + width]
                largest &= strength > other if (y, x) < (1, 1) else strength >= other
    return largest


def _filtered(
    picture: Float32[np.ndarray, "h w"], kernel: Float32[np.ndarray, " 5"], axis: int
) -> Float32[np.ndarray, "h w"]:
    """Correlate along one axis; the border is the edge pixel repeated."""
    length = picture.shape[axis]
    padded = np.pad(picture, [(2, 2) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
    total = np.zeros_like(picture)
    for i, weight in enumerate(kernel):
        total += weight * np.take(padded, np.arange(i, i + length), axis=axis)
    return total
