"""`evaluate` from the command line: table, document, exit codes, nothing half-written."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherdepth.cli import main as cli

COLUMNS = ["id", "split", "rgb", "depth", "depth_scale", "depth_offset"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two training and three test pairs of 48x64, in millimetres, floor-like."""
    root = tmp_path / "set"
    root.mkdir()
    random = np.random.default_rng(0)
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for i in range(5):
            photo = random.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            ramp = np.linspace(4000 + 500 * i, 1000, 48)[:, None] + random.normal(0, 50, (48, 64))
            Image.fromarray(photo).save(root / f"{i}.jpg")
            Image.fromarray(ramp.astype(np.uint16)).save(root / f"{i}.png")
            split = "train" if i < 2 else "test"
            table.writerow([i, split, f"{i}.jpg", f"{i}.png", 0.001, 0])
    return root


def run(*arguments: object) -> int:
    return cli.run(["evaluate", *map(str, arguments)])


def test_a_model_is_scored_with_baselines_beside_it(
    data: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "result.json"

    code = run(
        *("--model", small_model, "--data", data, "--split", "test", "--size", "64x64"),
        *("--baseline-split", "train", "--backend", "onnx", "-o", output),
    )

    lines = capsys.readouterr().out.splitlines()
    result = json.loads(output.read_text())
    assert code == 0
    assert lines[0].startswith("random-small on set test: 3 images, protocol aligned")
    assert lines[2].split()[-2:] == ["constant", "median-map"]
    assert result["environment"]["backend"] == "onnx"
    assert len(result["environment"]["sha256"]) == 64
    assert set(result["baselines"]) == {"constant", "median-map"}
    assert result["baselines"]["median-map"]["delta1"]["value"] > 0.9


def test_json_puts_one_document_on_stdout_and_nothing_on_stderr(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run("--model", "constant", "--data", data, "--split", "test", "--json")

    captured = capsys.readouterr()
    assert code == 0
    assert json.loads(captured.out)["model"] == "constant"
    assert captured.err == ""


def test_skipped_images_end_in_code_3_and_the_rest_is_scored(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "3.jpg").write_bytes((data / "3.jpg").read_bytes()[:300])
    (data / "4.png").write_bytes(b"")

    code = run("--model", "constant", "--data", data, "--split", "test", "--json")

    result = json.loads(capsys.readouterr().out)
    assert code == 3
    assert result["data"]["count"] == 1
    assert [fault["key"] for fault in result["skipped"]] == ["3", "4"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--split", "tset"], 2, "no split 'tset'; did you mean 'test'? known: test, train"),
        (["--protocol", "alined"], 2, "unknown protocol 'alined'; did you mean 'aligned'?"),
        (["--protocol", "metric"], 2, "needs metric depth but the prediction is scale_invariant"),
        (["--size", "big"], 2, "--size 'big'; expected an edge"),
        (["--model", "median-map"], 2, "name a training split with --baseline-split"),
        (["--model", "tiny-model"], 2, "unknown model 'tiny-model'"),
        (["-o", "none/result.json"], 2, "no folder none"),
        (["--data", "nowhere"], 3, "nowhere: not found; expected a data folder"),
    ],
)
def test_a_mistake_is_one_line_and_its_code(
    data: Path,
    arguments: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = run("--model", "constant", "--data", data, *arguments)

    captured = capsys.readouterr()
    assert found == code
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_document_that_cannot_be_written_leaves_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run("--model", "constant", "--data", data, "-o", "/dev/full")

    assert code == 6
    assert "cannot write /dev/full" in capsys.readouterr().err
