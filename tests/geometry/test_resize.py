"""Sizes follow the rule of `--size`, and pixels keep their place when a map is resized."""

import doctest
import math
import os
import subprocess
import sys
import threading

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherdepth.errors import UsageError
from featherdepth.geometry import resize
from featherdepth.geometry.resize import (
    checked_size,
    network_size,
    resize_map,
    resize_pixels,
    resize_truth,
)
from featherdepth.types import Intrinsics

LENGTHS = st.integers(1, 20_000)


def ramp(height, width):
    """Value of each pixel = its center, measured in fractions of the map."""
    v, u = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    return (v[:, None] + 10 * u).astype(np.float32)


@pytest.mark.parametrize(
    ("asked", "size"),
    [(448, 448), (np.int64(448), 448), ((64, np.uint8(128)), (64, 128)), ([64, 128], (64, 128))],
)
def test_a_size_is_whole_numbers_of_any_kind(asked, size):
    found = checked_size(asked)

    assert found == size and repr(found) == repr(size)


@pytest.mark.parametrize(
    "asked", [0, -64, 448.0, True, "448", (64,), (64, 0), (1, 2, 3), (64.0, 64)]
)
def test_what_is_no_size_is_refused(asked):
    with pytest.raises(UsageError, match="expected 1 or more pixels, such as 448, or a pair"):
        checked_size(asked)


def test_the_examples_of_the_docstrings_hold():
    result = doctest.testmod(resize)

    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("photo", "size", "multiple", "expected"),
    [
        ((480, 640), 448, 64, (384, 512)),
        ((640, 480), 448, 64, (512, 384)),
        ((3000, 4000), 448, 64, (384, 512)),
        ((448, 448), 448, 64, (448, 448)),
        ((1, 1), 448, 64, (448, 448)),
        ((352, 1216), 448, 64, (256, 832)),
        ((375, 1242), 448, 32, (256, 800)),  # 246.2 lies nearer to 256, 815.3 to 800
        ((480, 640), 10, 64, (64, 64)),
    ],
)
def test_a_size_is_an_area_at_the_nearest_multiples(photo, size, multiple, expected):
    assert network_size(*photo, size, multiple) == expected


def test_a_pair_is_taken_as_it_is():
    assert network_size(480, 640, (128, 1024)) == (128, 1024)


@pytest.mark.parametrize("size", [8193, 100_000, (8192, 8256)])
def test_what_fills_any_memory_is_refused(size):
    assert network_size(480, 640, 8192) == (7104, 9472)
    with pytest.raises(UsageError, match="expected at most 8192"):
        network_size(480, 640, size)


@pytest.mark.parametrize("pair", [(450, 448), (448, 0), (-64, 64)])
def test_a_pair_that_does_not_fit_is_refused_with_one_that_does(pair):
    with pytest.raises(UsageError, match=r"multiples of 64, such as \d+x\d+"):
        network_size(480, 640, pair)


def test_a_size_of_no_pixels_is_refused():
    with pytest.raises(UsageError, match="size 0"):
        network_size(480, 640, 0)


def test_stretch_makes_a_square_of_any_picture():
    assert network_size(100, 900, 448, rule="stretch") == (448, 448)
    assert network_size(100, 900, 450, 32, rule="stretch") == (448, 448)


@given(height=LENGTHS, width=LENGTHS)
@settings(max_examples=200, deadline=None)
def test_any_picture_gets_multiples_and_about_the_same_area(height, width):
    rows, columns = network_size(height, width, 448)

    assert rows % 64 == columns % 64 == 0
    assert min(rows, columns) >= 64
    assert network_size(width, height, 448) == (columns, rows)
    # Half a multiple of rounding on each side; a strip of one multiple rounds worst.
    assert 448**2 / 1.5 <= rows * columns <= 448**2 * 1.5


@pytest.mark.parametrize("photo", [(1, 100_000), (100_000, 1), (5, 400)])
def test_a_strip_gets_one_multiple_and_what_the_area_leaves(photo):
    assert sorted(network_size(*photo, 448)) == [64, 3136]


@pytest.mark.parametrize(
    ("old", "new"), [((60, 80), (30, 40)), ((60, 80), (41, 33)), ((20, 16), (60, 80))]
)
def test_a_ramp_stays_in_place_away_from_the_border(old, new):
    resized = resize_map(ramp(*old), new)

    inner = (slice(3, -3), slice(4, -4))
    # A pixel is 0.125 or more of value; the triangle filter, sampled at pixels, is 0.03 px off.
    np.testing.assert_allclose(resized[inner], ramp(*new)[inner], atol=4e-3)


def test_shrinking_averages_what_it_covers():
    stripes = np.zeros((64, 64), dtype=np.float32)
    stripes[:, ::2] = 1

    pixels = np.repeat((stripes * 200).astype(np.uint8)[..., None], 3, axis=2)

    np.testing.assert_allclose(resize_map(stripes, (16, 16)), 0.5, atol=0.1)
    np.testing.assert_allclose(resize_pixels(pixels, (16, 16)), 100, atol=20)


@given(*[st.integers(1, 60)] * 4, st.sampled_from([0.0, 1e-6, 1.0, 40.0]), st.floats(-9.5, 9.5))
def test_extremes_are_not_exceeded_by_as_much_as_a_rounding_error(
    rows, columns, height, width, spread, middle
):
    noise = np.random.default_rng(0).normal(middle, spread, (rows, columns)).astype(np.float32)
    noise = np.exp(noise.clip(-80, 80))  # neighbors of 1 and of 1e30

    resized = resize_map(noise, (height, width))

    assert noise.min() <= resized.min() and resized.max() <= noise.max()


