"""NYUv2 with one HDF5 file a pair."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from featherdepth.data.doctor import examine
from featherdepth.data.nyu_hdf5 import NyuHdf5
from featherdepth.data.probe import recognise
from featherdepth.errors import InputError, UsageError

HEIGHT, WIDTH = 480, 640


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def metres(seed: int) -> np.ndarray:
    depth = np.random.default_rng(seed).uniform(1, 5, (HEIGHT, WIDTH)).astype(np.float32)
    depth[:3] = 0
    return depth


def write(path: Path, seed: int, depth: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["rgb"] = picture(seed).transpose(2, 0, 1)
        file["depth"] = metres(seed) if depth is None else depth


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "nyudepthv2"
    for number in (1, 2):
        write(root / f"val/official/{number:05d}.h5", number)
    write(root / "train/kitchen_0004/00001.h5", 7)
    return tmp_path


def open_pairs(root: Path, split: str | None = None) -> NyuHdf5:
    return NyuHdf5(NyuHdf5.Config(root=root, split=split))


def test_pictures_and_metres_come_back_exactly(tree: Path) -> None:
    reader = open_pairs(tree, "val")

    sample = reader[1]

    assert reader.keys == ["val/official/00001", "val/official/00002"]
    np.testing.assert_array_equal(sample.image.pixels, picture(2))
    assert sample.depth is not None
    np.testing.assert_array_equal(sample.depth.values, metres(2))
    np.testing.assert_array_equal(sample.depth.valid, metres(2) > 0)
    assert reader.usable(0) == (45, 41, 426, 560)
    assert reader.describe() == (
        "NYUv2 (HDF5), split val: 2 pairs of photo and depth (officially 654)"
    )


def test_splits_are_folders_and_groups_are_scenes(tree: Path) -> None:
    assert open_pairs(tree, "train").groups == ["train/kitchen_0004"]
    assert len(open_pairs(tree / "nyudepthv2")) == 3
    with pytest.raises(UsageError, match="no split 'test'; known: val, train"):
        open_pairs(tree, "test")


def test_the_folder_and_the_one_above_are_recognised(tree: Path) -> None:
    assert recognise(tree) == recognise(tree / "nyudepthv2") == "nyu_hdf5"


@pytest.mark.parametrize("factor", [1000, 10, 0.01])
def test_depth_that_cannot_be_metres_stops(tree: Path, factor: float) -> None:
    for number in (1, 2):
        path = tree / f"nyudepthv2/val/official/{number:05d}.h5"
        write(path, number, (metres(number) * factor).astype(np.float32))

    with pytest.raises(InputError, match="the unit, the scale or the file is another one"):
        open_pairs(tree, "val")


def test_one_map_that_cannot_be_metres_is_a_fault_of_that_pair(tree: Path) -> None:
    write(tree / "nyudepthv2/val/official/00002.h5", 2, metres(2) * np.float32(1000))

    reader = open_pairs(tree, "val")

    assert reader[0].depth is not None
    with pytest.raises(InputError, match="expected a median"):
        reader[1]


def test_empty_files_and_other_shapes_are_faults(tree: Path) -> None:
    root = tree / "nyudepthv2/val/official"
    (root / "00002.h5").write_bytes(b"")
    write(root / "00003.h5", 3, metres(3)[:240])
    write(root / "00004.h5", 4, np.zeros((HEIGHT, WIDTH), np.float32))

    reader = open_pairs(tree, "val")

    assert [s.reason for s in reader.skipped] == ["val/official/00002.h5: empty file"]
    with pytest.raises(InputError, match=r"rgb uint8 \(3, 480, 640\), depth \(240, 640\)"):
        reader[1]
    with pytest.raises(InputError, match="no measured pixel"):
        reader[2]


def test_nothing_there_names_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no usable pair; expected \.h5 files under val/official"):
        open_pairs(tmp_path)


def test_doctor_names_layout_count_and_unit_and_finds_nothing_wrong(tree: Path) -> None:
    found = examine(tree)

    assert (found["layout"], found["count"], found["stored"]) == ("nyu_hdf5", 3, "metres")
    assert found["faults"] == []
