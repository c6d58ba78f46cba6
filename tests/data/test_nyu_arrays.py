"""NYUv2's test pairs as NumPy arrays, perhaps in another unit."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.doctor import examine
from featherdepth.data.nyu_arrays import NyuArrays
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import InputError, UsageError
from nyu_pairs import depths, pictures


def write(root: Path, rgb: np.ndarray, depth: np.ndarray) -> Path:
    np.save(root / "eigen_test_rgb.npy", rgb)
    np.save(root / "eigen_test_depth.npy", depth)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, pictures(), depths())


def open_arrays(root: Path, **options: object) -> NyuArrays:
    return NyuArrays(NyuArrays.Config(root=root, **options))  # type: ignore[arg-type]


def test_pictures_and_metres_come_back_exactly(tree: Path) -> None:
    reader = pickle.loads(pickle.dumps(open_arrays(tree)))

    for index, sample in enumerate(reader):
        np.testing.assert_array_equal(sample.image.pixels, pictures()[index])
        assert sample.depth is not None
        np.testing.assert_array_equal(sample.depth.values, depths()[index])


@pytest.mark.parametrize("factor", [10, 0.1])
def test_scaled_depth_stops_until_its_scale_is_said(tmp_path: Path, factor: float) -> None:
    root = write(tmp_path, pictures(), depths() * factor)

    with pytest.raises(InputError, match="the unit, the scale or the file is another one"):
        open_arrays(root)
    depth = open_arrays(root, scale=1 / factor)[0].depth
    assert depth is not None
    np.testing.assert_allclose(depth.values, depths()[0], rtol=1e-6)


def test_a_pickle_in_place_of_numbers_is_never_opened(tmp_path: Path) -> None:
    write(tmp_path, pictures(), np.array([{"a": print}], dtype=object))

    with pytest.raises(InputError, match=r"eigen_test_depth\.npy: not a readable \.npy array"):
        open_arrays(tmp_path)


def test_other_shapes_and_cut_files_are_one_line(tree: Path) -> None:
    write(tree, pictures()[..., 0], depths())
    with pytest.raises(InputError, match=r"expected uint8 \(n, height, width, 3\)"):
        open_arrays(tree)
    write(tree, pictures(), depths()[:, 1:])
    with pytest.raises(InputError, match=r"float32 \(3, 5, 8\); expected numbers \(3, 6, 8\)"):
        open_arrays(tree)
    path = tree / "eigen_test_rgb.npy"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="not a readable"):
        open_arrays(tree)


def test_the_folder_is_recognised(tree: Path) -> None:
    assert recognise(tree) == "nyu_arrays"
    assert (
        open_data(tree, "test").describe().endswith("3 pairs of photo and depth (officially 654)")
    )
    with pytest.raises(UsageError, match="no split 'val'; known: test"):
        open_data(tree, "val")
    found = examine(tree)
    assert (found["layout"], found["count"], found["faults"]) == ("nyu_arrays", 3, [])
