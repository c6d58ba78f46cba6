"""`shard` from the command line: tars, exit codes, one line for each thing that is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.cli import main as cli
from featherdepth.data.probe import open_data


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four photos, an empty one and one that is none."""
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    for i in range(4):
        pixels = np.random.default_rng(i).integers(0, 256, (80, 96, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(folder / "trip" / f"{i}.jpg")
    (folder / "text.jpg").write_text("no photo")
    (folder / "empty.jpg").touch()
    return folder


def run(*arguments: object) -> int:
    return cli.run(["shard", *map(str, arguments)])


def test_photos_become_tars_and_broken_ones_are_listed(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tars = tmp_path / "tars"

    code = run(photos, "-o", tars, "--size-mb", "0.03")

    said = capsys.readouterr()
    assert (code, said.err) == (3, "")
    lines = said.out.splitlines()
    assert "empty.jpg: empty file" in lines[0] and "text.jpg: is not a photo" in lines[1]
    assert lines[2].startswith(f"{tars}: 4 photos in 2 tars, 0.0 MB, 2 failed (see {tars}/fail")
    rows = [json.loads(line) for line in (tars / "failures.jsonl").read_text().splitlines()]
    assert [row["photo"] for row in rows] == ["empty.jpg", "text.jpg"]
    assert open_data(tars).describe() == "tars: 4 photos"


def test_a_second_run_keeps_what_is_there_and_says_so_in_json(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("text.jpg", "empty.jpg"):
        (photos / name).unlink()

    codes = [run(photos, "-o", tmp_path / "tars", "--max-side", "40", "--json") for _ in range(2)]

    assert codes == [0, 0]
    first, second = capsys.readouterr().out.split("\n}\n", 1)
    assert json.loads(first + "}")["kept"] == 0
    document = json.loads(second)
    assert (document["shards"], document["kept"], document["photos"]) == (1, 1, 4)
    assert document["failures"] is None and document["failed"] == []
    assert open_data(tmp_path / "tars")[0].image.size == (33, 40)


@pytest.mark.parametrize(
    ("photos_name", "tars", "options", "code", "words"),
    [
        ("none", "tars", [], 3, "none: not found; expected a folder, a .zip or a .txt list"),
        ("a.tar", "tars", [], 3, "a.tar: not a list of photos; expected a folder"),
        ("empty", "tars", [], 3, "empty: no photo found"),
        ("broken", "tars", [], 3, "broken: not one of 1 photos can be read; text.jpg: is not"),
        ("photos", "photos", [], 6, "photos: holds empty.jpg and no shards.json"),
        ("photos", "tars", ["--size-mb", "0"], 2, "shards of 0.0 MB; expected a finite"),
        ("photos", "tars", ["--max-side", "0"], 2, "a longest side of 0 pixels"),
    ],
)
def test_what_does_not_fit_is_one_line(
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    photos_name: str,
    tars: str,
    options: list[str],
    code: int,
    words: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "text.jpg").write_text("no photo")
    (tmp_path / "a.tar").write_text("hello")

    found = run(tmp_path / photos_name, "-o", tmp_path / tars, *options)

    said = capsys.readouterr()
    assert (found, said.out) == (code, "")
    assert said.err.count("\n") == 1 and words in said.err
    assert not list(tmp_path.rglob("*.part"))


def test_it_runs_without_torch(photos: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"  # as if it were not installed
        "from featherdepth.cli.main import run\n"
        "sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "shard", photos, "-o", tmp_path / "tars"]

    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)

    assert done.returncode == 3, done.stderr
    assert "4 photos in 1 tars" in done.stdout
