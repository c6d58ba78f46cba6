"""A collection falls into the same units everywhere."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.data.packed import is_packed
from featherdepth.data.tar import tar_entry, whole_size
from featherdepth.data.units import OpenUnit, list_all, list_units
from featherdepth.errors import InputError, UsageError
from featherdepth.runtime.ledger import deal


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos and an empty file."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(5):
        pixels = np.random.default_rng(i).integers(0, 255, (8, 9, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{i}.png")
    (folder / "empty.png").touch()
    return folder


@pytest.fixture
def tars(photos: Path, tmp_path: Path) -> Path:
    """Two tars in two folders, of three and two photos."""
    folder = tmp_path / "tars"
    for name, members in {"b": "34", "sub/a": "012"}.items():
        content = b"".join(
            tar_entry(f"{m}.png", (photos / f"{m}.png").read_bytes()) for m in members
        )
        path = folder / f"{name}.tar"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content + bytes(whole_size(len(content)) - len(content)))
    return folder


def test_a_folder_becomes_groups_of_photos_and_what_is_known_to_be_broken(photos: Path) -> None:
    found = list_units(photos, group=2)

    assert [unit.keys for unit in found.units] == [
        ("0.png", "1.png"),
        ("2.png", "3.png"),
        ("4.png",),
    ]
    assert [row["photo"] for row in found.failed] == ["empty.png"]
    assert len({unit.name for unit in found.units}) == 3
    opened = OpenUnit(found.units[1])
    assert [opened.name(i) for i in range(len(opened))] == ["2.png", "3.png"]
    assert opened.encoded(1) == (photos / "3.png").read_bytes()


def test_a_group_is_another_one_when_a_photo_of_it_changes(photos: Path) -> None:
    before = list_units(photos, group=2).units
    with (photos / "3.png").open("ab") as file:
        file.write(b"x")

    after = list_units(photos, group=2).units

    assert [a.source == b.source for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_every_tar_is_a_unit_and_is_not_opened_to_be_listed(tars: Path) -> None:
    (tars / "c.tar").write_text("no tar")

    units = list_units(tars, group=1).units

    assert [unit.name for unit in units] == ["b", "c", "sub/a"]
    opened = OpenUnit(units[2])
    assert [opened.name(i) for i in range(3)] == ["sub/a/0", "sub/a/1", "sub/a/2"]
    assert opened.inside(2) == "2"
    with pytest.raises(InputError, match="no tar"):
        OpenUnit(units[1])


def test_a_tar_that_its_list_names_and_that_is_missing_is_told(tars: Path) -> None:
    (tars / "shards.json").write_text('{"shards": [{"name": "b.tar"}, {"name": "z.tar"}]}')

    assert list_units(tars, group=1).failed == [
        {"photo": "z", "error": "z.tar: missing in tars, though shards.json lists it"}
    ]


def test_units_are_dealt_without_remainder_and_faults_are_told_by_the_first(photos: Path) -> None:
    units = list_units(photos, group=1)

    hands = [deal(units, (i, 3)) for i in (1, 2, 3)]

    names = [unit.name for hand in hands for unit in hand.units]
    assert sorted(names) == [unit.name for unit in units.units]
    assert [len(hand.units) for hand in hands] == [2, 2, 1]
    assert [len(hand.failed) for hand in hands] == [1, 0, 0]
    assert deal(units, None) is units


def test_a_worker_that_sees_other_photos_says_so(photos: Path) -> None:
    unit = list_units(photos, group=2).units[1]
    (photos / "1.png").unlink()

    with pytest.raises(InputError, match="other photos than where the work was dealt out"):
        OpenUnit(unit)


def test_a_folder_with_a_photo_is_one_of_photos_and_tars_alone_are_packed(
    photos: Path, tars: Path
) -> None:
    assert is_packed(tars) and is_packed(tars / "b.tar")
    assert not is_packed(photos) and not is_packed(photos / "0.png")
    assert not is_packed(tars / "none.tar")
    (tars / "sub" / "x.JPG").touch()
    assert not is_packed(tars)


def test_two_files_of_one_name_cannot_share_a_folder_of_results(tars: Path) -> None:
    other = tars / "more"
    other.mkdir()
    (other / "B.tar").write_bytes((tars / "b.tar").read_bytes())

    with pytest.raises(UsageError, match=r"B\.tar: has the name of .*b\.tar"):
        list_all([tars / "b.tar", other / "B.tar"])
    assert len(list_all([tars / "b.tar", tars / "sub" / "a.tar"]).units) == 2
