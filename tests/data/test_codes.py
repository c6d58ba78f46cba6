"""Depth pictures are read as the integers they store."""

import io

import numpy as np
import pytest
from PIL import Image

from featherdepth.data.codes import code_size, read_codes
from featherdepth.errors import InputError

VALUES = [[0, 1, 200], [255, 77, 3]]


def file_of(array: np.ndarray, suffix: str, mode: str | None = None) -> bytes:
    stream = io.BytesIO()
    picture = Image.fromarray(array)
    (picture if mode is None else picture.convert(mode)).save(stream, suffix)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("dtype", "suffix", "top"),
    [
        ("uint8", "PNG", 255),
        ("uint16", "PNG", 65535),
        ("uint16", "TIFF", 65535),
        ("int32", "TIFF", 100_000),
        (">u2", "TIFF", 65535),
    ],
)
def test_codes_come_back_exactly(dtype: str, suffix: str, top: int) -> None:
    array = np.array([*VALUES, [top, top - 1, 5]]).astype(dtype)

    codes = read_codes(file_of(array, suffix), "d")

    assert codes.dtype == np.int32
    np.testing.assert_array_equal(codes, array.astype(np.int64))


@pytest.mark.parametrize("mode", ["RGB", "P", "1", "LA"])
def test_pictures_with_colors_are_refused(mode: str) -> None:
    data = file_of(np.array(VALUES, dtype=np.uint8), "PNG", mode)

    with pytest.raises(InputError, match=f"depth picture of mode {mode}"):
        read_codes(data, "d")


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_depth_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^d: (is empty|is not a photo|damaged PNG)"):
        read_codes(data, "d")


@pytest.mark.parametrize("length", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_refused(length: float) -> None:
    array = np.random.default_rng(0).integers(0, 60000, (40, 50), dtype=np.uint16)
    data = file_of(array, "PNG")

    with pytest.raises(InputError, match=r"^d: damaged"):
        read_codes(data[: int(length * len(data))], "d")


def test_a_bomb_is_refused_from_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherdepth.data.codes.MAX_PIXELS", 5)

    with pytest.raises(InputError, match="too many"):
        read_codes(file_of(np.array(VALUES, dtype=np.uint8), "PNG"), "d")


def test_the_size_is_height_then_width() -> None:
    assert code_size(file_of(np.array(VALUES, dtype=np.uint8), "PNG"), "d") == (2, 3)
