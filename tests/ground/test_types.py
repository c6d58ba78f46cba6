"""Values of wrong shape or dtype are refused at the door; cameras follow the picture."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from featherdepth.images.read_depth import read_depth
from featherdepth.types import Depth, DepthKind, Image, Intrinsics

CAMERA = Intrinsics(fx=500.0, fy=510.0, cx=319.5, cy=239.5, width=640, height=480, source="given")
VALID = np.ones((2, 3), dtype=bool)


def test_a_kind_may_be_written_as_text_outside_of_type_checks():
    program = """
import numpy as np
from featherdepth import Depth, DepthKind
one = np.ones((2, 3), np.float32)
assert Depth(values=one, valid=one > 0, kind="metric").kind is DepthKind.METRIC
try:
    Depth(values=one, valid=one > 0, kind="meter")
except ValueError as error:
    print(error)
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert found.stdout == "'meter' is not a valid DepthKind\n", found.stderr


@pytest.mark.parametrize(
    ("values", "valid"),
    [
        (np.zeros((2, 3), np.float64), VALID),
        (np.zeros((2, 3, 1), np.float32), VALID),
        (np.zeros((2, 3), np.float32), VALID[:1]),
        (np.full((2, 3), np.nan, np.float32), VALID),
    ],
    ids=["float64", "three axes", "mask of another size", "NaN"],
)
def test_a_depth_that_would_mislead_is_refused(values, valid):
    # With the shape checks of the tests off, as users have it, the class itself refuses.
    with pytest.raises(Exception, match=r"must be|float32|Type-check"):
        Depth(values=values, valid=valid, kind=DepthKind.METRIC)


def test_a_camera_of_another_size_is_refused_before_a_file_has_it():
    with pytest.raises(ValueError, match=r"of 480x640 but the map is 2x3; .*Intrinsics.resized"):
        Depth(
            values=VALID.astype(np.float32), valid=VALID, kind=DepthKind.METRIC, intrinsics=CAMERA
        )


def test_a_camera_of_numbers_of_numpy_is_saved_as_any(tmp_path: Path):
    program = """
import sys
import numpy as np
from featherdepth import Depth, Intrinsics, save
one = np.ones((2, 3), np.float32)
k = np.array([[5, 0, 1], [0, 4, 0], [0, 0, 1]], sys.argv[2])
given = Intrinsics.given(k[0, 0], k[1, 1], k[0, 2], k[1, 2], size=tuple(np.array(one.shape)))
save(Depth(values=one, valid=one > 0, kind="metric", intrinsics=given), sys.argv[1])
"""
    camera = Intrinsics.given(5.0, 4.0, 1.0, 0.0, size=(2, 3))
    for dtype in ("float32", "int64"):
        # As users have it: the tests' own checks of types take no number of NumPy.
        command = [sys.executable, "-c", program, str(tmp_path / "a.png"), dtype]
        found = subprocess.run(command, capture_output=True, text=True, check=False)

        assert found.returncode == 0, found.stderr
        assert read_depth(tmp_path / "a.png").intrinsics == camera


def test_pictures_are_8_bit_rgb():
    with pytest.raises(Exception, match=r"uint8|Type-check"):
        Image(pixels=np.zeros((2, 2, 3), np.float32))


def test_only_metric_depth_has_a_unit_and_only_disparity_is_larger_when_nearer():
    assert [
        k for k in DepthKind if Depth(values=np.zeros((2, 3), np.float32), valid=VALID, kind=k).unit
    ] == [DepthKind.METRIC]
    assert [k for k in DepthKind if k.larger_is == "nearer"] == [
        DepthKind.AFFINE_INVARIANT_DISPARITY
    ]


def test_the_centre_stays_the_centre_when_a_picture_is_resized():
    half = CAMERA.resized(240, 320)

    assert (half.cx, half.cy) == (159.5, 119.5)
    assert (half.fx, half.fy) == (250, 255)
    assert half.resized(480, 640) == CAMERA


def test_a_crop_moves_the_principal_point_and_a_flip_mirrors_it():
    crop = CAMERA.cropped(top=10, left=20, height=100, width=200)

    assert (crop.cx, crop.cy, crop.fx) == (299.5, 229.5, 500)
    assert crop.flipped().cx == 199 - 299.5
    assert crop.flipped().flipped() == crop


@pytest.mark.parametrize(
    ("name", "value"), [("fx", 0.0), ("fy", -500.0), ("fx", np.nan), ("fy", np.inf), ("cx", np.nan)]
)
def test_numbers_that_are_no_camera_are_refused(name, value):
    with pytest.raises(ValueError, match="expected finite numbers, focal lengths above 0"):
        replace(CAMERA, **{name: value})


def test_a_map_is_told_in_a_line():
    values = np.array([[1.5, 2, 0]], np.float32)
    depth = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)
    nothing = replace(depth, valid=np.zeros((1, 3), np.bool_), kind=DepthKind.SCALE_INVARIANT)
    photo = Image(pixels=np.zeros((4, 6, 3), np.uint8), name="room.jpg")

    assert repr(depth) == "<Depth 1x3 metric, 2 pixels valid, 1.5 to 2 m>"
    assert repr(nothing) == "<Depth 1x3 scale_invariant, nothing valid>"
    assert repr(photo) == "<Image room.jpg, 4x6>"
