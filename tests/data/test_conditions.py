"""Conditions: what is changed in the photo is changed back in the prediction."""

import numpy as np
import pytest

from featherdepth.data.conditions import CONDITIONS
from featherdepth.types import Depth, DepthKind, Image

SIZE = (90, 120)


@pytest.fixture
def photo() -> Image:
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    return Image(pixels=pixels, name="p")


def depth_of(image: Image) -> Depth:
    """A model that reads depth off the picture: its green channel."""
    values = image.pixels[..., 1].astype(np.float32)
    return Depth(values=values, valid=np.ones(values.shape, bool), kind=DepthKind.METRIC)


@pytest.mark.parametrize("name", ["mirrored", "upside_down", "exif", "wide", "tall"])
def test_a_prediction_comes_back_to_the_pixels_that_it_was_made_of(photo: Image, name: str) -> None:
    condition = CONDITIONS[name]

    restored = condition.restored(depth_of(condition.change(photo)), SIZE)

    seen = condition.seen(SIZE)
    assert restored.size == SIZE
    assert restored.valid.all()
    assert (restored.values[seen] == photo.pixels[..., 1][seen]).all()


@pytest.mark.parametrize(
    ("name", "size"),
    [("mirrored", SIZE), ("gray", SIZE), ("exif", SIZE), ("wide", (40, 120)), ("tall", (90, 30)),
     ("tiny", (64, 85))],
)  # fmt: skip
def test_the_photo_has_the_size_of_the_condition(
    photo: Image, name: str, size: tuple[int, int]
) -> None:
    changed = CONDITIONS[name].change(photo)

    assert changed.size == size
    assert changed.name == photo.name
    if name not in ("exif",):  # which is the same photo once it is read
        assert changed.size != SIZE or (changed.pixels != photo.pixels).any()


def test_a_photo_stored_on_its_side_is_read_as_the_same_pixels(photo: Image) -> None:
    assert (CONDITIONS["exif"].change(photo).pixels == photo.pixels).all()


def test_gray_is_the_luma_in_every_channel() -> None:
    pixels = np.array([[[200, 100, 50]]], dtype=np.uint8)

    gray = CONDITIONS["gray"].change(Image(pixels=pixels)).pixels

    # .299 * 200 + .587 * 100 + .114 * 50 = 124.2
    assert gray[0, 0].tolist() == [124, 124, 124]


def test_a_strip_shows_the_middle_third_and_the_rest_counts_as_unseen() -> None:
    seen = CONDITIONS["wide"].seen((90, 120))

    assert np.flatnonzero(seen.all(axis=1)).tolist() == list(range(25, 65))
    assert seen.sum() == 40 * 120


@pytest.mark.parametrize("name", sorted(CONDITIONS))
@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (30, 20)])
def test_photos_of_any_size_are_taken(name: str, size: tuple[int, int]) -> None:
    photo = Image(pixels=np.zeros((*size, 3), dtype=np.uint8))
    condition = CONDITIONS[name]

    restored = condition.restored(depth_of(condition.change(photo)), size)

    assert restored.size == size
    assert condition.seen(size).any()
