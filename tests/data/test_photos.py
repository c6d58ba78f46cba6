"""Photos without depth: folders, zips, lists."""

import zipfile
from pathlib import Path

import pytest
from PIL import Image

from featherdepth.data.photos import Photos
from featherdepth.errors import InputError


def photo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 7), (10, 20, 30)).save(path)


def open_photos(root: Path) -> Photos:
    return Photos(Photos.Config(root=root))


def test_a_folder_is_searched_with_its_subfolders_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b.png", "sub/deep/a.JPG", "a.jpg"):
        photo(tmp_path / name)
    (tmp_path / "notes.md").write_text("no photo")

    reader = open_photos(tmp_path)

    assert reader.keys == ["a.jpg", "b.png", "sub/deep/a.JPG"]
    assert reader[0].depth is None
    assert reader.usable(0) == (0, 0, 7, 9)


def test_a_zip_is_read_in_place_and_without_its_neighbors(tmp_path: Path) -> None:
    photo(tmp_path / "x/in.jpg")
    photo(tmp_path / "x/beside.jpg")
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as packed:
        packed.write(tmp_path / "x/in.jpg", "x/in.jpg")
        packed.write(tmp_path / "x/in.jpg", "../out.jpg")
        packed.writestr("readme.txt", "no photo")

    reader = open_photos(tmp_path / "p.zip")

    assert reader.keys == ["x/in.jpg"]
    assert reader[0].image.size == (7, 9)


def test_a_list_names_photos_beside_it_or_one_folder_up_also_in_zips(tmp_path: Path) -> None:
    photo(tmp_path / "in.jpg")
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as packed:
        packed.write(tmp_path / "in.jpg", "photos/one two.jpg")
    (tmp_path / "splits").mkdir()
    lines = "# a list\nphotos/one two.jpg\n\nin.jpg depth/in.png\nin.jpg\nphotos/none.jpg\n"
    (tmp_path / "splits" / "some.txt").write_text(lines)

    reader = open_photos(tmp_path / "splits" / "some.txt")

    assert reader.keys == ["photos/one two.jpg", "in.jpg"]
    assert [s.key for s in reader.skipped] == ["photos/none.jpg"]
    assert reader[0].image.size == (7, 9)


def test_what_is_no_photo_is_listed(tmp_path: Path) -> None:
    photo(tmp_path / "good.jpg")
    (tmp_path / "text.jpg").write_text("not a photo at all")
    (tmp_path / "empty.jpg").touch()
    whole = (tmp_path / "good.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])

    reader = open_photos(tmp_path)
    good = []
    for i in range(len(reader)):
        try:
            good.append(reader[i].key)
        except InputError:
            continue

    assert good == ["good.jpg"]
    assert [s.key for s in reader.skipped] == ["empty.jpg", "half.jpg", "text.jpg"]


@pytest.mark.parametrize("name", ["", "none", "none.zip", "none.txt", "broken.zip", "empty.txt"])
def test_nothing_to_read_is_one_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 broken")
    (tmp_path / "empty.txt").write_text("# nothing\n")

    with pytest.raises(InputError, match=r"no photo found|not found|not a readable zip"):
        open_photos(tmp_path / name)
