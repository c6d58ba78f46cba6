"""`align` from the command line: points in every form, one line for what cannot be right."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.cli import main as cli
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.images.read_depth import read_depth
from featherdepth.images.write import save
from featherdepth.types import Depth, DepthKind
from sensor_files import write_sensor_files

SIZE = (48, 64)
ROOM = (5 - 3 * np.indices(SIZE)[0] / 48 + np.indices(SIZE)[1] / 64).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    values = 0.5 * ROOM - 2
    valid = np.ones(SIZE, dtype=bool)
    save(Depth(values=values, valid=valid, kind=DepthKind.AFFINE_INVARIANT), tmp_path / "r.npy")
    np.save(tmp_path / "plain.npy", values)
    places = [(5 * i + 2, (17 * i + 3) % 64) for i in range(9)]
    codes = np.zeros(SIZE, dtype=np.uint16)
    lines = ["u,v,meters"]
    for v, u in places:
        codes[v, u] = round(float(ROOM[v, u]) * 1000)
        lines.append(f"{u},{v},{ROOM[v, u]:.4f}")
    (tmp_path / "points.csv").write_text("\n".join(lines))
    PIL.Image.fromarray(codes).save(tmp_path / "points.png")
    np.save(tmp_path / "points.npy", codes / np.float32(1000))
    return tmp_path


def run(folder: Path, *arguments: object) -> int:
    return cli.run(["align", str(folder / "r.npy"), *map(str, arguments)])


@pytest.mark.parametrize(
    "points", [["points.csv"], ["points.png", "--depth-scale", "1000"], ["points.npy"]]
)
def test_points_from_a_file_give_meters(folder: Path, points: list[str]) -> None:
    code = run(folder, folder / points[0], *points[1:], "-o", folder / "m.npy")

    made = read_depth(folder / "m.npy")
    assert code == 0
    assert made.kind is DepthKind.METRIC
    np.testing.assert_allclose(made.values, ROOM, atol=0.003)


def test_points_typed_in_give_meters_and_a_document(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = [f"{u},{v},{ROOM[v, u]}" for u, v in ((3, 4), (60, 20), (30, 44), (5, 30))]

    code = run(
        folder, *(a for p in typed for a in ("--point", p)), "-o", folder / "m.npy", "--json"
    )

    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert said["scale"] == pytest.approx(2, rel=1e-4)
    assert said["shift"] == pytest.approx(4, rel=1e-4)
    assert (said["points"], said["used"], said["rejected"]) == (4, 4, [])
    np.testing.assert_allclose(read_depth(folder / "m.npy").values, ROOM, rtol=1e-4)


def test_typed_points_have_a_scale_too(folder: Path) -> None:
    point = "3,4,2500"

    code = run(folder, "--point", point, "--depth-scale", 1000, "-o", folder / "m.npy")

    assert code == 0
    assert read_depth(folder / "m.npy").values[4, 3] == pytest.approx(2.5)
    assert run(folder, "--point", point, "--depth-scale", 0, "-o", folder / "m.npy") == 2


def test_the_fit_is_kept_beside_the_map(folder: Path) -> None:
    run(folder, folder / "points.csv", "-o", folder / "m.png")

    beside = json.loads((folder / "m.png.json").read_text())
    assert beside["alignment"]["method"] == "huber"
    assert beside["alignment"]["count"] == 9


def test_one_point_says_what_was_assumed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--point", "3,4,2.5", "-o", folder / "m.npy") == 0

    out = capsys.readouterr().out
    assert "points: 1 of 1 used" in out
    assert "taken as 1 to 10" in out


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.csv", "u,v,m\n", "holds no points"),
        ("p.csv", "3,4,2.5\n3,x,2\n", "line 2: '3,x,2'"),
        ("p.csv", "3,4,nan\n", "none of 1 points"),
        ("p.csv", "3,4,-2\n", "depth down to -2"),
        ("p.csv", "64,4,2\n", "none of 1 points lies inside the picture of 64x48"),
        ("p.csv", "3,4,2500\n9,9,3000\n", "mostly millimetres"),
        ("missing.csv", None, "not found"),
    ],
)
def test_a_table_that_cannot_be_right_ends_in_one_line(
    folder: Path, name: str, text: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (folder / name).write_text(text)

    code = run(folder, folder / name, "-o", folder / "m.npy")

    error = capsys.readouterr().err
    assert code == 3
    assert message in error
    assert error.count("\n") == 1
    assert not (folder / "m.npy").exists()


@pytest.mark.parametrize(
    ("array", "scale", "message"),
    [
        (np.full((48, 64), 2500, dtype=np.uint16), 1, "mostly millimetres (--depth-scale 1000)"),
        (
            np.full((48, 64), 2500, dtype=np.uint16),
            256000,
            "would be 0.009766 m",
        ),
        (np.full((24, 32), 2500, dtype=np.uint16), 1000, "32x24 pixels, but the picture has 64x48"),
        (np.full((48, 64), 200, dtype=np.uint8), 1000, "16"),
        (np.zeros((48, 64), dtype=np.uint16), 1000, "holds no measured point"),
    ],
)
def test_a_picture_that_cannot_be_right_ends_in_one_line(
    folder: Path,
    array: np.ndarray,
    scale: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    PIL.Image.fromarray(array).save(folder / "p.png")

    code = run(folder, folder / "p.png", "--depth-scale", scale, "-o", folder / "m.npy")

    error = capsys.readouterr().err
    assert code == 3
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("64,4,2", "lies outside of the 64x48 picture"),
        ("3,4,-2", "expected meters above 0"),
        ("3,4", "expected 3 numbers"),
        ("3,4,1900", "the median depth would be 1900 m (with no depth scale)"),
        ("3,4,1e300", "holds no measured point"),
    ],
)
def test_a_typed_point_that_cannot_be_right_ends_in_one_line(
    folder: Path, point: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--point", point, "-o", folder / "m.npy") in (2, 3)

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["r.npy", "points.npy"])
def test_what_meters_are_made_of_stays(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, folder / "points.npy", "-o", folder / name) == 2
    assert f"{name}: would be overwritten" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cloud.ply", "cloud.pcd"])
def test_a_cloud_takes_the_camera_that_is_said_and_no_assumed_one(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = (np.arange(2, 46, 5), np.arange(9) * 17 % 64)
    write_sensor_files(folder, "r.png", ROOM, places, (55.0, 55.0, 31.5, 23.5))
    relative = read_depth(folder / "r.npy")
    save(replace(relative, intrinsics=assumed_intrinsics(*SIZE)), folder / "r.npy")
    command = (folder / name, "-o", folder / "m.npy")

    assert run(folder, *command) == 3
    assert "expected intrinsics (--intrinsics fx,fy,cx,cy, or --fov)" in capsys.readouterr().err
    for more in (["--intrinsics", "55,55,31.5,23.5"], ["--fov", 60.383]):
        assert run(folder, *command, *more) == 0
        made = read_depth(folder / "m.npy")
        np.testing.assert_allclose(made.values, ROOM, atol=0.003)
        assert made.intrinsics is not None and made.intrinsics.source == "given"


def test_a_scan_takes_its_calibration(folder: Path) -> None:
    places = (np.arange(2, 46, 5), np.arange(9) * 17 % 64)
    write_sensor_files(folder, "r.png", ROOM, places, (55.0, 55.0, 31.5, 23.5))
    more = ("--calibration", folder / "calib.txt")

    assert run(folder, folder / "scan.bin", *more, "-o", folder / "m.npy") == 0
    np.testing.assert_allclose(read_depth(folder / "m.npy").values, ROOM, atol=0.003)


def test_a_photo_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = folder / "photo.png"
    PIL.Image.new("RGB", (64, 48)).save(photo)
    before = photo.read_bytes()

    assert run(folder, folder / "points.csv", "-o", photo) == 2
    assert "photo.png: is there already and no result" in capsys.readouterr().err
    assert photo.read_bytes() == before
    for more in (["--overwrite"], []):
        assert run(folder, folder / "points.csv", "-o", photo, *more) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "m.color.png"], "m.color.png: depth is not written so; expected"),
        (["-o", "m.jpg"], "m.jpg: depth is not written so; expected .png, .npy, .ply"),
        (["-o", "m.npy", "--scale", "0"], "scale 0; expected a number above 0"),
        (["-o", "m.npy", "--scale", "nan"], "scale nan; expected a number above 0"),
    ],
)
def test_what_no_map_fits_is_wrong_use(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments[1] = str(folder / arguments[1])

    assert run(folder, folder / "points.csv", *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_wrong_point_is_told_by_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "points.csv").read_text().splitlines()
    (folder / "points.csv").write_text("\n".join([lines[0], "30,40,9.5", *lines[1:]]))

    assert run(folder, folder / "points.csv", "-o", folder / "m.npy") == 0
    assert "left out as wrong, column,row,meters: 30,40,9.5)" in capsys.readouterr().out


def test_a_point_on_the_nearest_pixel_leaves_a_map(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    v, u = np.unravel_index(np.argmin(ROOM), SIZE)

    assert run(folder, "--point", f"{u},{v},1", "-o", folder / "m.npy") == 0

    made = read_depth(folder / "m.npy").values
    assert "out of reach" in capsys.readouterr().out  # up to ten times that point
    assert (made < made.max()).mean() > 0.15


def test_neither_file_nor_points_is_wrong_use(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "-o", folder / "m.npy") == 2
    assert "expected measured points" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["robust", "scale", "local"])
def test_a_kind_that_is_swapped_is_refused(
    folder: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [folder / "plain.npy", folder / "points.csv", "-o", folder / "m.npy"]
    swapped = ["--kind", "affine_invariant_disparity", "--method", method]

    code = cli.run(["align", *map(str, arguments), *swapped])

    assert code == 3
    assert "near and far are swapped" in capsys.readouterr().err


@pytest.mark.parametrize(
    "useless",
    [
        ["--point", "3,4,5", "--calibration", "calib.txt"],
        ["--point", "3,4,5", "--image-name", "room.jpg"],
        ["points.csv", "--image-name", "room.jpg"],
    ],
)
def test_what_the_points_have_no_use_for_is_refused(
    folder: Path, useless: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    named = [folder / word if word == "points.csv" else word for word in useless]

    assert run(folder, *named, "-o", folder / "m.npy") == 2

    assert "leave it out" in capsys.readouterr().err
    assert not (folder / "m.npy").exists()
