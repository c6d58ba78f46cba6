"""`figure completion` from the command line: what a picture shows, one line for what cannot be."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.cli import main as cli
from featherdepth.images.palettes import palette
from featherdepth.images.read_depth import read_depth
from featherdepth.images.write import save
from featherdepth.report.completion import _dots
from featherdepth.types import Depth, DepthKind

SIZE = (60, 80)
NEAR, FAR = 2.0, 4.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos whose left half is near and whose right half is far, measured in both."""
    meters = np.where(np.arange(SIZE[1]) < 40, NEAR, FAR) * np.ones(SIZE)
    for name in ("photos", "points"):
        (tmp_path / name).mkdir()
    for name, gray in (("a", 40), ("b", 200)):
        pixels = np.full((*SIZE, 3), gray, dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
        lines = [f"{u},{v},{meters[v, u]}" for u in range(4, 80, 8) for v in range(4, 60, 8)]
        (tmp_path / "points" / f"{name}.csv").write_text("\n".join(lines))
    known = Depth(
        values=(0.5 * meters - 0.25).astype(np.float32),
        valid=np.ones(SIZE, dtype=bool),
        kind=DepthKind.AFFINE_INVARIANT,
    )
    save(known, tmp_path / "known.npy")
    return tmp_path


def run(folder: Path, *arguments: object) -> int:
    return cli.run(["figure", "completion", *map(str, arguments), "-o", str(folder / "f.png")])


def test_colors_mean_the_same_depth_in_every_picture_of_a_photo(folder: Path) -> None:
    more = ("--model", f"known={folder / 'known.npy'}", "--method", "poisson", "--width", 80)

    assert run(folder, folder / "photos/a.png", "--sparse", folder / "points/a.csv", *more) == 0

    pixels = np.array(PIL.Image.open(folder / "f.png"))
    warm, cold = palette("Spectral_r")[[255, 0]].astype(int)
    # Strip of labels 20, pictures of 80x60 with a gap of 4, titles 20 above.
    for top in (20, 84):
        middle = pixels[top + 30, 104:184].astype(int)
        assert np.abs(middle[10] - warm).max() < 12
        assert np.abs(middle[70] - cold).max() < 12
    np.testing.assert_array_equal(pixels[50, 30], [40, 40, 40])  # the photo itself
    points = pixels[84:144, 20:100].reshape(-1, 3).astype(int)
    for color in (warm, cold):
        assert (np.abs(points - color).max(axis=1) < 12).sum() >= 35
    assert (points == 32).all(axis=1).any()  # 0.4 * 40 + 16: the photo darkened
    assert not (pixels[84:144, 186:].reshape(-1, 3) == 255).all()  # the bar


def test_a_folder_of_photos_gets_a_block_each_and_a_column_a_model(
    folder: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = ("--model", f"one={small_model}", "--model", f"two={small_model}")
    more = (*models, "--size", "64x64", "--width", 80, "--json")

    assert run(folder, folder / "photos", "--sparse", folder / "points", *more) == 0

    said = json.loads(capsys.readouterr().out)
    with PIL.Image.open(folder / "f.png") as picture:
        assert picture.size == (said["width"], said["height"])
    assert said["models"] == ["one", "two"]
    assert [Path(row["photo"]).name for row in said["photos"]] == ["a.png", "b.png"]
    assert [row["points"] for row in said["photos"]] == [70, 70]
    # Titles, two rows of 60 with a gap of 4 a photo, 14 between, 4 below.
    assert said["height"] == 20 + 2 * 124 + 14 + 4
    assert all(1 < row["near"] < row["far"] < 12 for row in said["photos"])


def test_files_of_points_belong_to_photos_in_order(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "points" / "b.csv").write_text("1,1,2\n9,9,3\n")
    sparse = ("--sparse", folder / "points/b.csv", "--sparse", folder / "points/a.csv")

    assert run(folder, folder / "photos", *sparse, "--size", 64, "--width", 64, "--json") == 0

    assert [r["points"] for r in json.loads(capsys.readouterr().out)["photos"]] == [2, 70]


def test_one_depth_everywhere_is_drawn(folder: Path) -> None:
    (folder / "one.csv").write_text("40,30,2.5\n")
    known = Depth(
        values=np.full(SIZE, 2.5, np.float32), valid=np.ones(SIZE, bool), kind=DepthKind.METRIC
    )
    save(known, folder / "flat.npy")
    more = ("--model", f"flat={folder / 'flat.npy'}", "--method", "harmonic")

    assert run(folder, folder / "photos/a.png", "--sparse", folder / "one.csv", *more) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photos"], "Missing option '--sparse'"),
        (["photos", "--sparse", "none"], "none: not found; expected measured points"),
        (["photos", "--sparse", "points/a.csv"], "1 files of points for 2 photos"),
        (["photos", "--sparse", "points", "--model", "small"], "expected NAME=VALUE"),
        (["photos", "--sparse", "points", "--model", "a=nothing"], "'nothing'"),
        (["photos", "--sparse", "points", "--model", "a=known.npy"], "one depth map for 2 photos"),
        (["photos", "--sparse", "points", "--method", "magic"], "unknown completion method"),
        (["photos", "--sparse", "points", "--width", "9"], "width 9; expected 64 to 2048"),
        (["photos", "--sparse", "points", "-o", "f.bmp"], "unknown suffix '.bmp'"),
        (["photos", "--sparse", "points", "-o", "no/f.png"], "no folder no; make it first"),
        (["photos", "--sparse", "points", "-o", "photos/a.png"], "photos/a.png: would be overwr"),
    ],
)
def test_what_cannot_be_drawn_ends_in_one_line(
    folder: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    out = [] if "-o" in arguments else ["-o", "f.png"]

    assert cli.run(["figure", "completion", *arguments, *out]) in (2, 3)

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1 or "Usage" in error
    assert not (folder / "f.png").exists()


@pytest.mark.parametrize("source", ["photos/a.png", "points/a.png", "known.png"])
def test_what_a_figure_is_made_of_stays(
    folder: Path, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = read_depth(folder / "known.npy")
    save(known, folder / "known.png")
    save(replace(known, kind=DepthKind.METRIC), folder / "points" / "a.png")
    before = (folder / source).read_bytes()
    given = [folder / "photos/a.png", "--sparse", folder / "points/a.png"]
    more = ["--model", f"known={folder / 'known.png'}", "-o", folder / source]

    assert cli.run(["figure", "completion", *map(str, [*given, *more])]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert (folder / source).read_bytes() == before


def test_an_unknown_figure_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["figure", "prediction", "a.png", "--sparse", "p", "-o", str(folder / "f.png")]

    assert cli.run(arguments) == 2
    assert "unknown figure 'prediction'; known: completion" in capsys.readouterr().err


def test_points_outside_of_the_picture_say_whose(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "points" / "b.csv").write_text("500,5,2\n")

    assert run(folder, folder / "photos", "--sparse", folder / "points", "--size", 64) == 3
    assert "b.csv: none of 1 points lies inside" in capsys.readouterr().err
    assert not (folder / "f.png").exists()


def test_a_map_of_one_depth_has_the_color_of_that_depth_not_its_own_range(folder: Path) -> None:
    flat = Depth(
        values=np.full(SIZE, 2.5, np.float32), valid=np.ones(SIZE, bool), kind=DepthKind.METRIC
    )
    save(flat, folder / "flat.npy")
    columns = [f"known={folder / 'known.npy'}", f"flat={folder / 'flat.npy'}"]
    more = ("--model", columns[0], "--model", columns[1], "--method", "poisson", "--width", 80)

    assert run(folder, folder / "photos/a.png", "--sparse", folder / "points/a.csv", *more) == 0

    pixel = np.array(PIL.Image.open(folder / "f.png"))[50, 228].astype(int)
    assert np.abs(pixel - palette("Spectral_r")[128]).max() > 20  # a flat map by itself


def test_near_points_lie_over_far_ones() -> None:
    values = np.zeros((20, 20), np.float32)
    values[10, 10], values[10, 11], values[4, 4], values[4, 5] = FAR, NEAR, NEAR, FAR
    sparse = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)

    painted = _dots(np.zeros((20, 20, 3), np.uint8), sparse, (NEAR, FAR), "Spectral_r")

    for place in ((10, 10), (10, 11), (4, 4), (4, 5)):
        np.testing.assert_array_equal(painted[place], palette("Spectral_r")[255])
    np.testing.assert_array_equal(painted[10, 9], palette("Spectral_r")[0])
