"""Files, folders, globs and lists name photos; results of no two photos meet."""

import errno
import io
import logging
import os
import sys
from pathlib import Path, PurePath

import numpy as np
import pytest

from featherdepth.data.sparsify import DEPTH_MAPS
from featherdepth.errors import InputError
from featherdepth.images.failures import write_failures
from featherdepth.images.find import find_images
from featherdepth.images.write import save
from featherdepth.types import Depth, DepthKind


@pytest.fixture
def tree(tmp_path):
    names = ["b.jpg", "a.PNG", "notes.txt", "deep/er/c.tif", "deep/d.webp", ".hidden.jpg"]
    for name in [*names, ".git/x.png", "deep/._d.webp", "deep/data.npy"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def relatives(found):
    return [image.relative.as_posix() for image in found]


DEPTH = Depth(
    values=np.ones((2, 3), np.float32), valid=np.ones((2, 3), np.bool_), kind=DepthKind.METRIC
)


def test_a_folder_is_searched_to_the_bottom_in_a_fixed_order(tree):
    found = find_images([tree])

    assert relatives(found) == ["a.PNG", "b.jpg", "deep/d.webp", "deep/er/c.tif"]
    assert [image.path for image in found] == [tree / name for name in relatives(found)]
    assert found[3].output == PurePath("deep/er/c")


def test_a_folder_that_may_not_be_looked_into_is_told(tree, monkeypatch, caplog):
    def closed(place):  # for root no folder is
        if str(place).endswith("deep"):
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return scandir(place)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", closed)

    assert relatives(find_images([tree])) == ["a.PNG", "b.jpg"]
    assert f"{tree / 'deep'}: left out, cannot look into it: Permission denied" in caplog.text


def test_a_file_is_taken_whatever_its_suffix_and_named_by_itself(tree):
    found = find_images([str(tree / "deep" / "data.npy"), tree / "b.jpg"])

    assert relatives(found) == ["data.npy", "b.jpg"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["a.PNG", "b.jpg"]),
        ("**/*", ["a.PNG", "b.jpg", "deep/d.webp", "deep/er/c.tif"]),
        ("dee*/*.webp", ["deep/d.webp"]),
        ("[ab].*", ["a.PNG", "b.jpg"]),
    ],
)
def test_a_glob_finds_photos_below_its_fixed_part(tree, pattern, expected):
    assert relatives(find_images([f"{tree}/{pattern}"])) == expected


def test_a_name_with_brackets_that_exists_is_no_glob(tree):
    (tree / "x[1].jpg").touch()

    assert relatives(find_images([tree / "x[1].jpg"])) == ["x[1].jpg"]


def test_a_list_names_photos_relative_to_itself(tree):
    listing = tree / "notes.txt"
    listing.write_text(f"# mine\ndeep/d.webp\n\n  gone.jpg \n{tree}/b.jpg\n../up.jpg\n")

    found = find_images([listing])

    # A missing photo is reported when it is read, with the others done.
    assert relatives(found) == ["deep/d.webp", "gone.jpg", "b.jpg", "up.jpg"]
    assert found[0].path == tree / "deep/d.webp"
    assert found[2].path == tree / "b.jpg"


def stdin(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content))


def test_a_dash_reads_the_list_from_standard_input(tree, monkeypatch):
    monkeypatch.setattr("sys.stdin", stdin(f"{tree}/b.jpg\nphotos/x.jpg\r\n".encode()))

    found = find_images(["-"])

    assert [image.path for image in found] == [tree / "b.jpg", Path("photos/x.jpg")]
    assert relatives(found) == ["b.jpg", "photos/x.jpg"]


def test_names_from_find_may_begin_with_anything(tree, monkeypatch):
    names = [" lead.jpg", "#1.jpg"]
    monkeypatch.setattr("sys.stdin", stdin("".join(f"{tree}/{n}\n" for n in names).encode()))

    assert [image.path.name for image in find_images(["-"])] == names


def test_a_folder_in_the_place_of_a_photo_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", stdin(b".\n./a.jpg\n"))

    with pytest.raises(InputError, match=r"-: '\.' is a folder; expected a photo a line"):
        find_images(["-"])


