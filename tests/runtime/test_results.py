"""A photo counts as done when its files are whole and the same run would make them again."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import pytest

from featherdepth.errors import InputError, RunError
from featherdepth.images.read import FoundImage
from featherdepth.images.sidecar import is_result
from featherdepth.runtime.outputs import OutputOptions
from featherdepth.runtime.results import is_done, source_facts, write_outputs
from featherdepth.types import Depth, DepthKind, Image, Provenance

EVERY = OutputOptions(formats=("png16", "npy", "color", "ply"), near_far=(1.0, 1.1))
COLOR = OutputOptions(formats=("color",))
SOURCE = {"path": "room.jpg", "bytes": 100, "modified_ns": 7}
MADE = Provenance(model="toy", sha256="abc", backend="onnx", precision="int8")
FILES = ["room.png", "room.npy", "room.color.png", "room.ply"]


@pytest.fixture
def depth() -> Depth:
    values = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
    return Depth(
        values=values,
        valid=np.ones((6, 8), dtype=np.bool_),
        kind=DepthKind.AFFINE_INVARIANT,
        provenance=MADE,
    )


@pytest.fixture
def stem(tmp_path: Path, depth: Depth) -> Path:
    image = Image(pixels=np.zeros((6, 8, 3), dtype=np.uint8), name="room.jpg")
    write_outputs(tmp_path / "sub" / "room", depth, image, EVERY, SOURCE)
    return tmp_path / "sub" / "room"


def test_every_format_is_written_and_then_done(stem: Path) -> None:
    names = {p.name for p in stem.parent.iterdir()}

    assert names == {*FILES, "room.png.json", "room.npy.json", "room.ply.json"}
    assert is_done(stem, MADE, EVERY, SOURCE)


@pytest.mark.parametrize("name", [*FILES, "room.png.json", "room.npy.json", "room.ply.json"])
def test_a_missing_or_cut_file_is_not_done(name: str, stem: Path) -> None:
    file = stem.with_name(name)
    whole = file.read_bytes()

    for content in (whole[: len(whole) // 2], whole[:-1], b""):
        if name.endswith(".json") and content == whole[:-1]:
            continue  # the last byte is a line end
        file.write_bytes(content)
        assert not is_done(stem, MADE, EVERY, SOURCE), len(content)
    file.unlink()
    assert not is_done(stem, MADE, EVERY, SOURCE)


def test_another_model_option_or_photo_is_not_done(stem: Path) -> None:
    for other in ({"sha256": "abd"}, {"backend": "openvino"}, {"precision": "fp32"}):
        assert not is_done(stem, replace(MADE, **other), EVERY, SOURCE), other
    assert not is_done(stem, MADE, replace(EVERY, size=320), SOURCE)
    assert not is_done(stem, MADE, replace(EVERY, cmap="turbo"), SOURCE)
    for changed in ({"bytes": 101}, {"modified_ns": 8}, {"path": "room.png"}):
        assert not is_done(stem, MADE, EVERY, SOURCE | changed), changed


def test_fewer_formats_than_are_there_is_done(stem: Path) -> None:
    assert is_done(stem, MADE, replace(EVERY, formats=("npy",)), SOURCE)


def test_a_color_picture_alone_has_a_sidecar_of_its_own(tmp_path: Path, depth: Depth) -> None:
    image = Image(pixels=np.zeros((6, 8, 3), dtype=np.uint8))

    write_outputs(tmp_path / "room", depth, image, COLOR, SOURCE)

    assert json.loads((tmp_path / "room.color.png.json").read_text())["options"]["size"] is None
    assert is_done(tmp_path / "room", MADE, COLOR, SOURCE)
    assert not is_done(tmp_path / "room", replace(MADE, sha256="abd"), COLOR, SOURCE)


def test_colors_that_were_painted_alone_are_told_from_those_of_the_map(
    tmp_path: Path, depth: Depth
) -> None:
    image, both = Image(pixels=np.zeros((6, 8, 3), np.uint8)), OutputOptions(cmap="turbo")
    stem = tmp_path / "room"
    write_outputs(stem, depth, image, both, SOURCE)
    write_outputs(stem, depth, image, replace(COLOR, cmap="gray"), SOURCE)

    assert not is_done(stem, MADE, both, SOURCE)

    write_outputs(stem, depth, image, both, SOURCE)

    assert is_done(stem, MADE, both, SOURCE)
    assert not is_done(stem, MADE, replace(COLOR, cmap="gray"), SOURCE)


def test_colors_of_another_model_than_the_map_s_are_not_done(tmp_path: Path, depth: Depth) -> None:
    image, stem = Image(pixels=np.zeros((6, 8, 3), np.uint8)), tmp_path / "room"
    other = replace(depth, provenance=replace(MADE, sha256="abd"))
    png, both = OutputOptions(formats=("png16",)), OutputOptions()

    write_outputs(stem, other, image, both, SOURCE)
    write_outputs(stem, depth, image, png, SOURCE)

    assert is_done(stem, MADE, png, SOURCE) and not is_done(stem, MADE, both, SOURCE)

    write_outputs(stem, depth, image, both, SOURCE)
    write_outputs(stem, other, image, replace(both, formats=("npy", "color")), SOURCE)

    assert is_done(stem, MADE, png, SOURCE) and not is_done(stem, MADE, both, SOURCE)


def test_colors_without_their_map_say_what_they_are(stem: Path) -> None:
    for path in stem.parent.iterdir():
        if path.name != "room.color.png":
            path.unlink()

    assert is_result(stem.with_name("room.color.png"))


def test_a_name_that_is_too_long_is_the_fault_of_its_photo(tmp_path: Path, depth: Depth) -> None:
    image = Image(pixels=np.zeros((6, 8, 3), np.uint8))

    for stem in (tmp_path / ("x" * 250), tmp_path / ("x" * 300) / "y"):
        with pytest.raises(InputError, match="name too long"):
            write_outputs(stem, depth, image, EVERY, SOURCE)


def test_a_photo_that_is_gone_has_no_size(tmp_path: Path) -> None:
    photo = FoundImage(path=tmp_path / "x.jpg", relative=PurePath("x.jpg"), output=PurePath("x"))

    assert source_facts(photo) == {"path": "x.jpg", "bytes": -1}

    photo.path.write_bytes(b"12")
    os.utime(photo.path, ns=(0, 5_000))

    assert source_facts(photo) == {"path": "x.jpg", "bytes": 2, "modified_ns": 5_000}


def test_a_folder_that_is_a_file_is_a_run_error(tmp_path: Path, depth: Depth) -> None:
    (tmp_path / "sub").write_text("")
    write: Callable[[], None] = lambda: write_outputs(  # noqa: E731 - named for the reader
        tmp_path / "sub" / "room", depth, Image(pixels=np.zeros((6, 8, 3), np.uint8)), COLOR, SOURCE
    )

    with pytest.raises(RunError, match="cannot make folder"):
        write()
