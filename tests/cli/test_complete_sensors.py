"""`complete` from the command line with the files of every sensor, and what cannot be right."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.cli import main as cli
from featherdepth.completion.model import CompletionModel
from featherdepth.images.exif import EXIF_FOLDER, FOCAL_35MM
from featherdepth.images.read_depth import read_depth
from featherdepth.types import Intrinsics
from sensor_files import write_sensor_files

SIZE = (60, 80)
ROWS, COLUMNS = np.indices(SIZE)
METERS = 4.0 - 2.0 * ROWS / SIZE[0] + COLUMNS / SIZE[1]
CAMERA = ("--intrinsics", "100,90,41,28")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    photo = random.integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    PIL.Image.fromarray(photo).save(tmp_path / "room.png")
    places = np.unravel_index(random.choice(METERS.size, 60, replace=False), SIZE)
    write_sensor_files(tmp_path, "room.png", METERS, places, (100.0, 90.0, 41.0, 28.0))
    return tmp_path


@pytest.fixture
def run(folder: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Complete room.png behind random weights: what is right comes from the points."""
    monkeypatch.chdir(folder)
    fixed = ["--first", str(small_model), "--size", "64x64", "--save", "npy", "-o", "out"]

    def run(sparse: str, *more: str, photo: str = "room.png") -> int:
        return cli.run(["complete", photo, sparse, *fixed, "--method", "linear", *more])

    return run


@pytest.mark.parametrize(
    "sparse",
    [
        ["points.csv"],
        ["sparse.png", "--depth-scale", "1000"],
        ["sparse.npy"],
        ["sparse.npz"],
        ["cloud.ply", *CAMERA],
        ["cloud.pcd", *CAMERA],
        ["scan.bin", "--calibration", "calib.txt"],
        ["colmap"],
        ["colmap-text"],
        ["colmap/images.bin"],
    ],
)
def test_the_files_of_every_sensor_give_the_same_room(
    folder: Path, run: Callable[..., int], sparse: list[str]
) -> None:
    assert run(*sparse) == 0

    made = read_depth(folder / "out" / "room.npy")
    beside = json.loads((folder / "out" / "room.npy.json").read_text())
    inside = made.values[10:50, 10:70] / METERS[10:50, 10:70]
    assert np.abs(inside - 1).max() < 0.05
    assert np.abs(inside - 1).mean() < 0.005
    assert beside["alignment"]["count"] == 60
    if "colmap" in sparse[0] or (len(sparse) > 1 and "png" not in sparse[0]):
        assert made.intrinsics is not None
        assert (made.intrinsics.fx, made.intrinsics.cy) == (100, 28)