def test_a_name_that_is_not_text_is_found(tree, monkeypatch):
    path = os.fsencode(tree) + b"/caf\xe9.jpg"
    monkeypatch.setattr("sys.stdin", stdin(path + b"\n"))

    [found] = find_images(["-"])

    assert os.fsencode(found.path) == path


def test_a_standard_input_that_is_closed_lists_nothing(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(InputError, match="standard input: lists no photos; expected one path"):
        find_images(["-"])


def test_a_photo_in_place_of_a_list_is_refused(tree, monkeypatch):
    content = b"\xff\xd8\xff\xe0\0\x10JFIF\0"
    (tree / "list.txt").write_bytes(b"a.jpg\n\0")
    monkeypatch.setattr("sys.stdin", stdin(content))

    with pytest.raises(InputError, match="standard input: is no list of photos but bytes"):
        find_images(["-"])
    with pytest.raises(InputError, match=r"list\.txt: is no list of photos"):
        find_images([tree / "list.txt"])


@pytest.fixture
def depth():
    values = np.ones((2, 3), np.float32)
    return Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)


def test_results_are_no_photos(tree, depth):
    save(DEPTH, tree / "b.png")
    save(DEPTH, tree / "b.color.png", format="color")
    save(DEPTH, tree / "deep" / "d.npy")
    save(DEPTH, tree / "deep" / "d.color.png", format="color")
    (tree / "frame.color.png").touch()  # a photo by the names of a known data set
    (tree / "b.jpg.json").write_text('{"title": "b.jpg", "photoTakenTime": {}}')

    found = relatives(find_images([tree]))

    assert found == ["a.PNG", "b.jpg", "deep/d.webp", "deep/er/c.tif", "frame.color.png"]
    assert relatives(find_images([f"{tree}/**/*"])) == found
    assert "b.png" in relatives(find_images([tree], DEPTH_MAPS))


