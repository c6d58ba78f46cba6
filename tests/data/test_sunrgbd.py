"""SUN RGB-D: bits turned by three, nothing trusted beyond 8 m, frames of NYUv2 inside."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from featherdepth.data.doctor import examine
from featherdepth.data.probe import open_data, recognise
from featherdepth.data.sunrgbd import SunRgbd, turn_back
from featherdepth.errors import InputError, UsageError

HEIGHT, WIDTH = 6, 8
NYU, KINECT, XTION = (
    "kv1/NYUdata/NYU0001",
    "kv2/kinect2data/000002_2014-05-26",
    "xtion/sun3ddata/brown_bm_1/brown_bm_1/0000103",
)
INTRINSICS = "529.5 0 365.25 0 530.5 265.75 0 0 1\n"


def millimetres(seed: int = 0) -> np.ndarray:
    depth = np.random.default_rng(seed).integers(500, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
    depth[0, :3] = 0
    return depth


def turned(depth: np.ndarray) -> np.ndarray:
    """Bits turned left by three, as the files have it."""
    return (depth << 3) | (depth >> 13)


def write(folder: Path, codes: np.ndarray, filled: np.ndarray | None = None) -> None:
    for name, array in (("depth", codes), ("depth_bfx", codes if filled is None else filled)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(folder / name / "0000103-0034.png")
    (folder / "image").mkdir(exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), (9, 8, 7)).save(folder / "image/0000103.jpg")
    (folder / "intrinsics.txt").write_text(INTRINSICS)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One frame of three sensors, and the official split."""
    root = tmp_path / "SUNRGBD"
    for seed, frame in enumerate((NYU, KINECT, XTION)):
        write(root / frame, turned(millimetres(seed)))
        (root / frame / "fullres").mkdir()  # a copy at another size, as Kinect 2 frames have it
        (root / frame / "fullres/intrinsics.txt").write_text(INTRINSICS)
    cells = {"alltrain": (NYU,), "alltest": (KINECT, XTION)}
    arrays = {name: np.empty((1, len(keys)), dtype=object) for name, keys in cells.items()}
    for name, keys in cells.items():
        arrays[name][0, :] = [f"/n/fs/sun3d/data/SUNRGBD/{key}/" for key in keys]
    split = tmp_path / "SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat"
    split.parent.mkdir(parents=True)
    scipy.io.savemat(split, arrays)
    return tmp_path


def open_sun(root: Path, **options: object) -> SunRgbd:
    return SunRgbd(SunRgbd.Config(root=root, **options))  # type: ignore[arg-type]


def test_every_16_bit_number_turns_back() -> None:
    numbers = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)

    np.testing.assert_array_equal(turn_back(turned(numbers).astype(np.int32)), numbers)
    # By hand: 1 mm is stored as 8, 8192 mm (the 14th bit) as 1.
    assert turn_back(np.array([[8, 1]], np.int32)).tolist() == [[1, 8192]]


def test_metres_come_back_exactly(tree: Path) -> None:
    reader = open_sun(tree)

    assert reader.keys == [NYU, KINECT, XTION]
    assert not reader.skipped
    assert reader.groups == ["kv1/NYUdata", "kv2/kinect2data", "xtion/sun3ddata"]
    for seed, sample in enumerate(reader):
        assert sample.depth is not None
        expected = (millimetres(seed) / 1000).astype(np.float32)
        np.testing.assert_array_equal(sample.depth.values, expected)
        np.testing.assert_array_equal(sample.depth.valid, millimetres(seed) > 0)
        assert sample.image.size == (HEIGHT, WIDTH)


def test_beyond_eight_metres_nothing_is_truth(tree: Path) -> None:
    depth = millimetres()
    depth[2, :4] = (7999, 8000, 8001, 65535)
    write(tree / "SUNRGBD" / NYU, turned(depth))

    truth = open_sun(tree)[0].depth

    assert truth is not None
    assert truth.valid[2, :4].tolist() == [True, True, False, False]
    assert truth.values.max() == np.float32(8.0)