@pytest.mark.parametrize("old", [(1, 1), (5, 1), (31, 17), (48, 64)])
@pytest.mark.parametrize("factors", [(1, 2), (1.07, 1.43), (2, 2), (3.3, 1)])
def test_enlarging_is_that_of_pillow(old, factors):
    new = tuple(math.ceil(side * factor) for side, factor in zip(old, factors, strict=True))
    noise = np.random.default_rng(0).normal(size=old).astype(np.float32)

    theirs = PIL.Image.fromarray(noise).resize(new[::-1], PIL.Image.Resampling.BILINEAR)

    np.testing.assert_allclose(resize_map(noise, new), np.asarray(theirs), atol=1e-6)


def test_channels_of_a_photo_stay_apart():
    pixels = np.zeros((20, 30, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 2] = 200, 100

    resized = resize_pixels(pixels, (7, 64))

    assert resized.shape == (7, 64, 3)
    np.testing.assert_array_equal(resized.reshape(-1, 3), [[200, 0, 100]] * (7 * 64))


@given(*[st.integers(1, 90)] * 4, st.integers(2, 9))
def test_a_photo_is_resized_along_rows_first_by_any_number_of_threads(
    rows, columns, height, width, threads
):
    pixels = np.random.default_rng(0).integers(0, 256, (rows, columns, 3), np.uint8)
    wide = PIL.Image.fromarray(pixels).resize((width, rows), PIL.Image.Resampling.BILINEAR)
    expected = np.asarray(wide.resize((width, height), PIL.Image.Resampling.BILINEAR))

    np.testing.assert_array_equal(resize_pixels(pixels, (height, width)), expected)
    np.testing.assert_array_equal(resize_pixels(pixels, (height, width), threads=threads), expected)


def test_what_fails_in_the_second_thread_is_told(monkeypatch):
    def exhausted(picture, *_args, **_options):
        if threading.current_thread() is not threading.main_thread():
            raise MemoryError
        return resize(picture, *_args, **_options)

    resize = PIL.Image.Image.resize
    monkeypatch.setattr(PIL.Image.Image, "resize", exhausted)

    with pytest.raises(MemoryError):
        resize_pixels(np.zeros((4, 4, 3), np.uint8), (8, 8), threads=2)


def test_the_same_size_changes_nothing():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 5, 3), dtype=np.uint8)

    np.testing.assert_array_equal(resize_pixels(pixels, (9, 5)), pixels)
    np.testing.assert_array_equal(resize_map(ramp(9, 5), (9, 5)), ramp(9, 5))


def test_truth_takes_the_pixel_under_the_new_center():
    values = np.arange(6, dtype=np.float32).reshape(1, 6)
    valid = np.array([[True, False, True, True, True, False]])

    third, third_valid = resize_truth(values, valid, (1, 2))
    half, _ = resize_truth(values, valid, (1, 3))
    double, _ = resize_truth(values, valid, (2, 12))

    np.testing.assert_array_equal(half, [[0, 2, 4]])  # the left one of two as near
    np.testing.assert_array_equal(third, [[1, 4]])
    np.testing.assert_array_equal(third_valid, [[False, True]])
    np.testing.assert_array_equal(double, [np.repeat(np.arange(6), 2)] * 2)


@given(old=st.integers(1, 40), new=st.integers(1, 90))
@settings(max_examples=100, deadline=None)
def test_truth_is_never_mixed_and_never_out_of_place(old, new):
    values = np.arange(old, dtype=np.float32)[None]

    resized, _ = resize_truth(values, values > 0, (1, new))

    centers = (np.arange(new) + 0.5) * old / new - 0.5
    assert np.isin(resized, values).all()
    assert np.abs(resized[0] - centers).max() <= 0.5 + 1e-6


@given(
    height=st.integers(2, 60),
    width=st.integers(2, 60),
    rows=st.integers(2, 60),
    columns=st.integers(2, 60),
)
@settings(max_examples=50, deadline=None)
def test_a_resized_camera_sees_each_place_in_the_same_direction(height, width, rows, columns):
    camera = Intrinsics(
        fx=50.0, fy=40.0, cx=7.3, cy=11.9, width=width, height=height, source="given"
    )

    resized = camera.resized(rows, columns)
    back = resized.resized(height, width)

    # The outer corner of the picture is the same ray before and after.
    before = ((width - 0.5 - camera.cx) / camera.fx, (height - 0.5 - camera.cy) / camera.fy)
    after = ((columns - 0.5 - resized.cx) / resized.fx, (rows - 0.5 - resized.cy) / resized.fy)
    assert after == pytest.approx(before)
    assert (back.fx, back.fy, back.cx, back.cy) == pytest.approx((50.0, 40.0, 7.3, 11.9))
    assert math.isclose(back.cx, camera.cx, abs_tol=1e-9)


@settings(deadline=None, max_examples=25)
@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_doubling_is_what_pillow_makes_of_it(height: int, width: int) -> None:
    values = np.random.default_rng(height).random((height, width), np.float32)
    expected = PIL.Image.fromarray(values).resize(
        (2 * width, 2 * height), PIL.Image.Resampling.BILINEAR
    )

    assert np.abs(resize_map(values, (2 * height, 2 * width)) - expected).max() < 1e-6


FORKS = """
import os, PIL.Image
from featherdepth.geometry.resize import resize_planes
picture = PIL.Image.new("RGB", (64, 48), "red")
before = resize_planes(picture, (32, 32), threads=2)  # its thread is not there after a fork
child = os.fork()
if not child:
    os._exit(0 if (resize_planes(picture, (32, 32), threads=2) == before).all() else 1)
raise SystemExit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_resizes_with_two_threads_as_well():
    # Of its own, since Python warns where a process with threads is forked.
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS], check=True, timeout=60)
