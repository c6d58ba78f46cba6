"""What fits no photo, or would cost others their files, is refused before one is read."""

from pathlib import Path, PurePath

import numpy as np
import pytest

from featherdepth.errors import InputError, UsageError
from featherdepth.images.read import FoundImage
from featherdepth.runtime.outputs import OutputOptions, check_outputs
from featherdepth.types import DepthKind, Image

EVERY = OutputOptions(formats=("png16", "npy", "color", "ply"), near_far=(1.0, 1.1))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"formats": ()}, "no output format"),
        ({"formats": ("png",)}, "unknown format 'png'"),
        ({"out_size": "half"}, "expected photo or model"),
        ({"cmap": "jet"}, "unknown color map 'jet'"),
        ({"fov_deg": 60.0, "focal_px": (1.0, 1.0, 0.0, 0.0)}, "expected one of them"),
        ({"focal_px": (0.0, 1.0, 0.0, 0.0)}, "expected them above 0"),
        ({"focal_px": (1.0, 1.0, float("nan"), 0.0)}, "expected four finite numbers"),
        ({"focal_px": (float("inf"), 1.0, 0.0, 0.0)}, "expected four finite numbers"),
        ({"fov_deg": 180.0}, "field of view 180"),
        ({"size": 0}, "size 0; expected 1 or more pixels"),
    ],
)
def test_options_that_fit_no_photo_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises((UsageError, InputError), match=words):
        OutputOptions(**options)  # type: ignore[arg-type]


def test_one_format_and_a_list_are_those_of_a_tuple() -> None:
    for formats in (["color"], "color"):
        assert OutputOptions(formats=formats) == OutputOptions(formats=("color",))


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


@pytest.mark.parametrize(
    "name",
    ["room.png", "room.png.json", "room.color.png", "room.color.png.json", "failures.jsonl"],
)
def test_files_of_others_stay(name: str, tmp_path: Path) -> None:
    photo = FoundImage(
        path=Path("room.jpg"), relative=PurePath("room.jpg"), output=PurePath("room")
    )
    (tmp_path / name).write_text('{"mine": 1}\n')

    with pytest.raises(UsageError, match=f"{name}: is there already and no result"):
        check_outputs(
            [photo], tmp_path, OutputOptions(), failures="failures.jsonl", overwrite=False
        )
    check_outputs([photo], tmp_path, OutputOptions(), failures="failures.jsonl", overwrite=True)
