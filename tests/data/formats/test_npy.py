"""NumPy arrays of depth and masks; nothing in them is run."""

import io

import numpy as np
import pytest

from featherdepth.data.formats.npy import read_npy, read_npy_mask
from featherdepth.errors import InputError


def saved(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16])
def test_both_shapes_and_all_number_types_are_read(dtype: type) -> None:
    array = np.array([[1, 2], [3, 4]], dtype=dtype)

    for data in (saved(array), saved(array[..., None])):
        values = read_npy(data, "d.npy")
        np.testing.assert_array_equal(values, array)
        assert values.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.bool_])
def test_a_mask_of_any_type_is_of_ones(dtype: type) -> None:
    mask = read_npy_mask(saved(np.array([[1, 0]], dtype=dtype)), "m.npy")

    assert mask.tolist() == [[True, False]]


def test_a_mask_of_255_is_refused_and_not_taken_for_empty() -> None:
    with pytest.raises(InputError, match="values up to 255; expected a mask of 0 and 1"):
        read_npy_mask(saved(np.array([[255, 0]])), "m.npy")


def test_columns_first_is_read_as_such() -> None:
    array = np.asfortranarray([[1.0, 2, 3], [4, 5, 6]])

    np.testing.assert_array_equal(read_npy(saved(array), "d.npy"), array)


def test_a_header_that_promises_terabytes_takes_no_memory() -> None:
    data = saved(np.zeros((10, 10))).replace(b"(10, 10), }     ", b"(999999, 999999), }")

    with pytest.raises(InputError, match=r"expected \d{13} of a float64 array"):
        read_npy(data, "d.npy")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        saved(np.zeros((2, 3)))[:-8],
        saved(np.array([{"a": 1}]), allow_pickle=True),
        saved(np.zeros((2, 3, 3))),
        saved(np.zeros((0, 3))),
        saved(np.array([["a", "b"]])),
    ],
)
def test_pickles_cut_files_and_other_shapes_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"d\.npy"):
        read_npy(data, "d.npy")
