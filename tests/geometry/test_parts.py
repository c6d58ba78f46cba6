"""Boxes follow a picture to another size, and a map keeps what was chosen of it."""

import numpy as np

from featherdepth.geometry.parts import box_at, box_within, in_box, only
from featherdepth.types import Depth, DepthKind


def test_a_box_at_half_the_size_is_rounded_or_lies_inside() -> None:
    assert box_at((3, 4, 20, 30), (48, 64), (24, 32)) == (2, 2, 10, 15)
    assert box_at((3, 4, 20, 30), (48, 64), (48, 64)) == (3, 4, 20, 30)
    # Rows 3 to 23 and columns 4 to 35: at half the size 1.5 to 11.5 and 2 to 17.5.
    assert box_within((3, 4, 23, 35), (48, 64), (24, 32)) == (2, 2, 9, 15)


def test_what_was_not_chosen_or_not_known_is_0_and_not_valid() -> None:
    values = np.array([[1.0, 2.0], [3.0, 0.0]], np.float32)
    depth = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)

    kept = only(depth, in_box((0, 1, 2, 1), (2, 2)))

    assert kept.valid.tolist() == [[False, True], [False, False]]
    assert kept.values.tolist() == [[0.0, 2.0], [0.0, 0.0]]
