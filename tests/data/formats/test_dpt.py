"""Sintel's depth and cameras."""

import struct

import numpy as np
import pytest

from featherdepth.data.formats.dpt import read_cam, read_dpt
from featherdepth.errors import InputError

TAG = struct.pack("<f", 202021.25)


def test_width_comes_before_height_and_rows_from_the_top() -> None:
    data = TAG + struct.pack("<2i6f", 3, 2, 1, 2, 3, 4, 5, 6)

    np.testing.assert_array_equal(read_dpt(data, "f.dpt"), [[1, 2, 3], [4, 5, 6]])


def test_a_camera_is_its_first_matrix() -> None:
    matrix = np.array([[1120.0, 0, 511.5], [0, 1121.0, 217.5], [0, 0, 1]])
    data = TAG + matrix.tobytes() + np.full((3, 4), 9.0).tobytes()

    np.testing.assert_array_equal(read_cam(data, "f.cam"), matrix)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"JUNK" + bytes(8), "not with the tag of a Sintel file"),
        (TAG, "4 bytes for 0x0"),
        (TAG + struct.pack("<2i", -1, 2), "for -1x2 pixels"),
        (TAG + struct.pack("<2i3f", 2, 2, 1, 2, 3), "expected 28: the file is cut"),
    ],
)
def test_other_files_and_cut_ones_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_dpt(data, "f.dpt")


def test_a_cut_camera_is_refused() -> None:
    with pytest.raises(InputError, match="expected 172"):
        read_cam(TAG + bytes(100), "f.cam")
