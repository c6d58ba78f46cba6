"""Measured points as programs hold them: arrays, lists, files, or depth already."""

import numpy as np
import pytest

from featherdepth import read_sparse, sparse_depth
from featherdepth.errors import InputError

SIZE = (4, 6)
ROWS = [(3, 1, 2.5), (0, 0, 1.0)]


def test_a_map_rows_and_a_file_say_the_same(tmp_path):
    values = np.full(SIZE, np.nan)
    values[1, 3], values[0, 0], values[2, 2] = 2.5, 1.0, 0
    path = tmp_path / "points.csv"
    path.write_text("\n".join(f"{u},{v},{m}" for u, v, m in ROWS))

    found = [sparse_depth(points, size=SIZE) for points in (values, ROWS, np.array(ROWS), path)]

    for depth in found:
        assert np.argwhere(depth.valid).tolist() == [[0, 0], [1, 3]]
        np.testing.assert_array_equal(depth.values[depth.valid], np.float32([1, 2.5]))
    assert sparse_depth(str(path), size=SIZE).values.tolist() == found[0].values.tolist()
    assert sparse_depth(found[0], size=SIZE) is found[0]
    assert read_sparse(path, size=SIZE).values.tolist() == found[0].values.tolist()


def test_what_is_masked_was_not_measured():
    meters = np.ma.masked_array(np.full(SIZE, 2, np.uint16), mask=np.ones(SIZE, bool))
    meters.mask[1, 3] = False

    assert np.argwhere(sparse_depth(meters, size=SIZE).valid).tolist() == [[1, 3]]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (np.ones(3), r"shape \(3,\); expected \(height, width\) of meters, or rows"),
        ([(1, 2, 3), (1, 2)], "expected .height, width. of meters"),
        (np.zeros(SIZE), "no measured point"),
        (np.ones((3, 5)), "5x3 pixels, but the picture has 6x4"),
        ([(1, 2, -3)], "depth down to -3"),
        ([(9, 2, 3)], "none of 1 points lies inside"),
        ([(1, 2, 2000)], r"would be 2000 m; .* mostly millimetres \(divide by 1000\)"),
        ([(1, 2, 0.002)], "numbers this small are no metres"),
        (np.ones(SIZE, bool), "true or false; expected meters"),
    ],
)
def test_what_cannot_be_right_is_one_line(points, said):
    with pytest.raises(InputError, match=said) as caught:
        sparse_depth(points, size=SIZE)
    assert "\n" not in str(caught.value)
