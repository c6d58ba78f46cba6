"""PFM: rows from the bottom up, in either byte order."""

import numpy as np
import pytest

from featherdepth.data.formats.pfm import read_pfm
from featherdepth.errors import InputError


@pytest.mark.parametrize(("order", "scale"), [("<", b"-1.0"), (">", b"1")])
def test_the_first_stored_row_is_the_lowest(order: str, scale: bytes) -> None:
    stored = np.array([[3, 4, np.inf], [1, 2, 0]], dtype=f"{order}f4")

    values = read_pfm(b"Pf\n3 2\n" + scale + b"\n" + stored.tobytes(), "d.pfm")

    np.testing.assert_array_equal(values, [[1, 2, 0], [3, 4, np.inf]])
    assert values.dtype == np.float32


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PF\n1 1\n-1\n" + bytes(12), "expected a PFM of one channel"),
        (b"P5\n1 1\n-1\n" + bytes(4), "expected a PFM of one channel"),
        (b"", "expected a PFM"),
        (b"Pf\n2 1\n-1\n" + bytes(4), "4 bytes behind the header for 2x1"),
        (b"Pf\n0 1\n-1\n", "for 0x1 pixels"),
        (b"Pf\n1 1\n0\n" + bytes(4), "its sign says the byte order"),
        (b"Pf\n1 1\n-e\n" + bytes(4), "its sign says the byte order"),
    ],
)
def test_other_files_and_cut_ones_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_pfm(data, "d.pfm")
