"""iBims-1: structs of MATLAB with masks and a transposed camera."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from featherdepth.data.doctor import examine
from featherdepth.data.ibims import Ibims
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import InputError, UsageError

HEIGHT, WIDTH = 6, 8
CALIB = np.array([[559.2, 0, 0], [0, 558.5, 0], [312.9, 210.6, 1]])


def metres() -> np.ndarray:
    depth = 2 + np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) / 7
    depth[0, :3] = 0
    return depth


def struct(**changes: Any) -> dict[str, Any]:
    invalid, transparent = np.ones((HEIGHT, WIDTH), np.uint8), np.ones((HEIGHT, WIDTH), np.uint8)
    invalid[1, :] = 0
    transparent[:, 0] = 0
    rgb = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)
    return {
        "rgb": rgb,
        "depth": metres(),
        "calib": CALIB,
        "mask_invalid": invalid,
        "mask_transp": transparent,
        "mask_wall_paras": np.empty((0, 4)),
    } | changes


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"data": data}, do_compression=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for scene in ("corridor_01", "kitchen_02"):
        write(tmp_path / f"gt_depth/{scene}.mat", struct())
    (tmp_path / "imagelist.txt").write_text("corridor_01\nkitchen_02\n")
    return tmp_path


def open_ibims(root: Path, masks: bool = True) -> Ibims:
    return Ibims(Ibims.Config(root=root, masks=masks))


def test_pictures_and_metres_come_back_exactly(tree: Path) -> None:
    sample = open_ibims(tree, masks=False)[1]

    assert sample.key == "kitchen_02"
    np.testing.assert_array_equal(sample.image.pixels, struct()["rgb"])
    assert sample.depth is not None
    np.testing.assert_array_equal(sample.depth.values, metres().astype(np.float32))
    np.testing.assert_array_equal(sample.depth.valid, metres() > 0)


def test_masks_are_one_where_a_pixel_may_be_used(tree: Path) -> None:
    # Trap 12: state whether they are applied.
    reader = open_ibims(tree)
    depth = reader[0].depth

    assert depth is not None
    expected = metres() > 0
    expected[1, :] = False
    expected[:, 0] = False
    np.testing.assert_array_equal(depth.valid, expected)
    assert reader.name == "iBims-1 (masks applied)"
    assert open_ibims(tree, masks=False).name == "iBims-1 (no masks applied)"


def test_the_camera_is_transposed_and_counts_from_one(tree: Path) -> None:
    camera = open_ibims(tree)[0].image.intrinsics

    assert camera is not None
    assert (camera.fx, camera.fy) == (559.2, 558.5)
    assert (camera.cx, camera.cy) == pytest.approx((311.9, 209.6))

    write(tree / "gt_depth/corridor_01.mat", struct(calib=CALIB.T.copy()))
    assert open_ibims(tree)[0].image.intrinsics == camera


def test_a_camera_that_is_none_is_refused(tree: Path) -> None:
    write(tree / "gt_depth/corridor_01.mat", struct(calib=np.zeros((3, 3))))

    with pytest.raises(InputError, match=r"corridor_01\.mat: calib is not a camera matrix"):
        open_ibims(tree)[0]


@pytest.mark.parametrize("folder", ["ibims1_core_mat", "."])
def test_the_files_may_lie_with_the_list(tmp_path: Path, folder: str) -> None:
    write(tmp_path / folder / "corridor_01.mat", struct())
    (tmp_path / folder / "imagelist.txt").write_text("corridor_01\n")

    assert recognise(tmp_path) == "ibims"
    assert open_data(tmp_path).keys == ["corridor_01"]


def test_the_tree_is_recognised_and_has_no_splits(tree: Path) -> None:
    assert recognise(tree) == "ibims"
    assert open_data(tree, masks=False).describe().endswith("depth (officially 100)")
    with pytest.raises(UsageError, match="iBims-1 has no splits"):
        open_data(tree, "test")


def test_missing_scenes_are_listed_and_half_of_them_stop(tree: Path) -> None:
    write(tree / "secret.mat", struct())
    (tree / "imagelist.txt").write_text("corridor_01 kitchen_02 none_01 ../secret")

    reader = open_ibims(tree)

    assert [s.key for s in reader.skipped] == ["../secret", "none_01"]

    (tree / "gt_depth/kitchen_02.mat").unlink()
    with pytest.raises(InputError, match="1 of 4 listed pairs are there"):
        open_ibims(tree)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rgb": np.zeros((3, 8, 3), np.uint8)}, r"rgb uint8 \(3, 8, 3\), depth \(6, 8\)"),
        ({"depth": "text"}, "field 'depth' is not an array of numbers"),
        ({"mask_transp": np.ones((2, 2))}, r"mask_transp \(2, 2\), but depth \(6, 8\)"),
        ({"depth": np.zeros((HEIGHT, WIDTH))}, "no measured pixel"),
    ],
)
def test_another_content_is_a_fault_of_that_scene(
    tree: Path, changes: dict[str, Any], reason: str
) -> None:
    write(tree / "gt_depth/kitchen_02.mat", struct(**changes))

    with pytest.raises(InputError, match=reason):
        open_ibims(tree)[1]


def test_files_without_the_struct_or_a_field_say_so(tree: Path) -> None:
    write(tree / "gt_depth/corridor_01.mat", np.eye(3))
    fields = struct()
    del fields["mask_invalid"]
    write(tree / "gt_depth/kitchen_02.mat", fields)
    reader = open_ibims(tree)

    with pytest.raises(InputError, match="'data' is not a struct"):
        reader[0]
    with pytest.raises(InputError, match="no field 'mask_invalid' in 'data'"):
        reader[1]


def test_millimetres_stop(tree: Path) -> None:
    for scene in ("corridor_01", "kitchen_02"):
        write(tree / f"gt_depth/{scene}.mat", struct(depth=metres() * 1000))

    with pytest.raises(InputError, match="the unit, the scale or the file is another one"):
        open_ibims(tree)


def test_doctor_names_layout_count_and_unit_and_finds_nothing_wrong(tree: Path) -> None:
    found = examine(tree)

    assert (found["layout"], found["count"], found["stored"]) == ("ibims", 2, "metres")
    assert found["faults"] == []
