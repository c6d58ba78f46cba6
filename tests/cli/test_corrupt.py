"""`evaluate --corrupt` from the command line: table, document, and what is refused at once."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherdepth.cli import main as cli


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three pairs of 48x64 in millimetres: photos of noise over a floor."""
    root = tmp_path / "set"
    root.mkdir()
    random = np.random.default_rng(0)
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "split", "rgb", "depth", "depth_scale", "depth_offset"])
        for i in range(3):
            photo = random.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            ramp = np.linspace(4000 + 500 * i, 1000, 48)[:, None] + random.normal(0, 50, (48, 64))
            Image.fromarray(photo).save(root / f"{i}.jpg")
            Image.fromarray(ramp.astype(np.uint16)).save(root / f"{i}.png")
            table.writerow([i, "test", f"{i}.jpg", f"{i}.png", 0.001, 0])
    return root


def run(*arguments: object) -> int:
    return cli.run(["evaluate", *map(str, arguments)])


def test_a_network_is_scored_on_worse_photos_beside_the_usual_table(
    data: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "result.json"

    code = run(
        *("--model", small_model, "--data", data, "--size", "64x64", "--backend", "onnx"),
        *("--corruptions", "fog,gray", "--strengths", "2,4", "--corrupt-images", "2"),
        *("-o", output),
    )

    text = capsys.readouterr().out
    result = json.loads(output.read_text())
    assert code == 0
    assert "random-small on set" in text
    assert "photos made worse: 2 images, seed 0; mRR" in text
    assert result["data"]["count"] == 3
    assert result["robustness"]["count"] == 2
    assert [row["name"] for row in result["robustness"]["corruptions"]] == ["fog"]
    assert [row["name"] for row in result["robustness"]["conditions"]] == ["gray"]
    assert result["robustness"]["strengths"] == [2, 4]


def test_a_constant_keeps_everything_under_all_corruptions(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run("--model", "constant", "--data", data, "--corrupt", "--json")

    robustness = json.loads(capsys.readouterr().out)["robustness"]
    assert code == 0
    assert robustness["mrr"]["value"] == pytest.approx(1)
    assert len(robustness["corruptions"]) == 16
    assert robustness["strengths"] == [1, 3, 5]


def test_the_plain_document_outlives_a_model_too_bad_for_corruptions(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # One wall 30 times as far as the rest of the picture: no constant is within 25 % of anything.
    for i in range(3):
        wall = np.full((48, 64), 1000, np.uint16)
        wall[:, -12:] = 30_000
        Image.fromarray(wall).save(data / f"{i}.png")
    output = tmp_path / "result.json"

    code = run("--model", "constant", "--data", data, "--corruptions", "fog", "-o", output)

    result = json.loads(output.read_text())
    assert code == 3
    assert result["data"]["count"] == 3
    assert "robustness" not in result
    assert result["notes"][-1].startswith("no robustness: the error on untouched photos is ")
    assert "note: no robustness" in capsys.readouterr().out


def test_without_the_flag_nothing_is_made_worse(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--model", "constant", "--data", data, "--json")

    assert "robustness" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--corruptions", "fogg"], "unknown corruption 'fogg'; did you mean 'fog'?"),
        (["--corrupt", "--strengths", "1,6"], "strengths [1, 6]; expected some of 1 to 5"),
        (["--corrupt", "--strengths", "all"], "--strengths 'all'; expected some of 1 to 5"),
        (["--corrupt", "--shard", "1/2"], "corruptions are not sharded"),
    ],
)
def test_a_mistake_is_one_line(
    data: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run("--model", "constant", "--data", data, *arguments)

    captured = capsys.readouterr()
    assert code == 2
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
