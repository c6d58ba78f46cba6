"""Pictures made worse: repeatable, stronger is farther from the picture, and nothing moves."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.data.corrupt import CORRUPTIONS, STRENGTHS, corrupt, find
from featherdepth.errors import UsageError

PHOTOS = Path(__file__).parents[2] / "docs" / "photos"
ALL = sorted(CORRUPTIONS)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    with PIL.Image.open(PHOTOS / "hall_a.jpg") as picture:
        return np.array(picture.convert("RGB").resize((128, 96)))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.mean((a.astype(float) - b.astype(float)) ** 2)))


def test_the_families_of_the_benchmark_are_there() -> None:
    families = {row.family for row in CORRUPTIONS.values()}

    assert families == {"noise", "blur", "weather", "digital"}
    assert len(CORRUPTIONS) == 16
    assert "elastic" not in "".join(CORRUPTIONS)  # it would move the scene away from its truth


@pytest.mark.parametrize("name", ALL)
def test_shape_and_type_are_kept_and_the_picture_given_is_not_written(
    photo: np.ndarray, name: str
) -> None:
    before = photo.copy()

    worse = corrupt(photo, name, 5, key="a")

    assert worse.shape == photo.shape
    assert worse.dtype == np.uint8
    assert (photo == before).all()


@pytest.mark.parametrize("name", ALL)
def test_more_strength_is_farther_from_the_picture(photo: np.ndarray, name: str) -> None:
    keys = [f"k{i}" for i in range(4)]
    distances = [
        np.mean([distance(corrupt(photo, name, s, key=key), photo) for key in keys])
        for s in STRENGTHS
    ]

    assert distances[0] > 0.5
    assert (np.diff(distances) > 0).all(), distances


@pytest.mark.parametrize("name", ALL)
def test_the_same_words_give_the_same_pixels(photo: np.ndarray, name: str) -> None:
    assert (corrupt(photo, name, 3, key="a") == corrupt(photo, name, 3, key="a")).all()


@pytest.mark.parametrize("name", [n for n in ALL if CORRUPTIONS[n].family == "noise"])
def test_another_key_or_seed_draws_other_noise(photo: np.ndarray, name: str) -> None:
    first = corrupt(photo, name, 3, key="a")

    assert (corrupt(photo, name, 3, key="b") != first).any()
    assert (corrupt(photo, name, 3, key="a", seed=1) != first).any()


def test_another_process_draws_the_same_noise() -> None:
    code = (
        "import numpy as np; from featherdepth.data.corrupt import corrupt;"
        "print(corrupt(np.full((4, 4, 3), 128, np.uint8), 'gaussian_noise', 2, key='x').sum())"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    gray = np.full((4, 4, 3), 128, np.uint8)
    assert int(done.stdout) == corrupt(gray, "gaussian_noise", 2, key="x").sum()


@pytest.mark.parametrize(
    "name", ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "pixelate", "jpeg"]
)
def test_a_flat_picture_has_nothing_to_blur_up_to_its_borders(name: str) -> None:
    flat = np.full((50, 70, 3), (200, 120, 40), dtype=np.uint8)

    worse = corrupt(flat, name, 5, key="a").astype(int)

    assert np.abs(worse - flat).max() <= (12 if name == "jpeg" else 1)


@pytest.mark.parametrize("name", ["defocus_blur", "motion_blur", "glass_blur"])
def test_a_point_is_spread_evenly_about_where_it_was(name: str) -> None:
    square = np.zeros((200, 240, 3), dtype=np.uint8)
    square[90:111, 110:131] = 255  # its middle is row 100, column 120

    worse = corrupt(square, name, 4, key="a")[..., 0].astype(float)

    rows, columns = np.mgrid[0:200, 0:240]
    middle = (rows * worse).sum() / worse.sum(), (columns * worse).sum() / worse.sum()
    assert middle == pytest.approx((100, 120), abs=0.3)
    assert worse[85:90].max() > 0 or worse[:, 105:110].max() > 0


def test_noise_has_the_spread_that_its_strength_says() -> None:
    gray = np.full((200, 200, 3), 128, dtype=np.uint8)

    worse = corrupt(gray, "gaussian_noise", 2, key="a") / 255
    salted = corrupt(gray, "impulse_noise", 4, key="a")

    assert worse.std() == pytest.approx(0.09, rel=0.03)
    assert worse.mean() == pytest.approx(128 / 255, abs=0.002)
    assert (salted == 0).mean() == pytest.approx(0.08, abs=0.01)
    assert (salted == 255).mean() == pytest.approx(0.08, abs=0.01)


def test_noise_beyond_white_and_black_ends_there_and_does_not_wrap_around() -> None:
    white, black = (np.full((40, 40, 3), value, dtype=np.uint8) for value in (255, 0))

    assert corrupt(white, "gaussian_noise", 1, key="a").min() > 150
    assert corrupt(black, "gaussian_noise", 1, key="a").max() < 105


def test_contrast_brightness_and_levels_are_what_they_say_by_hand() -> None:
    pair = np.array([[[100, 100, 100], [200, 200, 200]]], dtype=np.uint8)

    assert corrupt(pair, "contrast", 1, key="a")[0, :, 0].tolist() == [120, 180]  # .6 about 150
    assert corrupt(pair, "brightness", 2, key="a")[0, :, 0].tolist() == [151, 251]  # + .20 * 255
    assert corrupt(pair, "quantize", 5, key="a")[0, :, 0].tolist() == [85, 170]  # thirds of 255


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (17, 5)])
def test_tiny_pictures_and_strips_are_taken(name: str, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)

    assert corrupt(picture, name, 5, key="a").shape == picture.shape


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("name", ALL)
def test_black_and_white_pictures_are_taken(name: str, value: int) -> None:
    picture = np.full((12, 16, 3), value, dtype=np.uint8)

    assert corrupt(picture, name, 3, key="a").dtype == np.uint8


def test_an_unknown_name_or_strength_is_one_line() -> None:
    with pytest.raises(UsageError, match="unknown corruption 'fogg'; did you mean 'fog'"):
        find("fogg")
    with pytest.raises(UsageError, match="strength 6 of fog; expected 1 to 5"):
        corrupt(np.zeros((2, 2, 3), dtype=np.uint8), "fog", 6, key="a")
