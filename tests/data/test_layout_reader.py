"""Every layout of the table is read to exact metres and cameras from its true format."""

from pathlib import Path

import numpy as np
import pytest

import trees
from featherdepth.data.layout_reader import LayoutReader
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import InputError, UsageError
from featherdepth.types import DepthKind
from trees import TREES


def open_layout(root: Path, split: str | None = None, **options: object) -> LayoutReader:
    reader = open_data(root, split, **options)
    assert isinstance(reader, LayoutReader)
    return reader


@pytest.mark.parametrize("name", TREES)
def test_a_tree_is_recognised_and_read_to_exact_metres_and_intrinsics(
    name: str, tmp_path: Path
) -> None:
    tree = TREES[name]
    truth = tree.write(tmp_path)

    reader = open_layout(tmp_path, tree.open_with)
    sample = reader[0]

    assert recognise(tmp_path) == "layout"
    assert (reader.layout.name, reader.split, len(reader)) == (tree.layout, tree.split, tree.count)
    assert tree.terms in reader.terms
    assert sample.depth is not None
    assert sample.depth.kind is DepthKind.METRIC
    np.testing.assert_array_equal(sample.depth.valid, truth > 0)
    np.testing.assert_allclose(sample.depth.values, truth, rtol=2e-6)
    assert sample.image.size == sample.depth.size
    camera = sample.depth.intrinsics
    if tree.camera is None:
        assert camera is None
    else:
        assert camera is not None
        assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx(tree.camera)
        assert (camera.height, camera.width) == sample.depth.size
        assert sample.image.intrinsics == camera
    if any(tmp_path.rglob("*_with_gt.txt")):
        assert reader.source.endswith("_with_gt.txt")
    if tree.official is not None:
        assert f"(officially {tree.official})" in reader.describe()
    for index in range(len(reader)):
        _ = reader[index]


def test_completion_layouts_bring_their_sparse_points(tmp_path: Path) -> None:
    full = trees.floor(6.0, 60.0)
    trees.kitti_selection(tmp_path)

    sparse = open_layout(tmp_path)[0].sparse

    expected = np.round(trees.sparse(full, 25) * 256) / 256
    assert sparse is not None
    assert sparse.kind is DepthKind.METRIC
    np.testing.assert_array_equal(sparse.valid, expected > 0)
    np.testing.assert_allclose(sparse.values, expected, rtol=1e-6)


