"""A manifest: metres at the door, splits by name, zips read in place, faults listed."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.doctor import examine
from featherdepth.data.manifest import Manifest
from featherdepth.data.probe import open_data
from featherdepth.errors import InputError, UsageError
from featherdepth.types import DepthKind

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("FEATHERDEPTH_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "manifest.csv").exists(), reason=f"development data not at {DATA}"
)


def open_manifest(root: Path, split: str | tuple[str, ...] | None = None) -> Manifest:
    return Manifest(Manifest.Config(root=root, split=split))


def replace_in_manifest(root: Path, old: str, new: str) -> None:
    path = root / "manifest.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_metres_are_code_times_scale_plus_offset_and_zero_is_a_hole(manifest_folder: Path) -> None:
    sample = open_manifest(manifest_folder, "train")[0]

    assert sample.depth is not None
    assert sample.depth.kind is DepthKind.METRIC
    assert sample.depth.values[0, 1] == pytest.approx(0.75)
    assert sample.depth.values[11, 15] == pytest.approx(191 * 0.5 + 0.25)
    assert not sample.depth.valid[0, 0]
    assert sample.depth.values[0, 0] == 0
    assert sample.depth.valid.sum() == 12 * 16 - 1


def test_several_splits_are_joined_and_none_takes_all(manifest_folder: Path) -> None:
    assert len(open_manifest(manifest_folder)) == 5
    assert open_manifest(manifest_folder, "val").keys == ["v_0", "v_1"]
    assert open_manifest(manifest_folder, "train,val").keys == open_manifest(manifest_folder).keys
    assert len(open_manifest(manifest_folder, ("val", "train"))) == 5


def test_a_mistyped_split_is_a_usage_error_that_names_the_known_ones(manifest_folder: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no split 'vall'; did you mean 'val'\? known: train, val"
    ):
        open_manifest(manifest_folder, "vall")


def test_intrinsics_are_given_or_unknown(manifest_folder: Path) -> None:
    known, unknown = open_manifest(manifest_folder, "val")

    assert known.image.intrinsics is not None
    assert known.image.intrinsics.source == "given"
    assert (known.image.intrinsics.fx, known.image.intrinsics.cy) == (10, 5)
    assert known.depth is not None
    assert known.depth.intrinsics == known.image.intrinsics
    assert unknown.image.intrinsics is None


def test_groups_fall_back_to_the_id(manifest_folder: Path) -> None:
    assert open_manifest(manifest_folder).groups == ["g0", "g1", "g2", "v_0", "v_1"]


def test_missing_and_empty_files_are_listed_when_opened(manifest_folder: Path) -> None:
    (manifest_folder / "v/rgb/0.jpg").write_bytes(b"")
    replace_in_manifest(manifest_folder, "t/depth/1.png", "t/depth/none.png")

    reader = open_manifest(manifest_folder)

    assert reader.keys == ["t_0", "t_2", "v_1"]
    assert [(s.key, s.reason.split(": ")[1]) for s in reader.skipped] == [
        ("t_1", "not found in set or in a zip there"),
        ("v_0", "empty file"),
    ]


@pytest.mark.parametrize("name", ["v/rgb/0.jpg", "v/depth/0.png"])
def test_a_truncated_file_is_listed_when_read_and_the_rest_goes_on(
    manifest_folder: Path, name: str
) -> None:
    path = manifest_folder / name
    path.write_bytes(path.read_bytes()[:-60])
    reader = open_manifest(manifest_folder, "val")

    with pytest.raises(InputError):
        reader[0]

    assert [s.key for s in reader.skipped] == ["v_0"]
    assert reader[1].key == "v_1"


def test_a_color_picture_is_no_depth(manifest_folder: Path) -> None:
    rgb = manifest_folder / "v/rgb/0.jpg"
    (manifest_folder / "v/depth/0.png").write_bytes(rgb.read_bytes())

    with pytest.raises(InputError, match="expected PNG, TIFF"):
        open_manifest(manifest_folder, "val")[0]


def test_a_size_other_than_the_manifest_says_is_a_fault(manifest_folder: Path) -> None:
    replace_in_manifest(manifest_folder, "16,12,16,12,,,,", "16,12,8,6,,,,")

    with pytest.raises(InputError, match=r"16x12 pixels, but manifest\.csv says 8x6"):
        open_manifest(manifest_folder, "val")[1]


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/hostname", "v\\..\\..\\x.jpg", "c:/x.jpg"])
def test_a_name_never_leads_out_of_the_folder(manifest_folder: Path, name: str) -> None:
    (manifest_folder.parent / "secret.jpg").write_bytes(b"x")
    replace_in_manifest(manifest_folder, "v/rgb/0.jpg", name)

    reader = open_manifest(manifest_folder, "val")

    assert reader.keys == ["v_1"]
    assert "names must stay inside" in reader.skipped[0].reason


def test_a_bad_number_is_a_fault_of_its_row(manifest_folder: Path) -> None:
    replace_in_manifest(manifest_folder, "0.png,0.001,0,", "0.png,oops,0,")

    reader = open_manifest(manifest_folder, "val")

    assert reader.keys == ["v_1"]
    assert "depth_scale 'oops' is not a number" in reader.skipped[0].reason


@pytest.mark.parametrize("focal", ["0,11", "10,-11"])
def test_a_focal_length_not_above_zero_is_a_fault_of_its_row_that_doctor_tells(
    manifest_folder: Path, focal: str
) -> None:
    # The first pair of split val.
    replace_in_manifest(
        manifest_folder, "0.001,0,16,12,16,12,10,11,", f"0.001,0,16,12,16,12,{focal},"
    )

    reader = open_manifest(manifest_folder, "val")

    assert reader.keys == ["v_1"]
    assert "expected focal lengths above 0" in reader.skipped[0].reason
    messages = {f["fault"]: f["message"] for f in examine(manifest_folder, "val")["faults"]}
    assert messages["files"].endswith("expected focal lengths above 0")


@pytest.mark.parametrize("scale", ["1e300", "1e308"])
def test_depth_beyond_float32_is_not_measured(manifest_folder: Path, scale: str) -> None:
    replace_in_manifest(manifest_folder, "0.png,0.001,0,", f"0.png,{scale},0,")

    broken, good = open_manifest(manifest_folder, "val")

    assert broken.depth is not None
    assert not broken.depth.valid.any()
    assert good.depth is not None
    assert good.depth.valid.sum() == 12 * 16 - 1


def test_an_id_that_is_there_twice_counts_once_and_is_named_by_doctor(
    manifest_folder: Path,
) -> None:
    replace_in_manifest(manifest_folder, "v_1,val", "v_0,val")

    reader = open_manifest(manifest_folder, "val")

    assert reader.keys == ["v_0"]
    assert [(s.key, s.reason) for s in reader.skipped] == [
        ("v_0", "manifest.csv: id 'v_0' is there twice")
    ]
    messages = {f["fault"]: f["message"] for f in examine(manifest_folder, "val")["faults"]}
    assert messages["files"].endswith("manifest.csv: id 'v_0' is there twice")


def test_a_broken_zip_takes_only_its_own_rows(manifest_folder: Path) -> None:
    (manifest_folder / "train.zip").write_bytes(b"PK not a zip")

    reader = open_manifest(manifest_folder)

    assert reader.keys == ["v_0", "v_1"]
    assert len(reader.skipped) == 3


def test_a_zip_that_no_library_can_read_takes_only_its_own_photos(manifest_folder: Path) -> None:
    with zipfile.ZipFile(manifest_folder / "other.zip", "w") as packed:
        packed.writestr("ä.jpg", b"x")
    whole = (manifest_folder / "other.zip").read_bytes()
    no_utf8 = whole.replace("ä".encode(), b"\xff\xfe")
    place = whole.index(b"PK\1\2") + 6
    newer = whole[:place] + b"\x63" + whole[place + 1 :]
    for content in (no_utf8, newer):
        (manifest_folder / "other.zip").write_bytes(content)

        assert len(open_manifest(manifest_folder)) == 5
        with pytest.raises(InputError, match=r"other\.zip: not a readable zip"):
            open_data(manifest_folder / "other.zip")


def test_damaged_lzma_and_a_name_that_is_too_long_are_faults_of_their_rows(
    manifest_folder: Path,
) -> None:
    with zipfile.ZipFile(manifest_folder / "lzma.zip", "w", zipfile.ZIP_LZMA) as packed:
        packed.write(manifest_folder / "v/rgb/0.jpg", "x.jpg")
    content = bytearray((manifest_folder / "lzma.zip").read_bytes())
    content[60:100] = bytes(40)
    (manifest_folder / "lzma.zip").write_bytes(content)
    replace_in_manifest(manifest_folder, "v/rgb/0.jpg", "x.jpg")
    replace_in_manifest(manifest_folder, "v/rgb/1.jpg", f"{'y' * 5000}.jpg")

    reader = open_manifest(manifest_folder, "val")

    assert reader.keys == ["v_0"]
    assert "yyy.jpg: not found" in reader.skipped[0].reason
    with pytest.raises(InputError, match=r"x\.jpg: cannot read it"):
        _ = reader[0]


@pytest.mark.parametrize("text", ['"', "y" * 200_000])
def test_a_quote_without_its_end_and_a_field_without_end_are_one_line(
    manifest_folder: Path, text: str
) -> None:
    replace_in_manifest(manifest_folder, "v_0,val", f"{text}v_0,val")

    with pytest.raises(InputError, match=r"manifest\.csv: line \d: .*; expected a CSV table$"):
        open_manifest(manifest_folder)


def test_whole_numbers_with_a_point_are_sizes(manifest_folder: Path) -> None:
    replace_in_manifest(manifest_folder, "0.001,0,16,12,", "0.001,0,16.0,12.0,")

    assert open_manifest(manifest_folder, "val").usable(0) == (0, 0, 12, 16)


def test_a_manifest_without_a_usable_row_or_column_is_refused(manifest_folder: Path) -> None:
    (manifest_folder / "manifest.csv").write_text("id,split\n1,a\n")
    with pytest.raises(InputError, match="no column rgb, depth, depth_scale, depth_offset"):
        open_manifest(manifest_folder)

    (manifest_folder / "manifest.csv").write_text(
        "id,split,rgb,depth,depth_scale,depth_offset\n1,a,x.jpg,x.png,1,0\n2,a\n"
    )
    with pytest.raises(InputError, match=r"no usable pair; the first fault: x\.jpg: not found"):
        open_manifest(manifest_folder)


def test_the_frame_of_nyu_is_not_usable_at_any_stored_size(
    manifest_folder: Path,
) -> None:
    replace_in_manifest(manifest_folder, "v_0,val", "nyu_0,val")
    replace_in_manifest(manifest_folder, "v_1,val", "nyu_1,val")
    text = (manifest_folder / "manifest.csv").read_text().splitlines()
    text[4] = text[4].replace("16,12,16,12", "640,480,,")
    text[5] = text[5].replace("16,12,16,12", "320,240,,")
    (manifest_folder / "manifest.csv").write_text("\n".join(text))

    reader = open_manifest(manifest_folder)

    assert reader.usable(reader.keys.index("nyu_0")) == (45, 41, 471 - 45, 601 - 41)
    assert reader.usable(reader.keys.index("nyu_1")) == (23, 21, 235 - 23, 300 - 21)
    assert reader.usable(0) == (0, 0, 12, 16)


def test_an_entry_that_unpacks_to_too_much_is_not_unpacked(
    manifest_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherdepth.data.storage.MAX_BYTES", 100_000)
    with zipfile.ZipFile(manifest_folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb.jpg", b"\0" * 200_000)
    replace_in_manifest(manifest_folder, "v/rgb/0.jpg", "bomb.jpg")

    reader = open_manifest(manifest_folder, "val")

    assert reader.keys == ["v_1"]
    assert "unpacks to" in reader.skipped[0].reason


@needs_data
def test_the_development_data_has_the_counts_of_its_readme() -> None:
    counts = {
        split: len(open_data(DATA, split))
        for split in ("labelled", "labelled_extra", "val", "kitti", "other")
    }

    assert counts == {
        "labelled": 795,
        "labelled_extra": 466,
        "val": 127,
        "kitti": 24,
        "other": 17,
    }


@needs_data
def test_one_frame_of_each_kind_reads_in_metres() -> None:
    for split, low, high in (("val", 0.7, 10), ("labelled", 0.7, 10), ("kitti", 2, 90)):
        depth = open_data(DATA, split)[0].depth

        assert depth is not None
        assert depth.kind is DepthKind.METRIC
        assert low < depth.values[depth.valid].min() < depth.values.max() < high
        assert np.all(depth.values[~depth.valid] == 0)
