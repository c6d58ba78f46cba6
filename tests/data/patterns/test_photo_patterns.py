"""Corners and edges of the photo are found where they are."""

from collections.abc import Callable

import numpy as np
import pytest

from featherdepth.data.patterns import draw
from featherdepth.data.patterns.keypoints import CIRCLE, corners, gray, slopes
from featherdepth.types import Depth, Image

Make = Callable[..., Depth]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def strength_by_definition(picture: np.ndarray, row: int, column: int) -> int:
    """The largest threshold that leaves an arc of nine, tried one after the other."""
    middle = int(picture[row, column])
    ring = [int(picture[row + y, column + x]) - middle for x, y in CIRCLE]
    best = 0
    for threshold in range(1, 256):
        for start in range(16):
            arc = [ring[(start + i) % 16] for i in range(9)]
            if all(d >= threshold for d in arc) or all(d <= -threshold for d in arc):
                best = threshold
    return best


def test_the_circle_is_that_of_fast():
    assert len(set(CIRCLE)) == 16
    assert {round(np.hypot(x, y), 1) for x, y in CIRCLE} == {3.0, 3.2, 2.8}
    angles = np.unwrap([np.arctan2(y, x) for x, y in CIRCLE])
    assert (np.diff(angles) > 0).all()


def test_corner_strengths_are_those_of_the_definition():
    picture = rng(3).integers(0, 256, (14, 15)).astype(np.uint8)
    picture[4:9, 4:12] = 200  # arcs of nine are rare in pure noise
    picture[9:, :8] = 20
    expected = np.zeros(picture.shape, dtype=np.int16)
    for row in range(3, 11):
        for column in range(3, 12):
            strength = strength_by_definition(picture, row, column)
            expected[row, column] = strength if strength >= 10 else 0

    found = corners(picture)

    assert (expected > 0).sum() >= 3
    assert set(np.flatnonzero(found)) <= set(np.flatnonzero(expected))
    np.testing.assert_array_equal(found[found > 0], expected[found > 0])
    for row, column in np.argwhere(expected > 0):
        around = expected[row - 1 : row + 2, column - 1 : column + 2]
        assert (found[row - 1 : row + 2, column - 1 : column + 2] == around.max()).any() or (
            found[row, column] == 0
        )


def test_the_corners_of_a_square_are_found_and_its_sides_are_not():
    picture = np.zeros((60, 60), dtype=np.uint8)
    picture[20:40, 20:40] = 200

    found = np.argwhere(corners(picture))

    # A corner of 90 degrees leaves 11 dark pixels in a row on the circle; a side leaves 7.
    assert len(found) >= 4
    for row, column in ((20, 20), (20, 39), (39, 20), (39, 39)):
        assert (np.abs(found - [row, column]).max(axis=1) <= 2).any()
    assert not any(24 <= row < 36 or 24 <= column < 36 for row, column in found)


def test_a_picture_smaller_than_the_circle_has_no_corners():
    assert not corners(np.zeros((6, 40), dtype=np.uint8)).any()


def test_the_strongest_corners_come_first(make_truth: Make):
    gray = np.zeros((80, 200), dtype=np.uint8)
    for i in range(10):  # squares that stand out more and more
        gray[20:40, 10 + 18 * i : 20 + 18 * i] = 60 + 15 * i
    image = Image(pixels=np.stack([gray] * 3, axis=2))
    truth = make_truth(np.full((80, 200), 2.0))

    few = draw(truth, "keypoints-8", rng(), image=image).valid
    columns = np.nonzero(few)[1]

    assert few.sum() == 8
    assert columns.min() >= 150


def test_keypoints_lie_where_there_is_depth(truth: Depth, photo: Image):
    sparse = draw(truth, "keypoints-9999", rng(), image=photo)

    assert sparse.valid.sum() >= 20
    assert not sparse.valid[5:12, 60:75].any()


@pytest.mark.parametrize("pattern", ["keypoints-40"])
def test_a_blank_photo_gives_random_pixels_instead(truth: Depth, pattern: str):
    blank = Image(pixels=np.full((60, 80, 3), 90, dtype=np.uint8))

    assert draw(truth, pattern, rng(), image=blank).valid.sum() == 40


def test_slopes_are_those_of_the_kernels():
    picture = rng(1).random((11, 12)).astype(np.float32) * 255
    smooth, slope = np.array([1, 4, 6, 4, 1.0]), np.array([-1, -2, 0, 2, 1.0])

    def filtered(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        padded, out = np.pad(values, 2, mode="edge"), np.zeros_like(values)
        for row in range(values.shape[0]):
            for column in range(values.shape[1]):
                out[row, column] = (padded[row : row + 5, column : column + 5] * kernel).sum()
        return out

    calm = filtered(picture.astype(np.float64), np.outer(smooth, smooth) / 256)
    across, down = (
        filtered(calm, np.outer(smooth, slope)),
        filtered(calm, np.outer(slope, smooth)),
    )

    np.testing.assert_allclose(slopes(picture), np.hypot(across, down), rtol=1e-4)


def test_edges_lie_along_the_step(make_truth: Make):
    pixels = np.zeros((60, 80, 3), dtype=np.uint8)
    pixels[:, 40:] = 200
    truth = make_truth(np.full((60, 80), 2.0))

    found = draw(truth, "edges-120", rng(), image=Image(pixels=pixels)).valid

    assert found.sum() == 120
    assert set(np.nonzero(found)[1]) == {39, 40}


def test_a_photo_without_edges_gives_none(make_truth: Make):
    blank = Image(pixels=np.full((60, 80, 3), 90, dtype=np.uint8))
    truth = make_truth(np.full((60, 80), 2.0))

    assert not draw(truth, "edges-120", rng(), image=blank).valid.any()


def test_gray_weighs_the_colors_as_television_did():
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)

    assert gray(Image(pixels=pixels)).tolist() == [[76, 150, 29, 255]]
