"""Near is warm whichever kind a map is of, and pictures are what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherdepth.errors import UsageError
from featherdepth.images.colormap import colorize
from featherdepth.images.palettes import CONTROL_POINTS, palette
from featherdepth.types import Depth, DepthKind, Image

DISPARITY = DepthKind.AFFINE_INVARIANT_DISPARITY
DEPTHS = [DepthKind.METRIC, DepthKind.SCALE_INVARIANT, DepthKind.AFFINE_INVARIANT]


def depth_of(values, kind=DepthKind.AFFINE_INVARIANT, valid=None):
    values = np.asarray(values, dtype=np.float32)
    valid = np.ones(values.shape, dtype=bool) if valid is None else valid
    return Depth(values=values, valid=valid, kind=kind)


def ramp(kind, size=100):
    """From 1 at the left to 10 at the right: near to far, but far to near for disparity."""
    return depth_of(np.linspace(1, 10, size)[None].repeat(4, axis=0), kind)


@pytest.mark.parametrize("cmap", sorted(CONTROL_POINTS))
@pytest.mark.parametrize("kind", list(DepthKind))
def test_near_has_the_warm_end_and_far_the_cold_end(cmap, kind):
    picture = colorize(ramp(kind), cmap=cmap)

    near, far = picture[0, 0], picture[0, -1]
    if kind is DISPARITY:
        near, far = far, near
    np.testing.assert_array_equal(near, palette(cmap)[255])
    np.testing.assert_array_equal(far, palette(cmap)[0])


def test_the_tables_are_those_of_their_authors():
    # Entry 0, 128 and 255 of the published tables.
    assert palette("viridis")[[0, 128, 255]].tolist() == [
        [68, 1, 84],
        [33, 145, 140],
        [253, 231, 37],
    ]
    assert palette("turbo")[[0, 255]].tolist() == [[48, 18, 59], [122, 4, 3]]
    assert palette("Spectral_r")[[0, 255]].tolist() == [[94, 79, 162], [158, 1, 66]]
    np.testing.assert_array_equal(palette("gray"), np.arange(256)[:, None].repeat(3, axis=1))


def test_affine_depth_is_painted_linearly_in_reversed_depth():
    gray = colorize(ramp(DepthKind.AFFINE_INVARIANT, 101), cmap="gray")[0, :, 0].astype(float)

    # The quantiles of 2 % and 98 % are entries 2 and 98.
    expected = np.clip((98 - np.arange(101)) / 96 * 256 - 0.5, 0, 255)
    np.testing.assert_allclose(gray, expected, atol=0.6)


@pytest.mark.parametrize("kind", [DepthKind.METRIC, DepthKind.SCALE_INVARIANT])
def test_depth_with_a_zero_is_painted_in_disparity(kind):
    values = np.linspace(1, 10, 101)

    gray = colorize(depth_of(values[None], kind), cmap="gray")[0, :, 0].astype(float)

    near, far = 1 / values[2], 1 / values[98]
    expected = np.clip((1 / values - far) / (near - far) * 256 - 0.5, 0, 255)
    np.testing.assert_allclose(gray, expected, atol=0.6)


@given(
    scale=st.floats(0.01, 1000),
    shift=st.floats(-100, 100),
    kind=st.sampled_from([DISPARITY, DepthKind.AFFINE_INVARIANT]),
)
@settings(max_examples=30, deadline=None)
def test_an_unknown_scale_and_shift_do_not_show(scale, shift, kind):
    values = np.linspace(0, 1, 200)[None]

    plain = colorize(depth_of(values, kind), cmap="gray").astype(int)
    moved = colorize(depth_of(scale * values + shift * scale, kind), cmap="gray").astype(int)

    assert np.abs(moved - plain).max() <= 1


def test_pixels_without_a_depth_are_gray_and_do_not_stretch_the_colors():
    values = np.linspace(1, 10, 100)[None].repeat(4, axis=0).astype(np.float32)
    valid = np.ones(values.shape, dtype=bool)
    valid[2:] = False
    values[2:] = 0

    picture = colorize(depth_of(values, DepthKind.METRIC, valid))

    np.testing.assert_array_equal(picture[2:].reshape(-1, 3), [[128] * 3] * 200)
    np.testing.assert_array_equal(picture[:2], colorize(ramp(DepthKind.METRIC))[:2])


@pytest.mark.parametrize("kind", list(DepthKind))
def test_a_flat_or_empty_map_has_a_picture(kind):
    flat = colorize(depth_of(np.full((3, 4), 2.0), kind), cmap="gray", legend=True)
    nothing = colorize(depth_of(np.zeros((3, 4)), kind, np.zeros((3, 4), dtype=bool)), legend=True)

    assert (flat[:, :4] == 128).all()
    assert (nothing[:, :4] == 128).all()


def test_two_maps_share_one_scale_by_limits():
    first, second = np.linspace(1, 5, 50)[None], np.linspace(3, 9, 50)[None]
    pictures = [
        colorize(depth_of(values, DepthKind.METRIC), cmap="gray", limits=(1, 9))
        for values in (first, second)
    ]

    at_four = [
        p[0, np.abs(v - 4).argmin(), 0] for p, v in zip(pictures, (first, second), strict=True)
    ]

    assert abs(int(at_four[0]) - int(at_four[1])) <= 3
    assert pictures[0][0, 0, 0] == 255
    assert pictures[1][0, -1, 0] == 0


def test_limits_that_are_no_range_and_unknown_maps_are_refused():
    nan, inf = float("nan"), float("inf")
    for limits in ((0, 5), (5, 1), (2, 2), (nan, 5), (1, nan), (1, inf)):
        with pytest.raises(UsageError, match=r"no range of metric .*; expected finite 0 < near"):
            colorize(ramp(DepthKind.METRIC), limits=limits)
    for limits in ((2, 2), (nan, 5), (-inf, 5)):
        with pytest.raises(UsageError, match=r"no range of .*disparity .*finite near and far"):
            colorize(ramp(DISPARITY), limits=limits)
    both = [colorize(ramp(DISPARITY), limits=limits) for limits in ((1, 2), (2, 1))]
    assert (both[0] == both[1]).all()
    with pytest.raises(UsageError, match=r"unknown color map 'jet'; known: .*turbo"):
        colorize(ramp(DISPARITY), cmap="jet")


def test_the_photo_stands_at_the_left_at_the_height_of_the_map():
    photo = Image(pixels=np.full((20, 60, 3), 7, dtype=np.uint8))
    depth = depth_of(np.linspace(0, 1, 30)[None].repeat(10, axis=0))

    picture = colorize(depth, side_by_side=photo)

    assert picture.shape == (10, 60, 3)
    assert (picture[:, :30] == 7).all()
    np.testing.assert_array_equal(picture[:, 30:], colorize(depth))


@pytest.mark.parametrize("height", [1, 7, 40, 480, 3000])
@pytest.mark.parametrize("kind", list(DepthKind))
def test_the_legend_is_added_at_the_right_at_any_height(height, kind):
    depth = depth_of(np.linspace(1, 9, 20)[None].repeat(height, axis=0), kind)

    plain, with_legend = colorize(depth), colorize(depth, legend=True)

    assert with_legend.shape[0] == height
    assert with_legend.shape[1] > 40
    np.testing.assert_array_equal(with_legend[:, :20], plain)


def test_the_bar_of_the_legend_runs_from_near_at_the_top_to_far():
    depth = depth_of(np.linspace(1, 9, 20)[None].repeat(200, axis=0))

    legend = colorize(depth, legend=True, cmap="gray")[:, 20:].astype(int)

    bar = legend[12:-12, 10, 0]  # a column inside the bar, away from its frame
    assert bar[0] > 245
    assert bar[-1] < 10
    assert (np.diff(bar) <= 0).all()


def test_the_map_given_is_not_written_to():
    depth = ramp(DepthKind.METRIC)
    before = depth.values.copy()

    colorize(depth, legend=True)

    np.testing.assert_array_equal(depth.values, before)
