"""Depth is told from disparity by floors and walls."""

import math

import numpy as np
import pytest

from featherdepth.data.looks import curvature, looks_inverted, rise


def floor(height: int = 48, width: int = 64) -> np.ndarray:
    """1/z is linear: from 60 m on top to 6 m below."""
    inverse = np.linspace(1 / 60, 1 / 6, height)
    return np.repeat(1 / inverse[:, None], width, axis=1).astype(np.float32)


def all_of(values: np.ndarray) -> np.ndarray:
    return np.ones(values.shape, dtype=np.bool_)


def test_a_floor_rises_in_depth_and_falls_in_disparity() -> None:
    depth = floor()
    # Rows 0..15 and 32..47 of 48: medians at 7.5 and 39.5.
    expected = math.log(np.median(depth[:16]) / np.median(depth[32:]))

    assert rise(depth, all_of(depth)) == pytest.approx(expected, rel=1e-6)
    assert rise(1 / depth, all_of(depth)) == pytest.approx(-expected, rel=0.05)


def test_only_measured_pixels_count() -> None:
    depth = floor()
    valid = all_of(depth)
    valid[:20] = False
    depth[:20] = 1e-3

    assert rise(depth, valid) > 0.2
    assert math.isnan(rise(depth, np.zeros_like(valid)))


def test_planes_are_straight_in_disparity() -> None:
    depth = floor()

    assert curvature(depth, all_of(depth)) == 1.0
    assert curvature(1 / depth, all_of(depth)) == 0.0
    assert math.isnan(curvature(np.ones_like(depth), all_of(depth)))


@pytest.mark.parametrize(("power", "expected"), [(0.25, 0.0), (-0.25, 1.0)])
def test_the_border_between_both_is_a_straight_logarithm(power: float, expected: float) -> None:
    # Straight in z^power: power 1 is straight in z, -1 in 1/z, and 0 lies halfway.
    straight = np.repeat(np.linspace(1, 3**power, 48)[:, None], 64, axis=1)
    values = (straight ** (1 / power)).astype(np.float32)

    assert curvature(values, all_of(values)) == expected


@pytest.mark.parametrize(
    ("rises", "curvatures", "larger_is", "inverted"),
    [
        ([-0.5], [0.3], "farther", True),
        ([-0.5], [math.nan], "farther", True),
        ([-0.5], [0.7], "farther", False),  # a camera that looks up at a ceiling
        ([-0.1], [0.3], "farther", False),
        ([0.5], [0.7], "farther", False),
        ([0.5], [0.7], "nearer", True),
        ([-0.5], [0.3], "nearer", False),
        ([0.5], [0.3], "nearer", False),
        ([math.nan], [0.3], "farther", False),
        ([-0.5, -0.4, 3.0], [0.4, 0.3, 0.9], "farther", True),
    ],
)
def test_both_signs_must_agree(
    rises: list[float], curvatures: list[float], larger_is: str, inverted: bool
) -> None:
    assert looks_inverted(rises, curvatures, larger_is=larger_is) is inverted
