"""The doctor names every layout and finds what is wrong, each fault by its own check."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import trees
from featherdepth.data import checks
from featherdepth.data.doctor import examine
from featherdepth.data.probe import open_data
from featherdepth.errors import InputError, UsageError
from trees import TREES

DATA = Path(os.environ.get("FEATHERDEPTH_DATA", "/nowhere"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="FEATHERDEPTH_DATA is not set")


def faults_of(root: Path, split: str | None = None) -> set[str]:
    return {row["fault"] for row in examine(root, split)["faults"]}


def message_of(root: Path, fault: str) -> str:
    (message,) = [row["message"] for row in examine(root)["faults"] if row["fault"] == fault]
    return str(message)


@pytest.mark.parametrize("name", TREES)
def test_every_tree_is_named_with_unit_and_count_and_is_clean(name: str, tmp_path: Path) -> None:
    tree = TREES[name]
    truth = tree.write(tmp_path)

    found = examine(tmp_path, tree.open_with)

    assert found["faults"] == []
    assert (found["layout"], found["split"], found["count"]) == (
        tree.layout,
        tree.split,
        tree.count,
    )
    assert found["official"] == tree.official
    assert found["kind"] == "metric"
    assert "metre" in found["stored"]
    assert tree.terms in found["terms"]
    assert found["photo_size"] == found["truth_size"] == [trees.H, trees.W]
    (part,) = found["parts"]
    assert part["count"] == tree.count
    if tree.count == 1 or name not in ("diode", "diode-filtered"):
        assert part["median"] == pytest.approx(np.median(truth[truth > 0]), rel=1e-5)
        assert part["valid_fraction"] == pytest.approx(np.mean(truth > 0), abs=1e-6)


def wrong_scale(root: Path) -> None:
    trees.nyuv2_bts(root, scale=256)


def wrong_scale_of_kitti(root: Path) -> None:
    trees.kitti_selection(root)
    for path in root.rglob("groundtruth_depth/*.png"):
        trees.put_codes(path, trees.STREET, 1000)


def disparity_for_depth(root: Path) -> None:
    """KITTI's disparity is in 16-bit codes of 1/256 pixel too; at half size it is plausible."""
    trees.kitti_eigen_columns(root)
    metres = trees.floor(6.0, 60.0)
    for path in root.rglob("groundtruth/image_02/*.png"):
        trees.put_codes(path, trees.sparse(361 * 0.54 / metres, 5), 256)


def dense_disparity_for_depth(root: Path) -> None:
    trees.vkitti2(root)
    for path in root.rglob("depth_*.png"):
        trees.put_codes(path, 390 / trees.floor(6.0, 80.0), 100)


def swapped_split(root: Path) -> None:
    trees.nyuv2_bts(root, frames=(2, 3, 4))  # of the training half


def swapped_split_of_kitti(root: Path) -> None:
    trees.kitti_selection(root)
    for path in list(root.rglob("*.png")) + list(root.rglob("*.txt")):
        path.rename(path.with_name(path.name.replace("drive_0002", "drive_0001")))


def swapped_split_of_diode(root: Path) -> None:
    trees.diode(root)
    for path in sorted(root.glob("val/*/scene_*")):
        path.rename(path.with_name("scene_00001"))


def missing_masks(root: Path) -> None:
    trees.diode(root)
    for path in root.rglob("*_depth_mask.npy"):
        path.unlink()


def one_missing_mask(root: Path) -> None:
    trees.diode(root)
    next(iter(sorted(root.rglob("*_depth_mask.npy")))).unlink()


def filled_holes(root: Path) -> None:
    trees.nyuv2_bts(root)
    for path in root.rglob("sync_depth_*.png"):
        trees.put_codes(path, trees.floor(1.2, 6.0), 1000)


def turned_by_a_quarter(root: Path) -> None:
    trees.nyuv2_bts(root)
    for path in root.rglob("rgb_*.jpg"):
        trees.put_photo(path, exif=6)


def turned_upside_down(root: Path) -> None:
    trees.kitti_eigen_columns(root)
    for path in root.rglob("image_02/data/*.jpg"):
        trees.put_photo(path, exif=3)


PLANTED = [
    ("scale", wrong_scale),
    ("scale", wrong_scale_of_kitti),
    ("kind", disparity_for_depth),
    ("kind", dense_disparity_for_depth),
    ("split", swapped_split),
    ("split", swapped_split_of_kitti),
    ("split", swapped_split_of_diode),
    ("masks", missing_masks),
    ("masks", one_missing_mask),
    ("masks", filled_holes),
    ("rotation", turned_by_a_quarter),
    ("rotation", turned_upside_down),
]


