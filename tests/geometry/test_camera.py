"""Depth becomes points by the pinhole formula, and only where a shape can be known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.camera import (
    assumed_intrinsics,
    from_fov_x,
    pixel_rays,
    points,
    unproject,
)
from featherdepth.geometry.span import span_of
from featherdepth.types import Depth, DepthKind, Intrinsics

AFFINE = DepthKind.AFFINE_INVARIANT
DISPARITY = DepthKind.AFFINE_INVARIANT_DISPARITY


def camera(width=2, height=2, focal=2.0, cx=0.5, cy=0.5):
    return Intrinsics(fx=focal, fy=focal, cx=cx, cy=cy, width=width, height=height, source="given")


def depth_of(values, kind=DepthKind.METRIC, valid=None, intrinsics=None):
    values = np.asarray(values, dtype=np.float32)
    valid = np.ones(values.shape, dtype=bool) if valid is None else np.asarray(valid)
    return Depth(values=values, valid=valid, kind=kind, intrinsics=intrinsics)


def test_the_assumed_camera_has_sixty_degrees_from_top_to_bottom():
    square = assumed_intrinsics(448, 448)
    wide = assumed_intrinsics(480, 640)

    assert square.fx == square.fy == pytest.approx(387.98, abs=0.01)
    assert (square.cx, square.cy, square.source) == (223.5, 223.5, "assumed")
    assert (wide.fx, wide.cx, wide.cy) == (pytest.approx(480 * 0.866025), 319.5, 239.5)
    assert (wide.width, wide.height) == (640, 480)


def test_a_field_of_view_gives_the_focal_length_in_pixels():
    assert from_fov_x(90, 480, 640).fx == pytest.approx(320)
    assert from_fov_x(90, 480, 640).source == "given"


def test_impossible_cameras_are_refused():
    with pytest.raises(UsageError, match="1 to 179"):
        from_fov_x(180, 480, 640)


def test_points_equal_the_values_done_by_hand():
    depth = depth_of([[1.0, 2.0], [3.0, 4.0]], intrinsics=camera())

    cloud = points(depth)

    expected = [[[-0.25, -0.25, 1], [0.5, -0.5, 2]], [[-0.75, 0.75, 3], [1, 1, 4]]]
    np.testing.assert_allclose(cloud, expected)


def test_rays_follow_the_focal_length_of_each_axis():
    intrinsics = Intrinsics(fx=2.0, fy=4.0, cx=1.0, cy=0.0, width=3, height=2, source="given")

    rays = pixel_rays(intrinsics)

    np.testing.assert_allclose(rays[1], [[-0.5, 0.25, 1], [0, 0.25, 1], [0.5, 0.25, 1]])
    assert rays.dtype == np.float32


@given(u=st.integers(0, 63), v=st.integers(0, 47), z=st.floats(0.1, 100), focal=st.floats(20, 500))
@settings(max_examples=50, deadline=None)
def test_a_point_projects_back_to_its_pixel(u, v, z, focal):
    intrinsics = camera(64, 48, focal, 31.2, 25.7)

    x, y, depth = unproject(np.full((48, 64), z, np.float32), pixel_rays(intrinsics))[v, u]

    assert depth == pytest.approx(z, rel=1e-6)
    assert x / depth * focal + intrinsics.cx == pytest.approx(u, abs=1e-3)
    assert y / depth * focal + intrinsics.cy == pytest.approx(v, abs=1e-3)


def test_a_mirrored_picture_with_a_mirrored_camera_gives_a_mirrored_cloud():
    intrinsics = camera(5, 4, 3.0, 1.2, 2.0)
    values = np.random.default_rng(0).uniform(1, 2, (4, 5)).astype(np.float32)

    cloud = points(depth_of(values, intrinsics=intrinsics))
    mirrored = points(depth_of(values[:, ::-1], intrinsics=intrinsics.flipped()))

    np.testing.assert_allclose(mirrored[:, ::-1] * [-1, 1, 1], cloud, atol=1e-6)


def test_pixels_without_a_depth_in_front_of_the_camera_have_no_point():
    depth = depth_of([[1.0, 0.0], [-2.0, 4.0]], valid=[[True, True], [True, False]])

    cloud = points(depth)

    np.testing.assert_array_equal(
        np.isnan(cloud).all(axis=-1), [[False, True], [True, True]], strict=True
    )


@pytest.mark.parametrize("kind", [AFFINE, DISPARITY])
def test_affine_kinds_need_a_stated_range(kind):
    with pytest.raises(InputError, match="--near-far 1,10"):
        points(depth_of([[1.0, 2.0]], kind))


@pytest.mark.parametrize("kind", [DepthKind.METRIC, DepthKind.SCALE_INVARIANT])
def test_kinds_with_a_shape_take_no_range(kind):
    with pytest.raises(UsageError, match="does not apply"):
        points(depth_of([[1.0, 2.0]], kind), near_far=(1, 10))


@pytest.mark.parametrize("near_far", [(0, 10), (10, 1), (1, 1), (1, float("inf")), (-1, 2)])
def test_a_range_that_is_none_is_refused(near_far):
    with pytest.raises(UsageError, match="0 < near < far"):
        points(depth_of([[1.0, 2.0]], AFFINE), near_far=near_far)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.01, -7.0), (300.0, 1000.0)])
def test_the_range_is_met_whatever_scale_and_shift_the_map_has(scale, shift):
    values = np.linspace(0, 1, 101).reshape(1, 101)

    z = points(depth_of(scale * values + shift, AFFINE), near_far=(1, 10))[0, :, 2]

    assert z[[2, 98]] == pytest.approx([1, 10], rel=1e-3)
    assert z[50] == pytest.approx(5.5, rel=1e-3)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (300.0, 1000.0)])
def test_disparity_is_mapped_in_disparity(scale, shift):
    values = np.linspace(0, 1, 101).reshape(1, 101)

    z = points(depth_of(scale * values + shift, DISPARITY), near_far=(1, 10))[0, :, 2]

    assert z[[2, 98]] == pytest.approx([10, 1], rel=1e-3)
    assert z[50] == pytest.approx(1 / 0.55, rel=1e-3)
    assert (np.diff(z) < 0).all()


def test_disparity_far_below_the_range_stays_at_a_finite_distance():
    values = np.linspace(0, 1, 101).reshape(1, 101)
    values[0, 0] = -100

    z = points(depth_of(values, DISPARITY), near_far=(1, 10))[0, :, 2]

    assert z[0] == pytest.approx(100)


@pytest.mark.parametrize("near_far", [(1, 10), (1, 50), (2, 3)])
def test_affine_depth_before_the_range_stays_in_front_of_the_camera_in_its_order(near_far):
    near = near_far[0]
    values = np.linspace(0, 1, 1001).reshape(1, 1001)
    values[0, 0] = -30

    z = points(depth_of(values, AFFINE), near_far=near_far)[0, :, 2]

    assert (np.diff(z) > 0).all() and near / 2 < z[0] < near / 2 * 1.1
    steps = np.diff(z[19:23])  # no corner where the line begins to bend
    assert steps == pytest.approx(float(steps[-1]), rel=0.2)


@pytest.mark.parametrize("kind", [AFFINE, DISPARITY])
def test_a_flat_map_gives_a_plane(kind):
    z = points(depth_of(np.full((3, 4), -0.5), kind), near_far=(2, 8))[..., 2]

    assert np.unique(z).tolist() == [2.0 if kind is AFFINE else 8.0]


def test_the_span_of_a_large_map_is_that_of_all_of_it():
    # Two columns in turn: a stride of even length would see only one of them.
    values = np.tile(np.array([0, 1], np.float32), (1500, 500))
    values += np.linspace(0, 1, 1500, dtype=np.float32)[:, None]

    low, high = span_of(values.reshape(-1))

    assert (low, high) == pytest.approx(tuple(np.quantile(values, (0.02, 0.98))), abs=5e-3)


def test_the_span_leaves_out_invalid_pixels():
    values = np.array([[0.0, 1.0, 2.0, 99.0]], dtype=np.float32)
    valid = np.array([[True, True, True, False]])

    depth = Depth(values=values, valid=valid, kind=AFFINE)
    nothing = Depth(values=values, valid=valid & False, kind=AFFINE)

    assert span_of(depth.known, 0, 1) == (0.0, 2.0)
    assert span_of(nothing.known) == (0.0, 0.0)
