"""`featherdepth benchmark` from the command line, with real models."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from featherdepth.cli import main as cli
from featherdepth.evaluation.speed.table import speed_table

FEW = ("--rounds", "2", "--warmup", "0", "--threads", "1", "--size", "64x64", "--no-limit")
PHOTO = Path(__file__).parents[2] / "docs" / "photos" / "coffee.jpg"


def test_every_backend_is_a_row_with_ratios_stages_and_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "speed.json"

    what = (
        "--backend",
        "onnx,openvino",
        "--precision",
        "fp32",
        "--photo",
        str(PHOTO),
        "-o",
        str(out),
        "--json",
    )
    assert cli.run(["benchmark", "small", *FEW, *what]) == 0

    printed = json.loads(capsys.readouterr().out)
    document = json.loads(out.read_text())
    assert printed == document
    assert document["photo"] == "coffee.jpg"
    assert document["machine"]["threads"] == 1
    assert document["machine"]["cpu"]
    first, second = document["rows"]
    assert [first["name"], second["name"]] == ["small onnx fp32", "small openvino fp32"]
    assert set(first["ratio_to"]) == {second["name"]}
    for ratio in (first["ratio_to"][second["name"]], second["ratio_to"][first["name"]]):
        assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"]
    for row in (first, second):
        assert row["input"] == [64, 64]
        assert row["macs"] == round(3725737344 / 49)
        assert row["gflops"] == pytest.approx(2 * row["macs"] / row["median_ms"] / 1e6, rel=1e-6)
        assert 50 < row["peak_mb"] < 2000
        parts = row["stages"]
        assert set(parts) == {
            *("read", "prepare", "network", "resize", "write", "infer"),
            "infer_over_network",
        }
        assert parts["infer"]["median"] > parts["network"]["median"]
    picture = ET.fromstring(out.with_suffix(".svg").read_text())
    assert "small onnx fp32" in "".join(picture.itertext())


def test_the_table_names_the_machine_and_what_could_not_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["benchmark", *FEW, "--backend", "onnx", "--precision", "fp32,bf16"]) == 0

    out = capsys.readouterr().out
    assert "1 threads, 2 rounds, photo made up, 640x480" in out
    assert " 64x64 " in out and "inputs differ" not in out
    assert "left out: default onnx bf16: backend 'onnx' computes in fp32" in out


def row(name: str, height: int, width: int) -> dict[str, Any]:
    parts = ("read", "prepare", "network", "resize", "write")
    return {
        "name": name,
        "input": [height, width],
        "median_ms": 2.0,
        "p95_ms": 3.0,
        "ratio_to": {"small": {"median": 2.0, "low": 1.9, "high": 2.1}},
        "stages": {
            **{part: {"median": 1.0} for part in parts},
            "infer_over_network": {"median": 1.0, "low": 1.0, "high": 1.0},
        },
    }


def test_the_table_says_at_which_size_each_looks() -> None:
    document = {
        "machine": {"cpu": "c", "isa": [], "threads": 1, "load_before": None},
        "rounds": 2,
        "photo": "p",
        "limit": {},
        "left_out": [],
        "rows": [row("small", 256, 320), row("base", 384, 512)],
    }

    told = speed_table(document)

    lines = told.splitlines()
    assert any(line.startswith("small ") and " 256x320 " in line for line in lines)
    assert any(line.startswith("base ") and " 384x512 " in line for line in lines)
    assert "note: inputs differ in size" in told


@pytest.mark.parametrize(
    ("output", "code", "words"),
    [
        ("speed.svg", 2, "unknown suffix '.svg'; expected .json"),
        ("speed", 2, "unknown suffix ''; expected .json"),
        ("file/speed.json", 6, "cannot make folder"),
        ("taken.json", 6, "taken.json: Is a directory"),
        ("drawn.json", 6, "drawn.svg: Is a directory"),
    ],
)
def test_a_place_that_takes_no_document_is_told_before_the_work(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str,
    code: int,
    words: str,
) -> None:
    def work(*arguments: object, **options: object) -> None:
        raise AssertionError("measured before it was known that the result can be kept")

    monkeypatch.setattr("featherdepth.evaluation.speed.measure.measure", work)
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.json").mkdir()
    (tmp_path / "drawn.svg").mkdir()
    before = sorted(tmp_path.iterdir())

    assert cli.run(["benchmark", *FEW, "--backend", "onnx", "-o", str(tmp_path / output)]) == code

    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("taken", ["x.json", "x.svg"])
def test_the_file_of_somebody_else_stays_unless_said_otherwise(
    taken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, other = tmp_path / "x.json", tmp_path / taken
    other.write_text("{}")
    asked = ["benchmark", *FEW, "--backend", "onnx", "-o", str(out)]

    assert cli.run(asked) == 2
    told = capsys.readouterr().err
    assert f"{taken}: is there already and no result" in told and "--overwrite" in told
    assert other.read_text() == "{}"

    assert cli.run([*asked, "--overwrite"]) == 0
    assert cli.run(asked) == 0  # over its own


def test_a_photo_that_is_none_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "broken.jpg"
    photo.write_bytes(PHOTO.read_bytes()[:1000])

    assert cli.run(["benchmark", *FEW, "--backend", "onnx", "--photo", str(photo)]) == 3
    assert f"{photo}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nosuch"], 2, "unknown model 'nosuch'"),
        (["--backend", "tpu"], 2, "'tpu' is unknown; expected all"),
        (["--precision", "fp8"], 2, "'fp8' is unknown"),
        (["--photo", "nowhere.jpg"], 3, "nowhere.jpg: cannot read it: No such file"),
        (["--backend", "onnx", "--precision", "bf16"], 5, "nothing to time: backend 'onnx'"),
    ],
)
def test_what_cannot_be_timed_is_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["benchmark", *FEW, *arguments]) == code

    assert words in capsys.readouterr().err
