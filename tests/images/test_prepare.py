"""A photo becomes RGB in 0..1 at the size the network asks for."""

import numpy as np
import pytest

from featherdepth.images.prepare import prepare
from featherdepth.types import Image


def test_the_array_is_rgb_in_zero_to_one_channels_first_and_contiguous():
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 2] = 255, 51

    prepared = prepare(Image(pixels=pixels), size=448, multiple=64, rule="keep")

    assert prepared.shape == (3, 384, 512)
    assert prepared.dtype == np.float32
    assert prepared.flags.c_contiguous
    assert [np.unique(channel).tolist() for channel in prepared] == [
        [1.0],
        [0.0],
        [pytest.approx(0.2)],
    ]


def test_rows_stay_rows():
    pixels = np.zeros((64, 128, 3), dtype=np.uint8)
    pixels[:32] = 255

    prepared = prepare(Image(pixels=pixels), size=(64, 64), multiple=64, rule="keep")

    np.testing.assert_array_equal(prepared[1, :31], 1)
    np.testing.assert_array_equal(prepared[1, 33:], 0)


def test_the_size_follows_the_photo_not_its_reduced_copy():
    # Of the photo, 448 * sqrt(h / w) is just above 416 and rounds to 448; of the copy, below.
    reduced = Image(pixels=np.zeros((1077, 1250, 3), dtype=np.uint8), full_size=(8623, 10_000))

    assert prepare(reduced, size=448).shape == (3, 448, 512)
    assert prepare(Image(pixels=reduced.pixels), size=448).shape == (3, 384, 512)
