"""`test.mat` of LeReS: pairs stored transposed, perhaps in another unit."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from featherdepth.data.doctor import examine
from featherdepth.data.nyu_leres import NyuLeres
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import InputError, UsageError
from nyu_pairs import depths, pictures


def write(root: Path, depth: np.ndarray, **others: np.ndarray) -> Path:
    images = pictures().transpose(0, 3, 2, 1)
    arrays = {"rgbs": images, "depths": depth.transpose(0, 2, 1), **others}
    scipy.io.savemat(root / "test.mat", arrays, do_compression=True)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, depths())


def open_test(root: Path, **options: object) -> NyuLeres:
    return NyuLeres(NyuLeres.Config(root=root, **options))  # type: ignore[arg-type]


def test_pictures_and_metres_come_back_exactly(tree: Path) -> None:
    for index, sample in enumerate(open_test(tree)):
        np.testing.assert_array_equal(sample.image.pixels, pictures()[index])
        assert sample.depth is not None
        np.testing.assert_array_equal(sample.depth.values, depths()[index])


@pytest.mark.parametrize("factor", [10, 0.1])
def test_scaled_depth_stops_until_its_scale_is_said(tmp_path: Path, factor: float) -> None:
    # Trap 31: depth times ten goes around under the same name.
    root = write(tmp_path, (depths() * factor).astype(np.float32))

    with pytest.raises(InputError, match="the unit, the scale or the file is another one"):
        open_test(root)
    depth = open_test(root, scale=1 / factor)[0].depth
    assert depth is not None
    np.testing.assert_allclose(depth.values, depths()[0], rtol=1e-6)


def test_other_axes_are_refused(tmp_path: Path) -> None:
    root = write(tmp_path, depths(), rgbs=pictures())

    with pytest.raises(InputError, match=r"expected \(n, 3, width, height\)"):
        open_test(root)


def test_other_types_are_refused(tmp_path: Path) -> None:
    images = pictures().transpose(0, 3, 2, 1).astype(np.float32)
    root = write(tmp_path, depths(), rgbs=images)

    with pytest.raises(InputError, match=r"rgbs of float32, .* expected uint8"):
        open_test(root)


def test_a_pickle_does_not_carry_the_file(tree: Path) -> None:
    reader = open_test(tree)

    data = pickle.dumps(reader)
    copy = pickle.loads(data)

    assert pictures().transpose(0, 3, 2, 1).tobytes(order="F") not in data
    assert copy[2].key == "0003"


def test_the_file_and_its_folder_are_recognised(tree: Path) -> None:
    assert recognise(tree) == recognise(tree / "test.mat") == "nyu_leres"
    assert (
        open_data(tree, "test").describe().endswith("3 pairs of photo and depth (officially 654)")
    )
    with pytest.raises(UsageError, match="no split 'val'; known: test"):
        open_data(tree, "val")
    with pytest.raises(UsageError, match="scale 0"):
        open_data(tree, scale=0.0)


def test_doctor_names_layout_count_and_unit_and_finds_nothing_wrong(tree: Path) -> None:
    found = examine(tree)

    assert (found["layout"], found["count"], found["stored"]) == ("nyu_leres", 3, "metres")
    assert found["faults"] == []
