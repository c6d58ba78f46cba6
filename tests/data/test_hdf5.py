"""HDF5 from strangers: only arrays that lie in the file itself are read."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from featherdepth.data.hdf5 import array_of, open_hdf5, take, texts
from featherdepth.errors import BackendError, InputError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


def read(path: Path, key: str = "x", ndim: int = 1, kinds: str = "f") -> np.ndarray:
    with open_hdf5(path, path.name) as file:
        return take(array_of(file, key, ndim=ndim, kinds=kinds, name=path.name))


def test_an_array_is_read(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3.0)

    assert read(path).tolist() == [0, 1, 2]


def test_links_to_other_files_are_refused(path: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.arange(3.0)
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("secret.h5", "x")
        file["y"] = h5py.SoftLink("/x")

    for key in "xy":
        with pytest.raises(InputError, match="a link to another place"):
            read(path, key)


def test_storage_in_other_files_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(os.urandom(64))
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape=(3,))
    with h5py.File(path, "w") as file:
        secret = [(str(tmp_path / "secret.txt"), 0, 64)]
        file.create_dataset("x", (8,), "f8", external=secret)
        file.create_virtual_dataset("y", layout)

    for key in "xy":
        with pytest.raises(InputError, match="lies in other files"):
            read(path, key)


def test_bombs_are_refused_before_they_are_unpacked(path: Path) -> None:
    huge = 1 << 33
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (huge,), "f4", chunks=(1 << 28,), compression="gzip")
        file.create_dataset("y", (huge,), "f4", chunks=(1 << 10,), compression="gzip")

    for key, reason in (("x", "chunks"), ("y", "too large")):
        # a chunk of exactly 1 GiB is still taken; the whole is not
        with pytest.raises(InputError, match=reason if key == "y" else "too large"):
            read(path, key)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (huge,), "f4", chunks=((1 << 28) + 1,), compression="gzip")
    with pytest.raises(InputError, match="chunks of"):
        read(path)


def test_other_forms_are_one_line(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
        file["t"] = "text"
        file.create_group("g")

    for key, reason in (
        ("none", "no 'none'; found g, t, x"),
        ("g", "'g' is not an array"),
        ("x", r"'x' is int64 \(3,\); expected 1 axes of kind f"),
        ("t", "expected 1 axes"),
    ):
        with pytest.raises(InputError, match=reason):
            read(path, key)


def test_damaged_and_missing_files_are_one_line(path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.h5: not found"):
        read(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(InputError, match="not a readable HDF5 file"):
        read(path)


def test_damage_anywhere_never_escapes(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(500.0), chunks=(50,), compression="gzip")
    good = path.read_bytes()
    random = np.random.default_rng(0)

    for _ in range(60):
        data = bytearray(good)
        for place in random.integers(0, len(good), 8):
            data[place] = random.integers(0, 256)
        path.write_bytes(data)
        try:
            read(path)
        except InputError as error:
            assert "\n" not in str(error)


def test_references_lead_to_short_texts_or_to_nothing(path: Path) -> None:
    def letters(text: str) -> np.ndarray:
        return np.array([ord(c) for c in text], dtype=np.uint16)

    with h5py.File(path, "w") as file:
        good = file.create_dataset("r/a", data=letters("hall")).ref
        long = file.create_dataset("r/b", data=letters("a" * 201)).ref
        number = file.create_dataset("r/c", data=np.arange(3.0)).ref
        cells = file.create_dataset("s", (5, 1), dtype=h5py.ref_dtype)
        for i, reference in enumerate((good, long, number, file["r"].ref)):
            cells[i, 0] = reference
        file["n"] = np.arange(5)
        file.create_dataset("scalar", (), dtype=h5py.ref_dtype)[()] = good

    with open_hdf5(path, "a") as file:
        assert texts(file, "s", 5) == ["hall", "", "", "", ""]
        assert texts(file, "s", 4) == [""] * 4
        assert texts(file, "n", 5) == [""] * 5
        assert texts(file, "none", 2) == ["", ""]
        assert texts(file, "scalar", 1) == [""]


def test_without_the_package_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)

    with (
        pytest.raises(BackendError, match=r"needs h5py; pip install 'featherdepth\[data\]'"),
        open_hdf5(Path("a.h5"), "a.h5"),
    ):
        pass
