"""`complete` from the command line: files and folders, one line for what cannot be right."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.cli import main as cli
from featherdepth.completion import DEFAULT
from featherdepth.completion.model import CompletionModel
from featherdepth.images.read_depth import read_depth
from featherdepth.images.write import save
from featherdepth.runtime.model import DepthModel
from featherdepth.types import Depth, DepthKind

SIZE = (60, 80)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    (tmp_path / "points").mkdir()
    for i in range(2):
        photo = random.integers(0, 255, (*SIZE, 3), dtype=np.uint8)
        PIL.Image.fromarray(photo).save(tmp_path / "photos" / f"{i}.jpg")
        lines = [f"{u},{v},{2 + v / 30:.3f}" for u, v in random.integers(0, 60, (25, 2))]
        (tmp_path / "points" / f"{i}.csv").write_text("\n".join(lines))
    return tmp_path


def run(folder: Path, model: Path, images: str, sparse: str, *more: object) -> int:
    first = ("--first", model, "--size", "64x64", "-o", folder / "out", *more)
    return cli.run(["complete", str(folder / images), str(folder / sparse), *map(str, first)])


def test_a_folder_is_completed_and_a_second_run_skips_what_is_there(
    folder: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, small_model, "photos", "points") == 0

    made = read_depth(folder / "out" / "0.png")
    beside = json.loads((folder / "out" / "0.png.json").read_text())
    assert made.kind is DepthKind.METRIC
    assert made.valid.all()
    assert made.size == SIZE
    assert 0.5 < np.median(made.values) < 6
    assert beside["completion"]["method"] == DEFAULT == "learned"
    assert beside["alignment"]["count"] > 10
    capsys.readouterr()
    assert run(folder, small_model, "photos", "points") == 0
    assert "2 skipped" in capsys.readouterr().out
    assert run(folder, small_model, "photos", "points", "--method", "poisson") == 0
    assert "2 done" in capsys.readouterr().out


def test_what_is_not_sure_enough_is_left_out(folder: Path, small_model: Path) -> None:
    options = ("--save", "npy", "--min-confidence")
    whole = confidence_of(folder, small_model)
    least = float(np.median(whole))

    run(folder, small_model, "photos/0.jpg", "points/0.csv", *options, least)

    made = read_depth(folder / "out" / "0.npy")
    np.testing.assert_array_equal(made.valid, whole >= np.float32(least))
    assert (made.values[~made.valid] == 0).all()
    assert (made.values[made.valid] > 0).all()


def confidence_of(folder: Path, model: Path) -> np.ndarray:
    """What the method says of the first photo."""
    first = DepthModel.from_pretrained(model, precision="fp32")
    points = np.loadtxt(folder / "points" / "0.csv", delimiter=",")
    photo = folder / "photos" / "0.jpg"
    return CompletionModel(first).complete(photo, points, size=(64, 64)).confidence


def test_a_photo_without_points_is_listed_and_the_rest_goes_on(
    folder: Path, small_model: Path
) -> None:
    (folder / "points" / "1.csv").unlink()

    assert run(folder, small_model, "photos", "points", "--save", "npy,ply") == 3

    failed = (folder / "out" / "failures.jsonl").read_text()
    assert "no measured points" in failed
    assert (folder / "out" / "0.ply").is_file()
    assert not (folder / "out" / "1.npy").exists()


def test_points_that_do_not_fit_the_options_are_listed_and_the_rest_goes_on(
    folder: Path, small_model: Path
) -> None:
    values = np.zeros(SIZE, np.float32)
    values[::9, ::9] = 2
    points = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)
    save(points, folder / "points" / "0.png")  # says its scale itself
    PIL.Image.fromarray((1000 * values).astype(np.uint16)).save(folder / "points" / "1.png")
    for name in ("0", "1"):
        (folder / "points" / f"{name}.csv").unlink()

    assert run(folder, small_model, "photos", "points", "--depth-scale", "1000") == 3

    assert "0.png: says itself" in (folder / "out" / "failures.jsonl").read_text()
    assert (folder / "out" / "1.png").is_file()
    assert run(folder, small_model, "photos", "points", "--depth-scale", "0") == 2


def test_points_are_found_with_a_suffix_in_capitals(folder: Path, small_model: Path) -> None:
    (folder / "points" / "1.csv").rename(folder / "points" / "1.CSV")

    assert run(folder, small_model, "photos", "points") == 0
    assert run(folder, small_model, "photos", "points", "-o", folder / "points") == 0


def test_a_pattern_of_one_photo_takes_one_file_of_points(folder: Path, small_model: Path) -> None:
    assert run(folder, small_model, "photos/0.*", "points/0.csv") == 0
    assert run(folder, small_model, "photos/*", "points/0.csv") == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 bytes"),
        ("5,5,-1\n", "depth down to -1"),
        ("500,5,2\n", "none of 1 points lies inside the picture of 80x60"),
        ("5,5,2500\n", "mostly millimetres"),
        ("5,5,nan\n", "none of 1 points"),
    ],
)
def test_points_that_cannot_be_right_end_in_one_line(
    folder: Path,
    small_model: Path,
    text: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "bad.csv").write_text(text)

    assert run(folder, small_model, "photos/0.jpg", "bad.csv") == 3

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (folder / "out" / "failures.jsonl").exists()


def test_a_picture_of_points_of_another_size_ends_in_one_line(
    folder: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    PIL.Image.fromarray(np.full((30, 40), 2000, dtype=np.uint16)).save(folder / "p.png")

    assert run(folder, small_model, "photos/0.jpg", "p.png", "--depth-scale", "1000") == 3
    assert "40x30 pixels, but the picture has 80x60" in capsys.readouterr().err


def test_one_point_completes(folder: Path, small_model: Path) -> None:
    (folder / "one.csv").write_text("40,30,2.5\n")

    assert run(folder, small_model, "photos/0.jpg", "one.csv", "--save", "npy") == 0
    assert read_depth(folder / "out" / "0.npy").values[30, 40] == pytest.approx(2.5, rel=0.02)


def test_what_became_of_the_points_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = 2 + np.indices(SIZE)[0].astype(np.float32) / 30
    known = folder / "known.npy"
    save(Depth(values=values, valid=values > 0, kind=DepthKind.METRIC), known)
    places = [(u, v) for u in range(4, 80, 12) for v in range(4, 60, 12)]
    lines = [f"{u},{v},{(1 + u / 2000) * values[v, u]}" for u, v in places]
    # Columns off by 0, 0.6, 1.2 and 1.8 % to both sides of the middle one.
    (folder / "points.csv").write_text("\n".join([*lines, "41,31,30"]))
    command = ["complete", folder / "photos" / "0.jpg", folder / "points.csv", "--first", known]
    command = [*map(str, [*command, "-o", folder / "out", "--method", "auto"])]

    assert cli.run(command) == 0
    said = capsys.readouterr().out
    assert "points: 35 of 36 used, 1 left out (they contradict those around them)" in said
    assert "first stage off by: 1.2 % (median of the points)\n" in said
    assert cli.run(command) == 0  # there already
    assert "points:" not in capsys.readouterr().out
    assert cli.run([*command, "--json", "--overwrite"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [document[key] for key in ("points", "used", "rejected")] == [36, 35, 1]
    assert document["log_error"] == pytest.approx(0.012, abs=0.001)


def test_points_that_tell_a_scale_alone_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(folder / "known.npy", np.indices(SIZE)[0].astype(np.float32) - 9.5)
    known = ["--first", folder / "known.npy", "--first-kind", "affine_invariant"]
    for name, meters in (("equal", (2, 2, 2)), ("three", (2, 3, 4))):
        rows = [f"40,{10 * i},{meters[i]}" for i in range(3)]
        (folder / f"{name}.csv").write_text("\n".join(rows))

        said = ["complete", folder / "photos" / "0.jpg", folder / f"{name}.csv", *known]
        assert cli.run([*map(str, said), "-o", str(folder / name)]) == 0

        told = "only a scale was fitted, to a map whose shift is unknown" in capsys.readouterr().out
        assert told is (name == "equal")


def test_points_of_many_photos_are_told_together(
    folder: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, small_model, "photos", "points", "--keep-outliers") == 0
    said = capsys.readouterr().out
    assert "points: 50 of 50 used\n" in said
    assert "% (median of the points and photos)" in said


def test_one_photo_goes_to_the_file_that_is_named(folder: Path, small_model: Path) -> None:
    out = ("-o", folder / "new" / "meters.npy")

    assert run(folder, small_model, "photos/0.jpg", "points/0.csv", *out) == 0
    assert read_depth(folder / "new" / "meters.npy").size == SIZE
    assert len(list((folder / "new").iterdir())) == 2  # and its sidecar


def test_measured_points_are_not_overwritten(
    folder: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.zeros(SIZE, np.float32)
    values[::9, ::9] = 2
    points = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)
    for name in ("0", "1"):  # a result of `sparsify` is a result: not refused for that
        save(points, folder / "points" / f"{name}.png")
        (folder / "points" / f"{name}.csv").unlink()
    before = (folder / "points" / "0.png").read_bytes()

    assert run(folder, small_model, "photos", "points", "-o", folder / "points") == 2
    assert "points/0.png: would be overwritten" in capsys.readouterr().err
    assert (folder / "points" / "0.png").read_bytes() == before


def test_photos_and_results_may_lie_beside_the_points(
    folder: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = folder / "both"
    both.mkdir()
    photo = PIL.Image.open(folder / "photos" / "0.jpg")
    photo.save(both / "a.png")
    photo.save(both / "b.jpg")
    for name in ("a", "b"):
        (both / f"{name}.csv").write_bytes((folder / "points" / "0.csv").read_bytes())

    assert run(folder, small_model, "both", "both") == 0
    (both / "a.png").unlink()
    for said in ("1 done", "1 skipped"):
        assert run(folder, small_model, "both/b.jpg", "both", "-o", both) == 0
        assert said in capsys.readouterr().out


def test_points_or_known_depth_that_changed_are_completed_anew(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, points = folder / "known.npy", folder / "points" / "0.csv"
    values = 2 + np.indices(SIZE)[0].astype(np.float32) / 30
    whole = np.ones(SIZE, bool)
    for times, digit in ((1, "1"), (2, "1"), (2, "9")):
        save(Depth(values=values * times, valid=whole, kind=DepthKind.SCALE_INVARIANT), known)
        text = points.read_text()[:-1] + digit  # of equal length
        if points.read_text() != text:
            points.write_text(text)
        command = ["complete", folder / "photos" / "0.jpg", points, "--first", known]

        for told in ("1 done", "1 skipped"):
            assert cli.run([*map(str, command), "-o", str(folder / "out")]) == 0
            assert told in capsys.readouterr().out


def test_a_first_map_of_others_takes_what_its_numbers_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = 2 + np.indices(SIZE)[0].astype(np.float32) / 30
    np.save(folder / "map.npy", values)
    PIL.Image.fromarray((1000 * values).astype(np.uint16)).save(folder / "map.png")
    command = ["complete", folder / "photos" / "0.jpg", folder / "points" / "0.csv"]
    command += ["-o", folder / "out", "--method", "auto", "--save", "npy", "--first"]

    def code(*more: object) -> int:
        return cli.run([*map(str, [*command, *more])])

    for name, more in (
        ("map.npy", ["--first-kind", "metric"]),
        ("map.png", ["--first-scale", 1e3]),
    ):
        assert code(folder / name, *more, "--overwrite") == 0
        np.testing.assert_allclose(read_depth(folder / "out" / "0.npy").values, values, rtol=0.01)
        assert code(folder / name) == 3
    capsys.readouterr()
    for kind, said in (("metric", "1 done"), ("scale_invariant", "1 done"), ("metre", "unknown")):
        code(folder / "map.npy", "--first-kind", kind)
        told = capsys.readouterr()
        assert said in told.out + told.err
    assert code("small", "--first-kind", "metric") == 2


def test_points_that_contradict_each_other_complete(folder: Path, small_model: Path) -> None:
    lines = [f"{8 * i + 5},{6 * i + 5},{1 if i < 4 else 5}" for i in range(8)]
    (folder / "halves.csv").write_text("\n".join(lines))

    for method in ("learned", "auto"):
        more = ("--method", method, "--save", "npy")
        assert run(folder, small_model, "photos/0.jpg", "halves.csv", *more) == 0