def test_points_of_void_that_are_not_to_be_trusted_are_left_out(tmp_path: Path) -> None:
    trees.void(tmp_path)

    sparse = open_layout(tmp_path)[0].sparse

    assert sparse is not None
    assert sparse.valid.sum() == -(-trees.H * trees.W // 40)


def test_a_map_that_went_through_8_bits_stops_the_reader(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path)
    for path in tmp_path.rglob("sync_depth_*.png"):
        trees.put_codes(path, trees.ROOM, 40)

    with pytest.raises(InputError, match="no code above 240; expected 16 bits"):
        open_layout(tmp_path)


def test_a_scale_that_cannot_be_right_stops_the_reader_with_a_guess(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path, scale=256)

    with pytest.raises(InputError, match=r"depth of 0\.\d+ m .* expected 1 to 6 m.* with 1/256"):
        open_layout(tmp_path)


def test_a_list_of_which_less_than_half_is_there_stops_the_reader(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path, frames=(45, 46, 55))
    photos = sorted(tmp_path.rglob("rgb_*.jpg"))
    photos[0].unlink()

    assert len(open_layout(tmp_path)) == 2
    assert "rgb_00045.jpg: not found" in open_layout(tmp_path).skipped[0].reason
    photos[1].unlink()
    with pytest.raises(InputError, match="1 of 3 listed pairs are there"):
        open_layout(tmp_path)


def test_frames_of_the_training_half_under_the_name_test_stop_the_reader(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path, frames=(2, 3))

    with pytest.raises(
        InputError, match=r"2 of 2 frames of split 'test' .* the splits are swapped"
    ):
        open_layout(tmp_path)


def test_lines_without_truth_are_counted_and_are_no_faults(tmp_path: Path) -> None:
    for name, write in (("c", trees.kitti_eigen_columns), ("f", trees.kitti_eigen_frames)):
        (tmp_path / name).mkdir()
        write(tmp_path / name)

        reader = open_layout(tmp_path / name)

        assert reader.without_truth == 1
        assert reader.skipped == []
        assert "1 lines without truth" in reader.describe()


def test_a_pair_that_a_list_names_twice_counts_once_and_is_named(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path)
    path = tmp_path / "nyudepthv2_test_files_with_gt.txt"
    path.write_text(2 * path.read_text())

    reader = open_layout(tmp_path)

    assert [key[-5:] for key in reader.keys] == ["00045", "00046"]
    assert all(s.reason.endswith("is there twice") for s in reader.skipped)
    assert [s.key for s in reader.skipped] == reader.keys


def test_a_photo_of_another_size_than_its_truth_is_refused(tmp_path: Path) -> None:
    trees.sintel(tmp_path)
    trees.put_photo(next(iter(sorted(tmp_path.rglob("clean/*/*.png")))), 40, 40)

    reader = open_layout(tmp_path)

    with pytest.raises(InputError, match="64x48 pixels, but the photo has 40x40"):
        _ = reader[0]


def test_the_usable_part_of_nyuv2_is_eigens_crop_at_the_stored_size(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path)

    # rows 4.5..47.1, columns 4.1..60.1 of 48x64, rounded inwards
    assert open_layout(tmp_path).usable(0) == (5, 5, 42, 55)


def test_without_a_list_the_files_are_found_by_their_names(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path)
    (tmp_path / "nyudepthv2_test_files_with_gt.txt").unlink()

    reader = open_layout(tmp_path)

    assert [key.rsplit("/")[-1] for key in reader.keys] == ["rgb_00045", "rgb_00046"]
    assert reader.source == "official_splits/test/{scene}/rgb_{frame}.jpg"
    assert reader.groups == ["bathroom", "bathroom"]


def test_the_list_of_a_frame_knows_its_focal_length_best(tmp_path: Path) -> None:
    trees.kitti_eigen_columns(tmp_path)
    path = tmp_path / "eigen_test_files_with_gt.txt"
    path.write_text(path.read_text().replace("721.5377", "700.0"))

    camera = open_layout(tmp_path)[0].image.intrinsics

    assert camera is not None
    assert (camera.fx, camera.fy, camera.cx) == pytest.approx((700, 700, 609.5593))


def test_layouts_and_splits_that_are_not_there_are_named(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path)

    with pytest.raises(UsageError, match="split 'train' of NYUv2, layout of BTS is not there"):
        open_layout(tmp_path, "train")
    with pytest.raises(InputError, match="not a layout of the table; expected"):
        LayoutReader(LayoutReader.Config(root=tmp_path, layout="diode"))
    with pytest.raises(UsageError, match="unknown layout 'dioda'; known: nyuv2-bts"):
        LayoutReader(LayoutReader.Config(root=tmp_path, layout="dioda"))


def test_the_photo_and_the_camera_of_scannet_have_the_size_of_the_depth(tmp_path: Path) -> None:
    trees.scannet(tmp_path)

    sample = open_layout(tmp_path)[0]

    assert sample.image.size == (trees.H, trees.W)
    assert sample.image.photo_size == (trees.H, trees.W)


def test_a_folder_with_several_layouts_gives_the_one_that_has_the_split(tmp_path: Path) -> None:
    trees.kitti_eigen_columns(tmp_path)
    trees.kitti_selection(tmp_path)

    assert open_layout(tmp_path).layout.name == "kitti-eigen"
    assert open_layout(tmp_path, "val-selection").layout.name == "kitti-completion"
    assert open_layout(tmp_path, layout="kitti-completion").split == "val-selection"
    with pytest.raises(UsageError, match="known: test, val-selection, val, train"):
        open_layout(tmp_path, "eigen")
