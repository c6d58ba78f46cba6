"""A newcomer who types what the tutorials say gets what they promise."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import trees
from featherdepth.images.read_depth import read_depth
from sensor_files import write_sensor_files

DOCS = Path(__file__).parents[2] / "docs"
SIZE = (480, 640)
CAMERA = (520.0, 520.0, 319.5, 239.5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put_photo(path: Path, name: str = "room_a", size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(exist_ok=True)
    with PIL.Image.open(DOCS / "photos" / f"{name}.jpg") as photo:
        photo.resize(size[::-1]).save(path)


def test_a_first_depth_map(folder: Path, run_page: Callable[[str], int]) -> None:
    put_photo(folder / "room.jpg")
    for name in ("coffee", "forest"):
        put_photo(folder / "photos" / f"{name}.jpg", name, (240, 320))

    assert run_page("tutorials/first-depth-map.md") == 5

    meters = read_depth(folder / "meters.png")
    assert meters.unit == "m"
    for row, column, measured in ((220, 100, 1.4), (400, 500, 1.9), (240, 320, 4.2)):
        assert meters.values[row, column] == pytest.approx(measured, abs=0.15)
    made = ["out/room.color.png", "out/room.png.json", "room-colored.png", "cloud/room.ply"]
    made += ["room-depth.png", "depth/coffee.png", "depth/forest.png"]
    assert [name for name in made if not (folder / name).is_file()] == []


def test_complete_a_lidar_frame(folder: Path, run_page: Callable[[str], int]) -> None:
    put_photo(folder / "street.jpg", "street_a")
    rows, columns = np.indices(SIZE)
    meters = 9.0 - 6.0 * rows / SIZE[0] + columns / SIZE[1]
    places = np.random.default_rng(0).choice(meters.size, 800, replace=False)
    where = np.unravel_index(places, SIZE)
    write_sensor_files(folder, "street.jpg", meters, where, CAMERA)
    PIL.Image.fromarray(np.rint(1000 * meters).astype(np.uint16)).save(folder / "depth.png")

    assert run_page("tutorials/complete-a-lidar-frame.md") == 4

    for name in ("out", "from-lines"):
        made = read_depth(folder / name / "street.png")
        assert np.abs(made.values - meters).mean() < 0.5
    assert (folder / "out" / "street.ply").is_file()


def test_evaluate_on_nyuv2(
    folder: Path,
    run_page: Callable[[str], int],
    make_model: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    trees.nyuv2_bts(folder / "nyuv2", frames=(45, 46, 55, 56))
    shutil.copytree(make_model("small", size=64), folder / "run")

    assert run_page("tutorials/evaluate-on-nyuv2.md") == 6

    said = capsys.readouterr().out
    assert "4 images" in said
    assert "not told apart" in said or "better" in said


@pytest.mark.slow
def test_distil_on_your_own_photos(folder: Path, run_page: Callable[[str], int]) -> None:
    for path in (DOCS / "photos").glob("*.jpg"):
        put_photo(folder / "photos" / path.name, path.stem, (240, 320))

    assert run_page("tutorials/distil-your-photos.md") == 4

    assert (folder / "run" / "report.html").is_file()
    assert len(list((folder / "depth").glob("*.png"))) >= 12


@pytest.mark.slow
@pytest.mark.usefixtures("traceable")
def test_export_to_a_device(
    folder: Path, run_page: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (DOCS / "photos").glob("*.jpg"):
        put_photo(folder / "photos" / path.name, path.stem, (240, 320))

    assert run_page("tutorials/export-to-a-device.md") == 4

    assert "small-int8.onnx onnx int8" in capsys.readouterr().out
    assert len(list((folder / "on-device").glob("*.color.png"))) == 12
