"""Crops equal the published boxes."""

import pytest

from featherdepth.errors import InputError
from featherdepth.geometry.parts import Box
from featherdepth.metrics.crops import Crop, crop_box


@pytest.mark.parametrize(
    ("crop", "size", "rows", "columns"),
    [
        ("garg", (375, 1242), (153, 371), (44, 1197)),
        ("eigen", (375, 1242), (124, 342), (44, 1197)),
        ("garg", (352, 1216), (143, 349), (43, 1172)),
        ("eigen", (352, 1216), (117, 321), (43, 1172)),
        ("garg", (370, 1226), (151, 366), (44, 1181)),
        ("eigen", (370, 1226), (122, 337), (44, 1181)),
        ("kb", (375, 1242), (23, 375), (13, 1229)),
        # The fractions inside the benchmark's crop are other pixels than those of the frame.
        ("kb-eigen", (375, 1242), (23 + 117, 23 + 321), (13 + 43, 13 + 1172)),
        ("kb-garg", (375, 1242), (23 + 143, 23 + 349), (13 + 43, 13 + 1172)),
        ("half-228x304", (240, 320), (6, 234), (8, 312)),
        ("none", (240, 320), (0, 240), (0, 320)),
    ],
)
def test_boxes_are_the_published_ones(
    crop: Crop, size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    top, left, height, width = crop_box(crop, size, (1, 1, 2, 2))

    assert ((top, top + height), (left, left + width)) == (rows, columns)


@pytest.mark.parametrize(("usable", "box"), [((1, 2, 3, 4), (1, 2, 3, 4)), (None, (0, 0, 9, 9))])
def test_the_usable_part_is_what_the_reader_says(usable: Box | None, box: Box) -> None:
    assert crop_box("usable", (9, 9), usable) == box


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="1200x375 pixels; the crop of the KITTI benchmark needs"):
        crop_box("kb", (375, 1200))
    with pytest.raises(InputError, match="640x480 pixels; this crop is of 320x240"):
        crop_box("half-228x304", (480, 640))