def test_the_report_of_a_run_holds_no_photos(tree):
    for name in ("report/a.jpg", "run/model.safetensors", "run/report/a.jpg", "run/b.jpg"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()

    found = relatives(find_images([tree]))

    assert found[4:] == ["report/a.jpg", "run/b.jpg"]


def test_the_folder_of_results_is_not_searched(tree):
    out = tree / "deep"

    assert relatives(find_images([tree], out=out)) == ["a.PNG", "b.jpg"]
    assert relatives(find_images([f"{tree}/**/*"], out=out)) == ["a.PNG", "b.jpg"]
    assert len(find_images([tree], out=tree)) == 4  # beside the photos


def test_results_among_the_files_that_a_shell_names_are_left_out(tmp_path, caplog):
    """photos/* is what lies there, and the last run wrote there, too."""
    photo = tmp_path / "a.jpg"
    photo.touch()
    save(DEPTH, tmp_path / "a.png")
    save(DEPTH, tmp_path / "a.color.png", format="color")
    write_failures(tmp_path / "failures.jsonl", [{"photo": "b.jpg", "error": "empty"}])

    with caplog.at_level(logging.WARNING):
        assert [i.path for i in find_images(sorted(tmp_path.iterdir()))] == [photo]

    assert caplog.messages == ["left out of the inputs: 4 results, not photos"]
    assert len(find_images([tmp_path, tmp_path / "a.png", tmp_path / "a.jpg"])) == 1
    with pytest.raises(InputError, match="all 2 inputs are results; expected photos"):
        find_images([tmp_path / "a.png", tmp_path / "a.color.png"])


@pytest.mark.parametrize("name", ["a.png", "a.npy", "a.color.png", "a.png.json", "moved.png"])
def test_a_result_that_is_named_alone_is_no_photo(tmp_path, name):
    save(DEPTH, tmp_path / "a.png")
    save(DEPTH, tmp_path / "a.npy")
    save(DEPTH, tmp_path / "a.color.png", format="color")
    (tmp_path / "moved.png").write_bytes((tmp_path / "a.png").read_bytes())  # without its sidecar

    with pytest.raises(InputError, match=rf"{name}: is a result of featherdepth, not a photo; "):
        find_images([tmp_path / name])


def test_so_is_the_folder_of_results_that_lies_among_them(tmp_path, caplog):
    """predict * -o out, a second time."""
    photo, out, other = tmp_path / "a.jpg", tmp_path / "out", tmp_path / "other"
    photo.touch()
    out.mkdir()
    save(DEPTH, out / "a.npy")

    with caplog.at_level(logging.WARNING):
        assert [i.path for i in find_images([photo, out], out=out)] == [photo]
        assert [i.path for i in find_images([photo, out])] == [photo]
    assert caplog.messages == ["left out of the inputs: 1 results, not photos"] * 2

    other.mkdir()
    (other / "b.npy").touch()
    with pytest.raises(InputError, match="other: holds no photos"):
        find_images([photo, other])
    assert find_images([]) == []


def test_a_photo_named_twice_is_found_once(tree):
    assert relatives(find_images([tree / "b.jpg", tree, tree / "b.jpg"]))[0] == "b.jpg"
    assert len(find_images([tree / "b.jpg", tree])) == 4


def found_outputs(folder, names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    found = find_images(sorted({folder / Path(name).parent for name in names}))
    return {image.path.relative_to(folder).as_posix(): str(image.output) for image in found}


def test_photos_that_differ_in_their_suffix_keep_it_in_their_results(tmp_path):
    outputs = found_outputs(tmp_path, ["x/a.jpg", "x/a.png", "x/b.c.jpg"])

    assert outputs == {"x/a.jpg": "a_jpg", "x/a.png": "a_png", "x/b.c.jpg": "b.c"}


def test_the_map_of_one_does_not_meet_the_colors_of_another(tmp_path):
    outputs = found_outputs(tmp_path, ["a.bmp", "a.color.jpg"])

    assert outputs == {"a.bmp": "a", "a.color.jpg": "a_color_jpg"}


def test_names_that_some_file_systems_take_for_one_are_kept_apart(tmp_path):
    outputs = found_outputs(tmp_path, ["x/a.jpg", "x/A.gif"])

    assert outputs == {"x/a.jpg": "a_jpg", "x/A.gif": "A_gif"}


def test_photos_of_one_name_in_two_folders_are_counted(tmp_path):
    outputs = found_outputs(tmp_path, ["one/a.jpg", "two/a.jpg", "two/a_jpg.png"])

    assert outputs == {"one/a.jpg": "a_jpg", "two/a.jpg": "a_jpg_2", "two/a_jpg.png": "a_jpg_3"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("gone.jpg", r"gone\.jpg: not found; expected a photo, a folder"),
        ("gone/*.jpg", "matches no photo"),
        ("deep/none*", "matches no photo"),
        ("x" * 5000, "cannot be read: File name too long"),
    ],
)
def test_an_input_that_names_nothing_is_refused(tree, entry, message):
    with pytest.raises(InputError, match=message):
        find_images([f"{tree}/{entry}"])


@pytest.mark.parametrize("entry", ["", " "])
def test_a_name_that_is_empty_is_not_the_current_folder(entry):
    with pytest.raises(InputError, match="an empty name"):
        find_images([entry])


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python 3.13 takes it for *")
def test_a_glob_that_python_does_not_take_is_refused(tree):
    with pytest.raises(InputError, match=r"\*\*\.jpg: .*; expected \*\* between two /"):
        find_images([f"{tree}/**.jpg"])


def test_a_folder_or_list_without_photos_is_refused(tree):
    (tree / "empty").mkdir()

    with pytest.raises(InputError, match="holds no photos; expected files such as"):
        find_images([tree / "empty"])
    with pytest.raises(InputError, match=r"notes\.txt: lists no photos"):
        find_images([tree / "notes.txt"])


def test_a_list_that_is_no_text_is_refused(tree):
    (tree / "notes.txt").write_bytes(b"\xff\xfe\x00\x80")

    with pytest.raises(InputError, match="cannot be read as a list"):
        find_images([tree / "notes.txt"])


def test_files_of_many_photos_beside_photos_are_told(tmp_path, caplog):
    for name in ("a.jpg", "d/b.tar", "c.parquet", "out.tar", "out.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    with caplog.at_level(logging.WARNING):
        found = find_images([tmp_path])

    assert [image.path.name for image in found] == ["a.jpg"]
    assert caplog.messages == [
        f"{tmp_path}: left out, since photos lie beside them: 2 files of many photos, such as"
        " c.parquet; name them by themselves"
    ]
