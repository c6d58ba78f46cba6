"""Distances of points after back-projection: by hand, by a loop."""

import numpy as np
import pytest

from featherdepth.metrics.cloud import cloud_error
from featherdepth.types import Intrinsics


def camera(height: int, width: int, f: float = 1.0) -> Intrinsics:
    return Intrinsics(fx=f, fy=f, cx=0.0, cy=0.0, width=width, height=height, source="given")


def test_an_error_weighs_by_the_length_of_its_ray_by_hand() -> None:
    truth, prediction = np.array([[1.0, 1.0]]), np.array([[2.0, 2.0]])

    # Rays (0, 0, 1) and (1, 0, 1): one metre of depth is 1 and sqrt 2 metres of distance.
    error = cloud_error(prediction, truth, np.ones((1, 2), dtype=np.bool_), camera(1, 2))

    assert error == pytest.approx((1 + np.sqrt(2)) / 2)


def test_values_agree_with_a_loop_over_points() -> None:
    random = np.random.default_rng(0)
    truth, prediction = random.uniform(1, 5, (2, 5, 7))
    valid = random.uniform(size=(5, 7)) > 0.3
    lens = Intrinsics(fx=6.0, fy=5.0, cx=3.2, cy=1.9, width=7, height=5, source="given")
    distances = []
    for v, u in zip(*np.nonzero(valid), strict=True):
        ray = np.array([(u - 3.2) / 6, (v - 1.9) / 5, 1.0])
        distances.append(np.linalg.norm(prediction[v, u] * ray - truth[v, u] * ray))

    assert cloud_error(prediction, truth, valid, lens) == pytest.approx(
        np.mean(distances), rel=1e-6
    )


def test_a_perfect_prediction_has_no_error_and_holes_are_not_read() -> None:
    truth = np.array([[1.0, 2.0]])

    error = cloud_error(np.array([[1.0, np.nan]]), truth, np.array([[True, False]]), camera(1, 2))

    assert error == 0