def test_photos_of_two_cameras_take_their_own_picture_of_the_model(
    folder: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for camera in ("cam1", "cam2"):
        (folder / "photos" / camera).mkdir(parents=True)
        shutil.copy(folder / "room.png", folder / "photos" / camera / "room.png")
    images = folder / "colmap-text" / "images.txt"
    pose, observed = images.read_text().splitlines()
    lines = [pose.replace("room.png", "cam1/room.png"), observed]
    farther = pose.split()
    farther[7], farther[9] = "3.0", "cam2/room.png"  # a meter behind the other
    images.write_text("\n".join([*lines, " ".join(farther), observed]) + "\n")

    for model in ("colmap-text", "colmap-text/images.txt"):
        assert run(model, "--overwrite", photo="photos") == 0

        near, far = (read_depth(folder / "out" / f"cam{i}" / "room.npy").values for i in (1, 2))
        assert np.median(far - near) == pytest.approx(1, abs=0.01)


def test_a_photo_by_its_path_takes_its_picture_of_the_model(
    folder: Path, small_model: Path
) -> None:
    images = folder / "colmap-text" / "images.txt"
    pose, observed = images.read_text().splitlines()
    other = pose.replace("room.png", "other.png")
    images.write_text("\n".join([other, observed, pose, observed]) + "\n")

    made = CompletionModel.from_pretrained(small_model, method="linear").complete(
        folder / "room.png", folder / "colmap-text", size=(64, 64)
    )

    assert made.alignment.count == 60


def test_a_cloud_takes_the_camera_of_the_photo_or_of_the_call(
    folder: Path, run: Callable[..., int], small_model: Path
) -> None:
    camera = Intrinsics(fx=1e2, fy=9e1, cx=41.0, cy=28.0, width=80, height=60, source="given")
    entries = PIL.Image.Exif()
    entries.get_ifd(EXIF_FOLDER)[FOCAL_35MM] = 43  # 100 px
    PIL.Image.open(folder / "room.png").save(folder / "exif.jpg", exif=entries)

    assert run("cloud.ply", photo="exif.jpg") == 0

    made = read_depth(folder / "out" / "exif.npy")
    assert made.intrinsics is not None and made.intrinsics.source == "exif"
    model = CompletionModel.from_pretrained(small_model, method="linear")
    said = model.complete(folder / "room.png", folder / "cloud.ply", intrinsics=camera, size=64)
    assert said.alignment.count == 60


def test_a_cloud_in_millimeters_takes_its_scale(folder: Path, run: Callable[..., int]) -> None:
    data = (folder / "cloud.ply").read_bytes()
    start = data.index(b"end_header\n") + 11
    points = np.frombuffer(data[start:], dtype="<f4") * np.float32(1000)
    (folder / "cloud.ply").write_bytes(data[:start] + points.tobytes())

    assert run("cloud.ply", *CAMERA, "--depth-scale", "1000") == 0
    assert read_depth(folder / "out/room.npy").values[30, 40] == pytest.approx(3.5, rel=0.02)


def test_all_points_at_one_depth_complete_to_it(folder: Path, run: Callable[..., int]) -> None:
    (folder / "equal.csv").write_text("5,5,2.5\n70,5,2.5\n40,30,2.5\n9,50,2.5\n66,55,2.5\n")

    assert run("equal.csv") == 0

    np.testing.assert_allclose(read_depth(folder / "out/room.npy").values, 2.5, rtol=1e-4)


def test_points_that_are_partly_wrong_leave_the_rest(folder: Path, run: Callable[..., int]) -> None:
    lines = (folder / "points.csv").read_text() + "500,5,2\n-3,4,2\n5,5,nan\n6,6,inf\n7,7,0\n"
    (folder / "points.csv").write_text(lines)

    assert run("points.csv") == 0
    beside = json.loads((folder / "out/room.npy.json").read_text())
    assert beside["alignment"]["count"] == 60


def write(folder: Path, name: str, content: str | np.ndarray) -> None:
    if isinstance(content, str):
        (folder / name).write_text(content)
    elif name.endswith(".png"):
        PIL.Image.fromarray(content).save(folder / name)
    else:
        np.save(folder / name, content)


@pytest.mark.parametrize(
    ("name", "content", "more", "message"),
    [
        ("p.csv", "u,v,meters\n", [], "p.csv: holds no points"),
        ("p.npy", np.zeros((0, 3)), [], "array of shape (0, 3); expected numbers of shape (h, w)"),
        ("p.npy", np.zeros(SIZE), [], "p.npy: holds no measured point"),
        ("p.png", np.zeros(SIZE, np.uint16), ["--depth-scale", "1000"], "holds no measured point"),
        ("p.npy", np.full(SIZE, np.nan), [], "holds no measured point"),
        ("p.csv", "3,4,nan\n5,6,nan\n", [], "none of 2 points lies inside"),
        ("p.csv", "80,4,2\n", [], "none of 1 points lies inside the picture of 80x60"),
        ("p.csv", "3,4,2\n5,6,-1\n", [], "p.csv: depth down to -1; expected 0 or more"),
        ("p.npy", np.full(SIZE, -2.0), [], "depth down to -2"),
        ("p.csv", "3,4,2500\n", [], "mostly millimetres (--depth-scale 1000)"),
        ("p.npy", np.full(SIZE, 2500.0), [], "median depth would be 2500 m (with no depth scale)"),
        ("p.csv", "3,4,2.5\n", ["--depth-scale", "1000"], "leave --depth-scale out"),
        ("p.csv", "3,4,2.5\n", ["--depth-scale", "0"], "depth scale 0; expected a number above 0"),
        ("p.csv", "3,4,2.5\n", ["--depth-scale", "-5"], "depth scale -5; expected"),
        ("p.csv", "3,4,2.5\n", ["--depth-scale", "nan"], "depth scale nan; expected"),
        (
            "p.png",
            np.full(SIZE, 2500, np.uint16),
            ["--depth-scale", "1000000"],
            "median depth would be 0.0025 m (with scale 1e+06)",
        ),
        ("p.png", np.full(SIZE, 2500, np.uint16), [], "expected a scale, such as 1000"),
        ("p.npy", np.full((30, 40), 2.0), [], "40x30 pixels, but the picture has 80x60"),
        ("p.npy", np.full(SIZE[::-1], 2.0), [], "60x80 pixels, but the picture has 80x60"),
        ("p.doc", "3,4,2.5\n", [], "'.doc' is not read as measured points"),
    ],
)
def test_what_cannot_be_right_is_one_line_and_no_file(
    folder: Path,
    run: Callable[..., int],
    name: str,
    content: str | np.ndarray,
    more: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(folder, name, content)

    assert run(name, *more) in (2, 3)

    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("featherdepth: ")
    assert error.count("\n") == 1
    assert not list((folder / "out").glob("*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv"], "none.csv: not found; expected measured points"),
        (["cloud.ply", "--intrinsics", "100,90,41"], "expected 4 numbers"),
        (["scan.bin"], "expected its calibration file too (--calibration calib.txt)"),
        (["scan.bin", "--calibration", "none.txt"], "none.txt: not found"),
        (["scan.bin", "--calibration", "points.csv"], "points.csv: no line 'P2'"),
        (["cloud.ply", "--calibration", "calib.txt"], "none of 21 points lies inside"),
        (["points.csv", "--min-confidence", "2"], "confidence 2; expected 0 to 1"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    run: Callable[..., int],
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*arguments) in (2, 3)

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_model_of_another_photo_says_which_it_knows(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "colmap-text" / "images.txt").read_text()
    (folder / "colmap-text" / "images.txt").write_text(text.replace("room.png", "hall.png"))

    assert run("colmap-text") == 3

    error = capsys.readouterr().err
    assert "no picture 'room.png'; the model has hall.png" in error
    assert error.count("\n") == 1


def test_one_depth_file_is_not_the_first_stage_of_many_photos(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("points.csv") == 0
    for part, source in (("photos", "room.png"), ("points", "points.csv")):
        (folder / part).mkdir()
        for stem in "ab":
            shutil.copy(folder / source, folder / part / f"{stem}{source[-4:]}")

    assert cli.run(["complete", "photos", "points", "--first", "out/room.npy", "-o", "x"]) == 2
    assert "one depth map for 2 photos" in capsys.readouterr().err
    assert not (folder / "x").exists()


@pytest.mark.parametrize("sparse", ["colmap", "colmap/images.bin"])
def test_another_model_is_completed_anew(
    folder: Path, run: Callable[..., int], sparse: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = folder / "colmap" / "points3D.bin"
    for told in ("1 done", "1 skipped"):
        assert run(sparse) == 0
        assert told in capsys.readouterr().out

    os.utime(table, ns=(1, 1))  # written anew, of equal length

    assert run(sparse) == 0
    assert "1 done" in capsys.readouterr().out