@pytest.mark.parametrize(("fault", "plant"), PLANTED, ids=lambda p: getattr(p, "__name__", p))
def test_a_planted_fault_is_found_and_only_by_its_own_check(
    fault: str,
    plant: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(tmp_path)

    with_check = faults_of(tmp_path)
    monkeypatch.delitem(checks.CHECKS, fault)
    without_check = faults_of(tmp_path)

    assert with_check == {fault}
    assert without_check == set()


def test_messages_say_what_was_found_and_expected(tmp_path: Path) -> None:
    for name, plant in (("s", wrong_scale), ("d", disparity_for_depth), ("m", missing_masks)):
        (tmp_path / name).mkdir()
        plant(tmp_path / name)

    scale = message_of(tmp_path / "s", "scale")
    assert "expected 1 to 6 m" in scale
    assert "read with 1/1000 m a code, with 1/256 it would be" in scale
    assert "looks like disparity" in message_of(tmp_path / "d", "kind")
    assert "2 of 2 have no mask" in message_of(tmp_path / "m", "masks")


def test_truth_made_for_the_upright_photo_is_no_fault(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path)
    for path in tmp_path.rglob("rgb_*.jpg"):
        trees.put_photo(path, height=trees.W, width=trees.H, exif=6)

    assert faults_of(tmp_path) == set()


def test_a_damaged_file_is_a_fault_of_files(tmp_path: Path) -> None:
    trees.nyuv2_bts(tmp_path)
    broken = next(iter(sorted(tmp_path.rglob("sync_depth_*.png"))))
    broken.write_bytes(broken.read_bytes()[:60])

    message = message_of(tmp_path, "files")

    assert "1 of 2 cannot be used" in message


def test_a_whole_list_of_kitti_with_little_truth_is_found_and_stops_the_reader(
    tmp_path: Path,
) -> None:
    trees.kitti_eigen_frames(tmp_path)
    drive = f"{trees.KITTI_DAY}/{trees.KITTI_VAL}"
    lines = [f"{drive} {n} l" for n in range(69, 69 + 697)]
    (tmp_path / "splits" / "eigen" / "test_files.txt").write_text("\n".join(lines) + "\n")

    assert "truth for 2 of 652 pairs" in message_of(tmp_path, "files")
    with pytest.raises(InputError, match="2 of 697 listed pairs are there"):
        open_data(tmp_path)


def test_a_manifest_with_frames_of_the_other_half_or_one_group_in_two_splits_is_found(
    tmp_path: Path,
) -> None:
    head = "id,split,rgb,depth,depth_scale,depth_offset,group"
    rows = []
    for key, split, group in (
        ("nyu_0002", "train", "a"),
        ("nyu_0003", "val", "b"),  # officially training
        ("x_1", "train", "c"),
        ("x_2", "val", "c"),
    ):
        trees.put_photo(tmp_path / f"{key}.jpg")
        trees.put_codes(tmp_path / f"{key}.png", trees.ROOM, 1000)
        rows.append(f"{key},{split},{key}.jpg,{key}.png,0.001,0,{group}")
    (tmp_path / "manifest.csv").write_text("\n".join([head, *rows]) + "\n")

    found = examine(tmp_path)

    assert found["splits"] == {"train": 2, "val": 2}
    (fault,) = [row for row in found["faults"] if row["fault"] == "split"]
    assert fault["message"].startswith("3 of 4 frames")


def test_a_set_that_a_reader_refuses_is_a_fault_and_not_a_crash(tmp_path: Path) -> None:
    trees.put_photo(tmp_path / "s" / "rgb" / "a.jpg")
    (tmp_path / "s" / "dataset.toml").write_text('kind = "sound"\n')

    found = examine(tmp_path)

    assert [row["fault"] for row in found["faults"]] == ["unusable"]


def test_photos_without_depth_may_be_turned(tmp_path: Path) -> None:
    trees.put_photo(tmp_path / "a.jpg", exif=6)

    found = examine(tmp_path)

    assert (found["layout"], found["count"], found["faults"]) == ("photos", 1, [])
    assert found["photo_size"] == [trees.W, trees.H]


def test_nothing_and_unknown_splits_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not found"):
        examine(tmp_path / "none")
    trees.sintel(tmp_path)
    with pytest.raises(UsageError, match="split 'albedo' of MPI Sintel is unknown"):
        examine(tmp_path, "albedo")


def test_pairs_of_different_shape_are_found(tmp_path: Path) -> None:
    trees.put_photo(tmp_path / "a.jpg", 40, 64)
    trees.put_codes(tmp_path / "a.png", trees.ROOM, 1000)
    (tmp_path / "manifest.csv").write_text(
        "id,split,rgb,depth,depth_scale,depth_offset\na,val,a.jpg,a.png,0.001,0\n"
    )

    assert "photo 64x40, truth 64x48" in message_of(tmp_path, "sizes")


@needs_data
@pytest.mark.parametrize(
    ("place", "layout", "count"),
    [
        ("", "manifest", 1429),
        ("more", "paired", 373),
        ("other", "manifest", 17),
        ("kitti", "manifest", 24),
        ("nyu/val", "manifest", 127),
        ("nyu_train.zip", "manifest", 795),
        ("photos.zip", "photos", 3007),
        ("shippable", "photos", 15),
    ],
)
def test_the_development_data_is_named_and_clean(place: str, layout: str, count: int) -> None:
    found = examine(DATA / place, images=3)

    assert (found["layout"], found["count"], found["faults"]) == (layout, count, [])


def test_disparity_sets_are_told_from_depth_by_their_own_description(
    add_source: Callable[..., Path],
) -> None:
    folder = add_source("s", 'kind = "disparity"', "scale = 1.0")
    for path in (folder / "depth").glob("*.png"):
        Image.fromarray(np.round(trees.floor(20, 200)).astype(np.uint16)).save(path)
    for path in (folder / "rgb").glob("*.jpg"):
        trees.put_photo(path)

    assert "stored as disparity, but it looks like depth" in message_of(folder, "kind")


def as_manifest(root: Path, split: str, codes_of: Callable[[np.ndarray], np.ndarray]) -> Path:
    """Eight real pairs with depth written as `codes_of` says, described as 1/1000 or 1/256 m."""
    reader = open_data(DATA, split)
    scale = 1 / 256 if split == "kitti" else 1 / 1000
    rows = ["id,split,rgb,depth,depth_scale,depth_offset"]
    for index in np.linspace(0, len(reader) - 1, 8).astype(int):
        sample = reader[int(index)]
        assert sample.depth is not None
        key, valid = sample.key, sample.depth.valid
        codes = np.where(valid, codes_of(np.where(valid, sample.depth.values, 1.0)), 0)
        Image.fromarray(sample.image.pixels).save(root / f"{key}.jpg")
        Image.fromarray(codes.round().clip(0, 65535).astype(np.uint16)).save(root / f"{key}.png")
        rows.append(f"{key},{split},{key}.jpg,{key}.png,{scale},0")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


@needs_data
@pytest.mark.parametrize(
    ("split", "codes_of", "faults"),
    [
        ("val", lambda z: z * 1000, set()),
        ("val", lambda z: z * 256, {"scale"}),
        ("val", lambda z: 6000 / z, {"kind"}),
        ("kitti", lambda z: z * 256, set()),
        ("kitti", lambda z: z * 1000, {"scale"}),
        ("kitti", lambda z: 200 * 256 / z, {"kind"}),
    ],
    ids=["nyu", "nyu-x256", "nyu-disparity", "kitti", "kitti-x1000", "kitti-disparity"],
)
def test_wrong_scale_and_disparity_are_found_in_real_depth(
    split: str, codes_of: Callable[[np.ndarray], np.ndarray], faults: set[str], tmp_path: Path
) -> None:
    assert faults_of(as_manifest(tmp_path, split, codes_of)) == faults


@pytest.mark.parametrize("content", [b"no photo", b"\xff\xd8\xff\xe0 cut in its header"])
def test_a_photo_of_which_not_even_the_header_can_be_read_is_a_fault(
    content: bytes, tmp_path: Path
) -> None:
    trees.put_photo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(content)

    assert message_of(tmp_path, "files").startswith("1 of 2 cannot be used; the first: b.jpg:")


def test_a_broken_zip_beside_a_manifest_is_not_taken_for_all_of_its_rows(tmp_path: Path) -> None:
    trees.put_photo(tmp_path / "a.jpg")
    trees.put_codes(tmp_path / "a.png", trees.ROOM, 1000)
    (tmp_path / "manifest.csv").write_text(
        "id,split,rgb,depth,depth_scale,depth_offset\na,val,a.jpg,a.png,0.001,0\n"
    )
    (tmp_path / "broken.zip").write_bytes(b"PK")

    assert "broken.zip: not a readable zip" in message_of(tmp_path / "broken.zip", "unusable")


def test_maps_without_one_measured_pixel_are_a_fault(tmp_path: Path) -> None:
    rows = ["id,split,rgb,depth,depth_scale,depth_offset"]
    for key, offset in (("a", 0), ("b", -100)):
        trees.put_photo(tmp_path / f"{key}.jpg")
        trees.put_codes(tmp_path / f"{key}.png", trees.ROOM, 1000)
        rows.append(f"{key},val,{key}.jpg,{key}.png,0.001,{offset}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")

    message = message_of(tmp_path, "masks")

    assert message.endswith("1 of 2 of " + tmp_path.name + " have no measured pixel; the first: b")
