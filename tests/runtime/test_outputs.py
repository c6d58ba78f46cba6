"""A photo counts as done when its files are whole and the same run would make them again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import pytest

from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.images.read import FoundImage
from featherdepth.runtime.outputs import OutputOptions, is_done, source_facts, write_outputs
from featherdepth.types import Depth, DepthKind, Image, Provenance

EVERY = OutputOptions(formats=("png16", "npy", "color", "ply"), near_far=(1.0, 1.1))
COLOR = OutputOptions(formats=("color",))
SOURCE = {"path": "room.jpg", "bytes": 100}
FILES = ["room.png", "room.npy", "room.color.png", "room.ply"]


@pytest.fixture
def depth() -> Depth:
    values = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
    return Depth(
        values=values,
        valid=np.ones((6, 8), dtype=np.bool_),
        kind=DepthKind.AFFINE_INVARIANT,
        provenance=Provenance(model="toy", sha256="abc"),
    )


@pytest.fixture
def stem(tmp_path: Path, depth: Depth) -> Path:
    image = Image(pixels=np.zeros((6, 8, 3), dtype=np.uint8), name="room.jpg")
    write_outputs(tmp_path / "sub" / "room", depth, image, EVERY, SOURCE)
    return tmp_path / "sub" / "room"


def test_every_format_is_written_and_then_done(stem: Path) -> None:
    names = {p.name for p in stem.parent.iterdir()}

    assert names == {*FILES, "room.png.json", "room.npy.json", "room.ply.json"}
    assert is_done(stem, "abc", EVERY, SOURCE)


@pytest.mark.parametrize("name", [*FILES, "room.png.json", "room.npy.json", "room.ply.json"])
def test_a_missing_or_cut_file_is_not_done(name: str, stem: Path) -> None:
    file = stem.with_name(name)
    whole = file.read_bytes()

    for content in (whole[: len(whole) // 2], whole[:-1], b""):
        if name.endswith(".json") and content == whole[:-1]:
            continue  # the last byte is a line end
        file.write_bytes(content)
        assert not is_done(stem, "abc", EVERY, SOURCE), len(content)
    file.unlink()
    assert not is_done(stem, "abc", EVERY, SOURCE)


def test_another_model_option_or_photo_is_not_done(stem: Path) -> None:
    assert not is_done(stem, "abd", EVERY, SOURCE)
    assert not is_done(stem, "abc", replace(EVERY, size=320), SOURCE)
    assert not is_done(stem, "abc", replace(EVERY, cmap="turbo"), SOURCE)
    assert not is_done(stem, "abc", EVERY, SOURCE | {"bytes": 101})


def test_fewer_formats_than_are_there_is_done(stem: Path) -> None:
    assert is_done(stem, "abc", replace(EVERY, formats=("npy",)), SOURCE)


def test_a_color_picture_alone_has_a_sidecar_of_its_own(tmp_path: Path, depth: Depth) -> None:
    image = Image(pixels=np.zeros((6, 8, 3), dtype=np.uint8))

    write_outputs(tmp_path / "room", depth, image, COLOR, SOURCE)

    assert json.loads((tmp_path / "room.color.png.json").read_text())["options"]["size"] is None
    assert is_done(tmp_path / "room", "abc", COLOR, SOURCE)
    assert not is_done(tmp_path / "room", "abd", COLOR, SOURCE)


def test_a_photo_that_is_gone_has_no_size(tmp_path: Path) -> None:
    photo = FoundImage(path=tmp_path / "x.jpg", relative=PurePath("x.jpg"), output=PurePath("x"))

    assert source_facts(photo) == {"path": "x.jpg", "bytes": -1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"formats": ()}, "no output format"),
        ({"formats": ("png",)}, "unknown format 'png'"),
        ({"out_size": "half"}, "expected photo or model"),
        ({"cmap": "jet"}, "unknown color map 'jet'"),
        ({"fov_deg": 60.0, "focal_px": (1.0, 1.0, 0.0, 0.0)}, "expected one of them"),
        ({"focal_px": (0.0, 1.0, 0.0, 0.0)}, "expected them above 0"),
        ({"fov_deg": 180.0}, "field of view 180"),
    ],
)
def test_options_that_fit_no_photo_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises((UsageError, InputError), match=words):
        OutputOptions(**options)  # type: ignore[arg-type]


def test_a_cloud_of_an_affine_kind_needs_a_range() -> None:
    cloud = OutputOptions(formats=("ply",))

    cloud.check_kind(DepthKind.METRIC)
    with pytest.raises(UsageError, match="--near-far 1,10"):
        cloud.check_kind(DepthKind.AFFINE_INVARIANT)
    EVERY.check_kind(DepthKind.AFFINE_INVARIANT_DISPARITY)


@pytest.mark.parametrize(
    ("options", "fx"),
    [
        (OutputOptions(fov_deg=90.0), 4.0),
        (OutputOptions(focal_px=(5.0, 6.0, 3.0, 2.0)), 5.0),
    ],
)
def test_a_given_camera_belongs_to_the_size_of_the_photo(options: OutputOptions, fx: float) -> None:
    reduced = Image(pixels=np.zeros((3, 4, 3), dtype=np.uint8), full_size=(6, 8))

    camera = options.camera(reduced)

    assert camera is not None and camera.fx == pytest.approx(fx) and camera.source == "given"
    assert (camera.height, camera.width) == (6, 8)


def test_a_folder_that_is_a_file_is_a_run_error(tmp_path: Path, depth: Depth) -> None:
    (tmp_path / "sub").write_text("")
    write: Callable[[], None] = lambda: write_outputs(  # noqa: E731 - named for the reader
        tmp_path / "sub" / "room", depth, Image(pixels=np.zeros((6, 8, 3), np.uint8)), COLOR, SOURCE
    )

    with pytest.raises(RunError, match="cannot make folder"):
        write()
