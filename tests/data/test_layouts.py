"""The table of layouts holds what the publishers say."""

import os
from pathlib import Path

import pytest

from featherdepth.data.layouts import find_layout, load_layouts, official_parts
from featherdepth.data.template import Template

DATA = Path(os.environ.get("FEATHERDEPTH_DATA", "/nowhere"))


def test_the_official_halves_of_nyuv2_are_disjoint_and_whole() -> None:
    parts = official_parts("nyuv2")

    assert (len(parts["train"]), len(parts["test"])) == (795, 654)
    assert parts["train"] | parts["test"] == {str(i) for i in range(1449)}
    # The first of splits.mat, which counts from 1: test 1, 2, 9, 14; train 3 to 8, 10, 11.
    assert {str(i - 1) for i in (1, 2, 9, 14, 15, 16, 17, 18)} <= parts["test"]
    assert {str(i - 1) for i in (3, 4, 5, 6, 7, 8, 10, 11)} <= parts["train"]


def test_the_other_official_parts_are_complete() -> None:
    assert len(official_parts("kitti-depth")["val"]) == 13
    assert len(official_parts("diode")["val"]) == 6


@pytest.mark.parametrize(
    ("name", "split", "count"),
    [
        ("nyuv2-bts", "test", 654),
        ("nyuv2-bts", "train", 24231),
        ("nyuv2-marigold", "test", 654),
        ("nyuv2-marigold", "train", 795),
        ("kitti-eigen", "test", 652),
        ("kitti-completion", "val-selection", 1000),
        ("diode", "val", 771),
        ("diode", "indoors", 325),
        ("diode", "outdoor", 446),
        ("scannet", None, 800),
        ("eth3d", None, 454),
        ("sintel", "clean", 1064),
        ("void", "test-1500", 800),
        ("middlebury2014", None, 23),
    ],
)
def test_rows_say_the_published_counts(name: str, split: str | None, count: int) -> None:
    (row,) = [r for r in load_layouts() if (r.name, r.split) == (name, split)]

    assert row.count == count


def test_every_row_is_whole() -> None:
    for row in load_layouts():
        where = f"{row.name} {row.split}"
        assert "class" in row.terms, where
        assert row.median is not None, where
        assert row.valid is not None, where
        assert (row.rgb and row.depth) or row.lists, where
        fields = set(Template(row.rgb if row.walk == "rgb" else row.depth).match("") or {})
        assert fields == set(), where
        if row.official:
            assert official_parts(row.official), where
            assert row.member, where


def test_a_flat_folder_is_no_layout(tmp_path: Path) -> None:
    (tmp_path / "rgb.txt").touch()
    (tmp_path / "depth.txt").touch()

    assert find_layout(tmp_path) is None


@pytest.mark.skipif(not DATA.is_dir(), reason="FEATHERDEPTH_DATA is not set")
def test_the_development_data_agrees_with_the_official_halves() -> None:
    names = (DATA / "splits" / "labelled.txt").read_text().split()
    numbers = {str(int(Path(name).stem)) for name in names if "/rgb/" in name}

    assert numbers == official_parts("nyuv2")["train"]
