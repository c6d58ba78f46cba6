"""The labelled NYUv2 file: reversed axes, two truths, a split that counts from 1."""

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from featherdepth.data.doctor import examine
from featherdepth.data.nyu_labelled import NyuLabelled
from featherdepth.data.probe import open_data, recognise
from featherdepth.data.reader import stream
from featherdepth.errors import InputError, UsageError

HEIGHT, WIDTH = 6, 8
TRAIN, TEST = [3, 4], [1, 2, 5]


def pictures(count: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(n, h, w, 3), every value another one as far as 8 bits go."""
    return (np.arange(count * height * width * 3) % 251).reshape(count, height, width, 3)


def depths(count: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(n, h, w) metres from 1 to 4, every pixel of a map another one."""
    steps = np.arange(height * width).reshape(height, width) * (3 / (height * width))
    return np.stack([1 + steps + 0.001 * i for i in range(count)]).astype(np.float32)


def with_holes(metres: np.ndarray) -> np.ndarray:
    raw = metres.copy()
    raw[:, :2, :3] = 0
    return raw


def write_mat73(path: Path, arrays: dict[str, np.ndarray], scenes: list[str]) -> None:
    """As MATLAB writes v7.3: 512 bytes of its own in front, and all axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            # MATLAB has (h, w, 3, n) with the first axis fastest: HDF5 sees (n, 3, w, h).
            reverse = array.transpose(0, 3, 2, 1) if array.ndim == 4 else array.transpose(0, 2, 1)
            chunk = (1, *reverse.shape[1:])
            file.create_dataset(name, data=reverse, chunks=chunk, compression="gzip")
            kind = "uint8" if array.dtype == np.uint8 else "single"
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
        cells = file.create_dataset("scenes", (1, len(scenes)), dtype=h5py.ref_dtype)
        for i, scene in enumerate(scenes):
            letters = np.array([[ord(c)] for c in scene], dtype=np.uint16)
            cells[0, i] = file.create_dataset(f"#refs#/{i}", data=letters).ref
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(124)
    with path.open("r+b") as stream:
        stream.write(header + b"\x00\x02IM")


def write_splits(path: Path, train: list[int], test: list[int]) -> None:
    column = {"trainNdxs": train, "testNdxs": test}
    scipy.io.savemat(path, {k: np.array(v, dtype=np.uint16)[:, None] for k, v in column.items()})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Five pairs with both truths and the split beside them."""
    filled = depths(5)
    arrays = {
        "images": pictures(5).astype(np.uint8),
        "depths": filled,
        "rawDepths": with_holes(filled),
    }
    scenes = ["kitchen_0004", "kitchen_0004", "office_0001", "office_0002", "bath_0003"]
    write_mat73(tmp_path / "nyu_depth_v2_labeled.mat", arrays, scenes)
    write_splits(tmp_path / "splits.mat", TRAIN, TEST)
    return tmp_path


@pytest.fixture
def change(tree: Path) -> Callable[..., Path]:
    """Write arrays of the file anew."""

    def write(**arrays: np.ndarray) -> Path:
        with h5py.File(tree / "nyu_depth_v2_labeled.mat", "r+") as file:
            for name, array in arrays.items():
                del file[name]
                file[name] = array
        return tree

    return write


def open_labelled(root: Path, **options: object) -> NyuLabelled:
    return NyuLabelled(NyuLabelled.Config(root=root, **options))  # type: ignore[arg-type]


def test_pictures_and_metres_come_back_exactly(tree: Path) -> None:
    for index, sample in enumerate(open_labelled(tree, truth="filled")):
        np.testing.assert_array_equal(sample.image.pixels, pictures(5)[index])
        assert sample.depth is not None
        np.testing.assert_array_equal(sample.depth.values, depths(5)[index])
        assert sample.depth.valid.all()


def test_raw_depth_is_the_default_and_its_holes_are_not_truth(tree: Path) -> None:
    # Trap 1: filled in place of raw depth moves abs_rel by 20 %.
    depth = open_labelled(tree)[2].depth

    assert depth is not None
    np.testing.assert_array_equal(depth.values, with_holes(depths(5))[2])
    assert not depth.valid[:2, :3].any()
    assert depth.valid.sum() == HEIGHT * WIDTH - 6


def test_the_name_says_which_truth_it_is(tree: Path) -> None:
    assert open_labelled(tree, truth="raw").describe().startswith("NYUv2 labelled (raw depth)")
    assert open_labelled(tree, truth="filled").name == "NYUv2 labelled (filled depth)"


@pytest.mark.parametrize("truth", ["raw", "filled"])
def test_the_other_truth_under_this_name_is_refused(
    change: Callable[..., Path], truth: str
) -> None:
    # Trap 1, planted: a re-packed file with the two exchanged.
    filled = depths(5).transpose(0, 2, 1)
    tree = change(depths=with_holes(depths(5)).transpose(0, 2, 1), rawDepths=filled)

    with pytest.raises(InputError, match=r"holes; expected .* it is the other truth"):
        open_labelled(tree, truth=truth)


def test_the_split_counts_from_one(tree: Path) -> None:
    test = open_labelled(tree, split="test", truth="filled")

    assert test.keys == ["0001", "0002", "0005"]
    assert test[0].depth is not None
    np.testing.assert_array_equal(test[0].depth.values, depths(5)[0])
    np.testing.assert_array_equal(test[2].image.pixels, pictures(5)[4])
    assert open_labelled(tree, split="train").keys == ["0003", "0004"]


def test_groups_are_scenes(tree: Path) -> None:
    assert open_labelled(tree, split="test").groups == ["kitchen_0004", "kitchen_0004", "bath_0003"]


def test_a_count_that_is_not_the_official_one_is_said(tree: Path) -> None:
    assert open_labelled(tree, split="test").describe().endswith("depth (officially 654)")


@pytest.mark.parametrize(
    ("train", "test", "reason"),
    [
        ([2, 3], [0, 1, 4], "5 numbers from 0 to 4; expected each of 1 to 5 once"),
        ([3, 4], [1, 2, 4], "expected each of 1 to 5 once"),
        ([3, 4], [1, 2], "4 numbers from 1 to 4"),
        ([3, 4], [1, 2, 6], "from 1 to 6"),
    ],
)
def test_a_split_that_does_not_deal_all_pairs_once_is_refused(
    tree: Path, train: list[int], test: list[int], reason: str
) -> None:
    write_splits(tree / "splits.mat", train, test)

    with pytest.raises(InputError, match=reason):
        open_labelled(tree, split="test")


def official_size(tmp_path: Path, train: int, test: int) -> Path:
    filled = depths(1449, 1, 2)
    arrays = {"images": pictures(1449, 1, 2).astype(np.uint8), "rawDepths": filled.copy()}
    arrays["rawDepths"][:, 0, 0] = 0
    with h5py.File(tmp_path / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = arrays["images"].transpose(0, 3, 2, 1)
        file["rawDepths"] = arrays["rawDepths"].transpose(0, 2, 1)
    numbers = list(range(1, 1450))
    write_splits(tmp_path / "splits.mat", numbers[test:], numbers[:test])
    assert len(numbers) - test == train
    return tmp_path


def test_all_of_the_official_pairs_are_official(tmp_path: Path) -> None:
    reader = open_labelled(official_size(tmp_path, 795, 654), split="test")

    assert len(reader) == 654
    assert "officially" not in reader.describe()


def test_a_swapped_split_is_seen(tmp_path: Path) -> None:
    root = official_size(tmp_path, 654, 795)

    with pytest.raises(InputError, match=r"654 for training and 795 for testing; .* are swapped"):
        open_labelled(root, split="test")


def test_unknown_and_missing_splits_say_so(tree: Path) -> None:
    with pytest.raises(UsageError, match="no split 'val'; known: train, test"):
        open_labelled(tree, split="val")

    (tree / "splits.mat").unlink()

    with pytest.raises(InputError, match=r"splits\.mat: not found .* split 'test' needs it"):
        open_labelled(tree, split="test")
    assert len(open_labelled(tree)) == 5


def test_the_split_may_lie_elsewhere(tree: Path) -> None:
    (tree / "other").mkdir()
    (tree / "splits.mat").rename(tree / "other" / "mine.mat")

    reader = open_labelled(tree, split="train", splits=tree / "other" / "mine.mat")

    assert reader.keys == ["0003", "0004"]


@pytest.mark.parametrize("factor", [1000, 10, 3, 0.1])
def test_depth_that_cannot_be_metres_stops(change: Callable[..., Path], factor: float) -> None:
    # Trap 9: millimetres, or the mirrors that hold ten times the depth (trap 31). Three times is
    # seen by its largest pixel alone: no Kinect measures 12 m.
    raw = (with_holes(depths(5)) * factor).astype(np.float32)
    tree = change(rawDepths=raw.transpose(0, 2, 1))

    with pytest.raises(InputError, match=r"expected a median of 0\.3 to 10 m and at most 10\.5 m"):
        open_labelled(tree)


def test_one_pair_that_cannot_be_used_leaves_the_others(change: Callable[..., Path]) -> None:
    raw = with_holes(depths(5))
    raw[0] = 0
    raw[2] *= 1000
    reader = open_labelled(change(rawDepths=raw.transpose(0, 2, 1)))

    assert [sample.key for _, sample in stream(reader)] == ["0002", "0004", "0005"]
    assert [s.key for s in reader.skipped] == ["0001", "0003"]


def test_axes_that_are_not_reversed_are_refused(change: Callable[..., Path]) -> None:
    tree = change(images=pictures(5).astype(np.uint8), rawDepths=with_holes(depths(5)))

    with pytest.raises(InputError, match=r"expected \(n, 3, width, height\)"):
        open_labelled(tree)


def test_the_camera_counts_pixels_from_zero_and_the_frame_is_cut(tmp_path: Path) -> None:
    # At 640x480: Eigen's rows 45:471, columns 41:601; the toolbox has cx 325.58245 counted from 1.
    filled = depths(1, 480, 640)
    arrays = {"images": pictures(1, 480, 640).astype(np.uint8), "depths": filled}
    write_mat73(tmp_path / "nyu_depth_v2_labeled.mat", arrays, ["s"])

    reader = open_labelled(tmp_path, truth="filled")
    camera = reader[0].image.intrinsics

    assert reader.usable(0) == (45, 41, 426, 560)
    assert camera is not None
    assert (camera.fx, camera.fy) == pytest.approx((518.85790, 519.46961))
    assert (camera.cx, camera.cy) == pytest.approx((324.58245, 252.73617))


def test_the_file_and_its_folder_are_recognised(tree: Path) -> None:
    file = tree / "nyu_depth_v2_labeled.mat"

    assert recognise(tree) == recognise(file) == "nyu_labelled"
    assert open_data(file, "test", truth="filled").keys == ["0001", "0002", "0005"]
    with pytest.raises(UsageError, match="truth: 'dense' is not one of 'raw', 'filled'"):
        open_data(tree, truth="dense")


def test_threads_and_pickles_read_the_same(tree: Path) -> None:
    reader = pickle.loads(pickle.dumps(open_labelled(tree)))

    assert [s.key for _, s in stream(reader, workers=3)] == reader.keys


def test_a_cut_file_is_one_line(tree: Path) -> None:
    path = tree / "nyu_depth_v2_labeled.mat"
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(InputError, match="not a readable HDF5 file") as caught:
        open_labelled(tree)

    assert "\n" not in str(caught.value)


def test_doctor_names_layout_count_and_unit_and_finds_nothing_wrong(tree: Path) -> None:
    found = examine(tree)

    assert (found["layout"], found["count"], found["stored"]) == ("nyu_labelled", 5, "metres")
    assert found["faults"] == []