def test_numbers_that_were_not_turned_stop(tree: Path) -> None:
    # Planted: somebody decoded the files already.
    for seed, frame in enumerate((NYU, KINECT, XTION)):
        write(tree / "SUNRGBD" / frame, millimetres(seed))

    with pytest.raises(InputError, match="expected bits turned left by three, as published"):
        open_sun(tree)


def test_an_8_bit_copy_stops(tree: Path) -> None:
    # Trap 10: a 16-bit picture opened and saved with 8 bits.
    for seed, frame in enumerate((NYU, KINECT, XTION)):
        write(tree / "SUNRGBD" / frame, (turned(millimetres(seed)) >> 8).astype(np.uint8))

    with pytest.raises(InputError, match=r"no number above 255: 8 bits of 16"):
        open_sun(tree)


def test_filled_depth_is_asked_for_and_named(tree: Path) -> None:
    filled = millimetres()
    filled[filled == 0] = 1234
    write(tree / "SUNRGBD" / NYU, turned(millimetres()), turned(filled))

    reader = open_sun(tree, truth="filled")
    depth = reader[0].depth

    assert reader.name == "SUN RGB-D (filled depth)"
    assert depth is not None
    assert depth.valid.all()
    assert depth.values[0, 0] == np.float32(1.234)
    assert open_sun(tree).name == "SUN RGB-D (raw depth)"


def test_frames_of_nyu_can_be_left_out_and_the_name_says_so(tree: Path) -> None:
    # Trap 11: a model that was trained on NYUv2 has seen them.
    reader = open_sun(tree, nyu=False)

    assert reader.keys == [KINECT, XTION]
    assert reader.name == "SUN RGB-D (raw depth, without NYUv2)"


def test_the_official_split_is_read_from_its_cells(tree: Path) -> None:
    assert open_sun(tree, split="test").keys == [KINECT, XTION]
    assert open_sun(tree, split="train").keys == [NYU]
    assert open_sun(tree, split="test").describe().endswith("(officially 5050)")
    with pytest.raises(UsageError, match="no split 'val'; known: train, test"):
        open_sun(tree, split="val")

    (tree / "SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat").unlink()
    with pytest.raises(InputError, match=r"split 'test' needs SUNRGBDtoolbox/.*allsplit\.mat"):
        open_sun(tree, split="test")


def test_half_of_a_split_stops(tree: Path) -> None:
    keys = np.empty((1, 5), dtype=object)
    keys[0, :] = [f"/n/SUNRGBD/{key}" for key in (KINECT, XTION, "kv1/a/b", "kv1/a/c", "kv1/a/d")]
    path = tree / "SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat"
    scipy.io.savemat(path, {"alltest": keys})

    with pytest.raises(InputError, match="2 of 5 listed pairs are there"):
        open_sun(tree, split="test")

    keys[0, 0] = "/elsewhere/x"
    scipy.io.savemat(path, {"alltest": keys})
    with pytest.raises(InputError, match="'/elsewhere/x' in 'alltest' is no folder of SUNRGBD"):
        open_sun(tree, split="test")


def test_the_camera_counts_from_one(tree: Path) -> None:
    camera = open_sun(tree)[0].image.intrinsics

    assert camera is not None
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (529.5, 530.5, 364.25, 264.75)


def test_faults_of_one_frame_leave_the_others(tree: Path) -> None:
    root = tree / "SUNRGBD"
    next((root / KINECT / "depth").iterdir()).unlink()
    (root / XTION / "intrinsics.txt").write_text("1 2 3")

    reader = open_sun(tree)

    assert [s.reason for s in reader.skipped] == [
        f"{KINECT}: 1 photos and 0 depths; expected one of each"
    ]
    with pytest.raises(InputError, match=r"intrinsics\.txt: not a camera matrix"):
        reader[1]


def test_both_folders_are_recognised(tree: Path) -> None:
    assert recognise(tree) == recognise(tree / "SUNRGBD") == "sunrgbd"
    assert open_data(tree / "SUNRGBD", "test").keys == [KINECT, XTION]


def test_doctor_names_layout_count_and_unit_and_finds_nothing_wrong(tree: Path) -> None:
    found = examine(tree)

    assert (found["layout"], found["count"]) == ("sunrgbd", 3)
    assert found["stored"] == "millimetres, bits turned by three"
    assert found["faults"] == []
