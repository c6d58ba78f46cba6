"""Keypoints of OpenCV, by the extra `[vision]`; imported in this file only."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from featherdepth.data.extra import need
from featherdepth.data.patterns.base import FEWEST, keep, keep_some, known, mark, photo_of
from featherdepth.data.patterns.keypoints import gray
from featherdepth.types import Depth, Image

ORB_FEATURES = 100_000
INSTEAD = 1000
"""Pixels at random, on a photo with hardly any keypoint."""


@dataclass(frozen=True, slots=True)
class Sift:
    """All SIFT keypoints of the photo that have depth; with fewer than 20, 1000 random pixels."""

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:
        photo = photo_of(truth, image, "sift")
        return _detected(truth, photo, _opencv("sift").SIFT_create(), rng)


@dataclass(frozen=True, slots=True)
class Orb:
    """All ORB keypoints of the photo that have depth (up to 100000, scored by FAST); as `sift`."""

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:
        photo = photo_of(truth, image, "orb")
        cv2 = _opencv("orb")
        detector = cv2.ORB_create(nfeatures=ORB_FEATURES, scoreType=cv2.ORB_FAST_SCORE)
        return _detected(truth, photo, detector, rng)


def _opencv(name: str) -> Any:
    return need("cv2", f"pattern {name!r}", package="opencv-python-headless", extra="vision")


def _detected(truth: Depth, photo: Image, detector: Any, rng: np.random.Generator) -> Depth:
    found = detector.detect(gray(photo), None)
    if len(found) < FEWEST:
        return keep_some(truth, known(truth), INSTEAD, rng)
    columns, rows = np.array([point.pt for point in found], dtype=np.float64).T
    return keep(truth, mark(rows, columns, truth.size))
