"""ETH3D's depth has no header: the photo says its size."""

import numpy as np
import pytest

from featherdepth.data.formats.raw_float import read_raw_float
from featherdepth.errors import InputError


def test_rows_follow_each_other_from_the_top() -> None:
    data = np.arange(6, dtype="<f4").tobytes()

    np.testing.assert_array_equal(read_raw_float(data, (2, 3), "d"), [[0, 1, 2], [3, 4, 5]])


def test_a_real_jpeg_and_the_size_of_an_undistorted_photo_are_refused() -> None:
    with pytest.raises(InputError, match="a JPEG picture; expected raw float32"):
        read_raw_float(b"\xff\xd8\xff\xe0" + bytes(20), (2, 3), "DSC_0286.JPG")
    with pytest.raises(InputError, match=r"24 bytes; expected 32 .* the distorted photos"):
        read_raw_float(bytes(24), (2, 4), "DSC_0286.JPG")
