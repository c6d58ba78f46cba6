"""Cameras as KITTI, VOID, ScanNet, Sintel and Middlebury write them."""

import pytest

from featherdepth.data.cameras import read_matrix, read_middlebury
from featherdepth.errors import InputError


@pytest.mark.parametrize(
    "text",
    [
        "7.2e+02 0 609.5 0 7.1e+02 172.5 0 0 1",
        "720 0 609.5\n0 710 172.5\n0 0 1\n",
        "720 0 609.5 0\n0 710 172.5 0\n0 0 1 0\n0 0 0 1\n",
    ],
)
def test_nine_and_sixteen_numbers_are_read_by_rows(text: str) -> None:
    assert read_matrix(text.encode(), "k.txt") == (720, 710, 609.5, 172.5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 2 3", "3 numbers; expected 9 or 16"),
        ("a b c", "not a matrix of numbers"),
        ("0 0 1 0 0 1 0 0 1", "expected focal lengths above 0"),
        ("nan 0 1 0 1 1 0 0 1", "expected focal lengths above 0"),
    ],
)
def test_what_is_no_camera_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_matrix(text.encode(), "k.txt")


def test_middleburys_baseline_becomes_metres() -> None:
    stereo = read_middlebury(
        b"cam0=[994.978 0 311.193; 0 994.978 254.877; 0 0 1]\r\ncam1=[1 0 0; 0 1 0; 0 0 1]\r\n"
        b"doffs=31.086\r\nbaseline=193.001\r\nwidth=741\r\nheight=497\r\n",
        "calib.txt",
    )

    assert stereo.camera == (994.978, 994.978, 311.193, 254.877)
    assert (stereo.baseline_m, stereo.doffs) == pytest.approx((0.193001, 31.086))


@pytest.mark.parametrize(
    "text", ["", "cam0=[1 0; 0 1]\ndoffs=0\nbaseline=1", "cam0=[1 0 0; 0 1 0; 0 0 1]\ndoffs=0"]
)
def test_a_calibration_that_lacks_something_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="needs cam0, doffs and baseline"):
        read_middlebury(text.encode(), "calib.txt")
