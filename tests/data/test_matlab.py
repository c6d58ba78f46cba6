"""MATLAB v5 files as SciPy writes them come back; damaged and hostile ones are one line."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from featherdepth.data.matlab import load_v5, version_of
from featherdepth.errors import InputError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.mat"


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_come_back(path: Path, compressed: bool) -> None:
    scipy.io.savemat(path, {"x": np.eye(2), "y": 1}, do_compression=compressed)

    found = load_v5(path, ("x",), "a.mat")

    assert list(found) == ["x"]
    np.testing.assert_array_equal(found["x"], np.eye(2))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_variable_that_declares_too_much_is_refused(path: Path, compressed: bool) -> None:
    scipy.io.savemat(path, {"x": np.zeros(10_000)}, do_compression=compressed)

    with pytest.raises(InputError, match="unpacks to 0 MiB, which is too much"):
        load_v5(path, ("x",), "a.mat", limit=79_999)
    assert len(load_v5(path, ("x",), "a.mat", limit=81_000)["x"]) == 1


def test_a_bomb_is_refused_unread(path: Path) -> None:
    scipy.io.savemat(path, {"x": np.zeros(1)})
    file = path.read_bytes()
    inner = zlib.compress(struct.pack("<II", 14, 0xFFFFFFF0) + file[136:])
    path.write_bytes(file[:128] + struct.pack("<II", 15, len(inner)) + inner)

    with pytest.raises(InputError, match="unpacks to 4095 MiB, which is too much"):
        load_v5(path, ("x",), "a.mat", limit=1 << 30)


def test_other_versions_and_missing_variables_are_one_line(path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.mat: not found"):
        load_v5(path, ("x",), "a.mat")
    path.write_bytes(b"no MATLAB")
    with pytest.raises(InputError, match="not a MATLAB file; expected a MATLAB v5 file"):
        load_v5(path, ("x",), "a.mat")
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    with pytest.raises(InputError, match=r"v7\.3; expected a MATLAB v5 file"):
        load_v5(path, ("x",), "a.mat")
    scipy.io.savemat(path, {"y": 1})
    with pytest.raises(InputError, match="no variable 'x'"):
        load_v5(path, ("x",), "a.mat")


def test_the_version_is_told_by_the_header_of_both_byte_orders(path: Path) -> None:
    for header, version in ((b"\x00\x01IM", "v5"), (b"\x01\x00MI", "v5"), (b"\x02\x00MI", "v7.3")):
        path.write_bytes(bytes(124) + header)
        assert version_of(path) == version
    path.write_bytes(bytes(128))
    assert version_of(path) is None
    assert version_of(path.parent) is None


def test_damage_anywhere_never_escapes(path: Path) -> None:
    # Uncompressed: damage reaches the tags instead of failing the checksum.
    scipy.io.savemat(path, {"data": {"rgb": np.arange(12), "depth": np.eye(3), "n": "text"}})
    good = path.read_bytes()
    random = np.random.default_rng(0)

    for _ in range(400):
        data = bytearray(good)
        for place in random.integers(124, len(good), 4):
            data[place] = random.integers(0, 256)
        path.write_bytes(data)
        try:
            load_v5(path, ("data",), "a.mat", limit=1 << 20)
        except InputError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "bool"]
)
def test_every_type_of_number_comes_back_as_it_is(path: Path, dtype: str, compressed: bool) -> None:
    array = (np.arange(24) % 2 if dtype == "bool" else np.arange(24)).astype(dtype)
    array = array.reshape(2, 3, 4)
    scipy.io.savemat(path, {"x": array}, do_compression=compressed)

    found = load_v5(path, ("x",), "a.mat")["x"]

    assert isinstance(found, np.ndarray)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)


def test_texts_cells_and_structs_come_back(path: Path) -> None:
    cell = np.empty((1, 3), dtype=object)
    cell[0, 0], cell[0, 1], cell[0, 2] = "a/é", np.eye(2), ""
    record = {"rgb": np.arange(6).reshape(2, 3), "name": "hall", "inner": {"x": 2.5}}
    scipy.io.savemat(path, {"c": cell, "s": record, "t": "text"})

    found = load_v5(path, ("c", "s", "t"), "a.mat")

    assert found["t"] == "text"
    texts = found["c"]
    assert isinstance(texts, list)
    assert (texts[0], texts[2]) == ("a/é", "")
    np.testing.assert_array_equal(texts[1], np.eye(2))
    table = found["s"]
    assert isinstance(table, dict)
    assert list(table) == ["rgb", "name", "inner"]
    np.testing.assert_array_equal(table["rgb"], [[0, 1, 2], [3, 4, 5]])
    assert table["name"] == "hall"
    assert table["inner"]["x"] == 2.5


def test_both_byte_orders_and_small_stored_types_are_read(path: Path) -> None:
    # MATLAB stores the double array [1 2] as bytes; here big-endian, written by hand.
    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")

    parts = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", 1, 2))
    parts += struct.pack(">HH4s", 1, 1, b"x") + element(2, bytes([1, 2]))
    path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + element(14, parts))

    found = load_v5(path, ("x",), "a.mat")["x"]

    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64
    assert found.tolist() == [[1.0, 2.0]]


def test_a_text_that_claims_more_than_there_is_is_refused(path: Path) -> None:
    head = struct.pack("<IIII", 6, 8, 4, 0) + struct.pack("<IIii", 5, 8, 1, 3)
    text = struct.pack("<HH4s", 1, 1, b"x") + struct.pack("<II8s", 16, 30, b"abc")
    file = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    path.write_bytes(file + struct.pack("<II", 14, len(head + text)) + head + text)

    with pytest.raises(InputError, match="it ends too early"):
        load_v5(path, ("x",), "a.mat")
    path.write_bytes(path.read_bytes().replace(b"\x1e\0\0\0abc", b"\x03\0\0\0abc"))
    assert load_v5(path, ("x",), "a.mat") == {"x": "abc"}


def test_what_is_not_data_is_refused(path: Path) -> None:
    scipy.io.savemat(path, {"x": scipy.sparse.eye_array(3)})
    with pytest.raises(InputError, match="an array of class 5, which is not read"):
        load_v5(path, ("x",), "a.mat")
    scipy.io.savemat(path, {"x": np.array([1j])})
    with pytest.raises(InputError, match="class 6, which is not read"):
        load_v5(path, ("x",), "a.mat")
    deep: object = 1.0
    for _ in range(10):
        deep = {"a": deep}
    scipy.io.savemat(path, {"x": deep})
    with pytest.raises(InputError, match="more than 8 deep"):
        load_v5(path, ("x",), "a.mat")


def test_a_cut_file_is_one_line(path: Path) -> None:
    for compressed in (False, True):
        scipy.io.savemat(
            path, {"x": np.random.default_rng(0).random(99)}, do_compression=compressed
        )
        good = path.read_bytes()
        for end in range(129, len(good), 37):
            path.write_bytes(good[:end])
            with pytest.raises(InputError, match=r"a\.mat: not a readable MATLAB file"):
                load_v5(path, ("x",), "a.mat")
