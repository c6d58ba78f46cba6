"""`evaluate` from the command line: table, document, exit codes, nothing half-written."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from featherdepth.cli import main as cli
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.evaluation.baselines import Constant
from featherdepth.evaluation.kept import KeptPredictions
from featherdepth.evaluation.measured import Opened
from featherdepth.geometry.resize import resize_map

POINTS = ["--data", "x", "--pattern", "uniform-40"]
KEPT = [*POINTS, "--first-predictions", "kept"]
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


def test_a_row_of_impossible_scale_is_skipped_and_the_rest_is_scored(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (data / "manifest.csv").read_text()
    (data / "manifest.csv").write_text(table.replace("4.png,0.001", "4.png,1e300"))

    code = run("--model", "constant", "--data", data, "--split", "test", "--json")

    result = json.loads(capsys.readouterr().out)
    assert code == 3
    assert result["data"]["count"] == 2
    assert [fault["key"] for fault in result["skipped"]] == ["4"]


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
        (["--option", "foo"], 2, "--option 'foo': expected key=value"),
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


@pytest.mark.parametrize(
    ("output", "code", "message"),
    [
        (".", 2, "--output .: is a folder; expected a file, such as result.json"),
        ("/proc/result.json", 6, "cannot write /proc/result.json"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_model_runs(
    data: Path,
    output: str,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Constant, "infer", None)  # what calls it ends in code 1

    found = run("--model", "constant", "--data", data, "-o", output)

    captured = capsys.readouterr()
    assert found == code
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_completion_is_scored_from_the_maps_kept_of_the_first_stage(
    data: Path, tmp_path: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    common = ("--data", data, "--split", "test", "--protocol", "nyu-dc-480x640-v1")
    size = ("--size", "64x64", "--backend", "onnx")
    run(*common[:4], "--model", small_model, *size, "--save-predictions", kept)
    capsys.readouterr()
    points = ("--pattern", "uniform-40", "--method", "linear")

    code = run(*common, *points, "--first-predictions", kept, "--json")

    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert result["completion"] == {
        "pattern": "uniform-40",
        "seed": 0,
        "held_out": False,
        "first": "random-small",
        "method": "linear",
        "system": None,
        "network": "",
    }
    assert result["environment"]["size"] == [64, 64]
    assert run(*common, *points, "--model", "constant") == 0
    assert "points uniform-40, seed 0, completed by linear" in capsys.readouterr().out


def test_a_published_system_is_recorded_with_its_weights_and_no_method(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Wall:
        def complete(self, pixels: object, sparse: np.ndarray, camera: object) -> np.ndarray:
            return np.full(sparse.shape, 2, dtype=np.float32)

    def opened(reference: str, threads: int | None) -> Opened:
        said = {"name": reference.partition("@")[0], "sha256": "ab", "backend": "torch"}
        return Opened(predictor=Constant(), precision="fp32", system=Wall(), **said)

    monkeypatch.setattr("featherdepth.api.systems.published_system", opened)

    code = run(
        *("--data", data, "--model", "nlspn@n.pt", "--protocol", "nyu-dc-480x640-v1"),
        *("--pattern", "uniform-40", "--json"),
    )

    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert result["completion"] == {
        "pattern": "uniform-40",
        "seed": 0,
        "held_out": False,
        "first": None,
        "method": None,
        "system": "nlspn",
        "network": "ab",
    }
    assert result["environment"]["sha256"] == "ab"


def test_shards_merged_on_the_command_line_are_the_whole(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--model", "constant", "--data", data, "--split", "test")
    parts = [tmp_path / f"{i}.json" for i in (1, 2)]
    whole, merged = tmp_path / "whole.json", tmp_path / "merged.json"
    codes = [run(*common, "-o", whole)]
    codes += [run(*common, "--shard", f"{i}/2", "-o", parts[i - 1]) for i in (1, 2)]

    codes.append(run("--merge", *reversed(parts), "-o", merged))

    assert codes == [0, 0, 0, 0]
    assert json.loads(merged.read_text()) == json.loads(whole.read_text())
    assert "constant on set test: 3 images" in capsys.readouterr().out


def test_a_part_that_stands_twice_is_told(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, merged = tmp_path / "one.json", tmp_path / "merged.json"
    run("--model", "constant", "--data", data, "--split", "test", "--shard", "1/1", "-o", one)
    capsys.readouterr()

    assert run("--merge", one, one, "-o", merged) == 2

    assert "one.json: stands twice; name each part once" in capsys.readouterr().err
    assert not merged.exists()


def test_a_result_never_takes_the_place_of_those_it_is_told_from(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = tmp_path / "one.json"
    run("--model", "constant", "--data", data, "--split", "test", "--shard", "1/1", "-o", one)
    before = one.read_bytes()
    capsys.readouterr()

    codes = [
        cli.run(["compare", str(one), str(one), "-o", str(one)]),
        run("--merge", one, "-o", one),
    ]

    assert codes == [2, 2]
    assert one.read_bytes() == before
    assert capsys.readouterr().err.count("one.json: would be overwritten") == 2


def test_kept_predictions_are_scored_again_without_the_model(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, result = tmp_path / "kept", tmp_path / "result.json"
    run(
        *("--model", "constant", "--data", data, "--split", "test", "-o", result),
        *("--save-predictions", kept),
    )
    capsys.readouterr()

    code = cli.run(["why", str(kept), "--data", str(data), "--json"])

    again = json.loads(capsys.readouterr().out)
    measured = json.loads(result.read_text())["metrics"]["abs_rel"]["value"]
    assert code == 0
    assert again["rows"][0]["metrics"]["abs_rel"] == measured
    assert again["base"] == "aligned"
    assert {"alignment", "clip", "crop", "pooling", "protocol"} > {
        row["choice"] for row in again["rows"]
    } - {"base"}
    # From another start, as a table.
    assert cli.run(["why", str(kept), "--data", str(data), "--protocol", "median"]) == 0
    assert "base: median" in capsys.readouterr().out


def test_two_results_are_compared_from_their_files(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--data", data, "--split", "test", "--baseline-split", "train")
    files = [tmp_path / "constant.json", tmp_path / "map.json", tmp_path / "poster.json"]
    run(*common, "--model", "constant", "-o", files[0])
    run(*common, "--model", "median-map", "-o", files[1])
    run(*common, "--model", "constant", "--protocol", "poster", "-o", files[2])
    capsys.readouterr()

    code = cli.run(["compare", str(files[0]), str(files[1]), "--json"])
    found = json.loads(capsys.readouterr().out)
    refused = cli.run(["compare", str(files[0]), str(files[2])])

    captured = capsys.readouterr()
    assert (code, refused) == (0, 3)
    assert found["metrics"]["abs_rel"]["better"] == "b"
    assert "scored by different protocols: name 'aligned' and 'poster'" in captured.err
    assert captured.err.count("\n") == 1


def test_more_measures_are_taken_beside_those_of_the_protocol(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--model", "constant", "--data", data, "--split", "test")

    code = run(*common, "--also", "whdr,boundary_f1,abs_rel", "--json")

    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert result["metrics"]["whdr"]["value"] > 0.9
    assert result["protocol"]["measures"][-2:] == ["whdr", "boundary_f1"]
    assert run(*common, "--also", "wdhr") == 2
    assert run(*common, "--also", "pair_accuracy") == 2
    assert "unknown measure 'wdhr'; known: abs_rel" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no --data; name a data folder"),
        (["--merge", "--data", "x"], "--merge takes documents only"),
        (["--merge"], "no parts to merge"),
        (["a.json", "--data", "x"], "a.json: documents are taken with --merge only"),
        (["--data", "x", "--shard", "3/2"], "--shard '3/2'; expected i/n"),
        (["--data", "x", "--method", "kriging"], "--method kriging is of completion; name the"),
        (
            ["--data", "x", "--model", "constant", "--size", "128"],
            "--model constant: no network runs; leave --size, --backend and --precision out",
        ),
        (["--data", "x", "--held-out"], "--held-out scores completion; name the points"),
        (["--data", "x", "--strengths", "1"], "--strengths is of photos made worse; name them"),
        (["--data", "x", "--corrupt-images", "2"], "--corrupt-images is of photos made worse"),
        (
            [*POINTS, "--model", "nlspn@n.pt", "--method", "kriging"],
            "--method kriging: nlspn@n.pt completes by itself; leave --method out",
        ),
        (
            [*POINTS, "--model", "constant.onnx", "--baseline-split", "train"],
            "completion is scored without baselines; leave --baseline-split out",
        ),
        ([*KEPT, "--model", "small"], "go with --pattern, without --model"),
        ([*KEPT, "--size", "64"], "no network runs; leave --size, --backend and --precision out"),
        ([*KEPT, "--precision", "int8"], "no network runs; leave --size, --backend"),
        ([*KEPT, "--backend", "onnx"], "no network runs; leave --size, --backend"),
    ],
)
def test_a_wrong_mix_of_flags_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_teacher_is_scored_by_the_maps_that_its_students_learn_from(
    data: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, kept = tmp_path / "result.json", tmp_path / "kept"
    teacher = f"mean:{small_model}"

    code = run(
        *("--model", teacher, "--data", data, "--split", "test", "--size", "64x64"),
        *("-o", output, "--save-predictions", kept),
    )

    result = json.loads(output.read_text())
    assert (code, result["model"]) == (0, "mean:random-small")
    assert result["environment"]["backend"] == "torch"
    assert result["environment"]["sha256"] == open_teacher(teacher).card.digest
    seen = open_teacher(teacher).prepare(np.asarray(Image.open(data / "2.jpg")), (64, 64))
    expected = open_teacher(teacher)(torch.from_numpy(seen)[None])[0, 0].numpy()
    first = result["images"][0]["key"]
    values = KeptPredictions.open(kept).read(first).values
    assert np.corrcoef(values.ravel(), resize_map(expected, (48, 64)).ravel())[0, 1] > 0.999
    assert run("--model", teacher, "--data", data, "--backend", "onnx") == 2
    assert "teachers run in torch; leave --backend" in capsys.readouterr().err
