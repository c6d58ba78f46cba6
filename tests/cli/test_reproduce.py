"""`reproduce` from the command line, on tiny trees of the poster's four data sets."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import trees
from featherdepth.cli import main as cli
from featherdepth.completion import learned
from featherdepth.runtime.model import DepthModel
from featherdepth.runtime.presets import embedded_folder

SIZE = ("--size", "64x64", "--backend", "onnx", "--threads", "1")


def run(*arguments: object) -> int:
    return cli.run(["reproduce", *map(str, arguments)])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Folders named as people name them, each in the layout of its publishers."""
    root = tmp_path / "benchmarks"
    for name, write in (
        ("NYUv2", trees.nyuv2_bts),
        ("KITTI", trees.kitti_eigen_columns),
        ("diode", trees.diode),
        ("ScanNet", trees.scannet),
    ):
        (root / name).mkdir(parents=True)
        write(root / name)
    return root


@pytest.fixture(scope="module")
def other_model(make_model: Callable[..., Path]) -> Path:
    return make_model("fast")


def cells(page: str, row: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith(f"| {row}")]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]


def test_sizes_need_no_data_and_stand_beside_the_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("parameters", "-o", tmp_path / "out") == 0

    printed = capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "parameters.json").read_text())
    assert printed.strip() == (tmp_path / "out" / "parameters.md").read_text().strip()
    (teacher,) = cells(printed, "Teacher")
    assert teacher[2:4] == ["52,126,529 (52.13 M)", "52.13 M (-0.01 %)"]
    student = next(row for row in document["rows"] if row["name"] == "student")
    assert student["difference"]["macs_g"] == pytest.approx(20.812503040 / 20.92 - 1)


def test_zero_shot_runs_on_all_four_data_sets(
    root: Path,
    small_model: Path,
    other_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(
        *("zero-shot", "--data", root, "-o", tmp_path / "out", *SIZE),
        *("--model", f"student={small_model}", "--model", f"teacher={other_model}"),
    )

    page = capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "zero-shot.json").read_text())
    assert code == 0
    assert [s["name"] for s in document["data"]] == ["nyuv2", "diode", "kitti", "scannet"]
    for section in document["data"]:
        assert section["found"], section["name"]
        assert {row["count"] for row in section["rows"]} == {2}
        one = json.loads((tmp_path / "out" / f"{section['name']}-student.json").read_text())
        student = next(row for row in section["rows"] if row["name"] == "student")
        assert student["metrics"]["abs_rel"] == one["metrics"]["abs_rel"]
        assert one["data"]["count"] == 2
    assert document["missing_models"] == []
    assert "Data that was not found" not in page
    assert page.count("abs_rel of student over teacher: ") == 4
    assert "of 652" not in page  # the poster's protocol asks for no count
    assert len(cells(page, "a constant")) == 4
    assert cells(page, "Student, poster")[0][3] == "0.0564"


def test_what_is_missing_is_named_with_what_fills_it(
    root: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "diode").rename(root / "pictures of doors")
    (root / "ScanNet").rename(tmp_path / "frames")

    code = run(
        *("zero-shot", "--data", root, "--at", f"scannet={tmp_path / 'frames'}", *SIZE),
        *("-o", tmp_path / "out", "--model", f"student={small_model}"),
    )

    page = capsys.readouterr().out
    assert code == 0
    assert "- DIODE, validation (771): the folder val of DIODE" in page
    assert "- Teacher: --model teacher=REF" in page
    assert "- ScanNet" not in page
    assert cells(page, "Student, ours")[0][1]


def test_what_was_measured_is_taken_again_until_something_changes(
    root: Path, small_model: Path, other_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    common = ("zero-shot", "--data", root, "-o", out, *SIZE)
    run(*common, "--model", f"student={small_model}")
    file = out / "scannet-student.json"
    first = file.stat().st_mtime_ns
    # A document that stands there is believed: this one says so with a value nobody measures.
    marked = json.loads(file.read_text())
    marked["metrics"]["abs_rel"]["value"] = 7.5
    file.write_text(json.dumps(marked))
    os.utime(file, ns=(first, first))

    def value() -> float:
        document = json.loads((out / "zero-shot.json").read_text())
        section = next(s for s in document["data"] if s["name"] == "scannet")
        return next(r for r in section["rows"] if r["name"] == "student")["metrics"]["abs_rel"][
            "value"
        ]

    run(*common, "--model", f"student={small_model}")
    assert value() == 7.5
    run(*common, "--model", f"student={other_model}")
    assert value() != 7.5
    file.write_text(json.dumps(marked))
    run(*common, "--model", f"student={small_model}", "--overwrite")
    assert value() != 7.5


def test_another_precision_or_backend_is_measured_anew_also_over_older_results(
    root: Path, small_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    common = ("zero-shot", "--data", root, "-o", out, *SIZE)
    row = ("--model", f"student={small_model}")
    file = out / "scannet-student.json"
    run(*common, *row)
    older = json.loads(file.read_text())
    assert [older["reproduce"].pop(key) for key in ("backend", "precision")] == ["onnx", "fp32"]
    older["metrics"]["abs_rel"]["value"] = 7.5  # what nobody measures

    def value(*more: str) -> float:
        file.write_text(json.dumps(older))
        run(*common, *row, *more)
        return json.loads(file.read_text())["metrics"]["abs_rel"]["value"]

    assert value() == 7.5
    assert value("--precision", "fp32") == 7.5
    assert value("--backend", "torch") != 7.5
    assert value("--backend", "torch", "--precision", "bf16") != 7.5
    assert json.loads(file.read_text())["reproduce"]["precision"] == "bf16"


def test_a_row_whose_model_is_gone_is_not_shown_under_another_precision(
    root: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("zero-shot", "--data", root, "-o", tmp_path / "out", *SIZE)
    run(*common, "--model", f"teacher={small_model}")
    capsys.readouterr()

    for more, there in (
        ((), True),
        (("--precision", "fp32"), True),
        (("--precision", "int8"), False),
        (("--backend", "torch"), False),
    ):
        assert run(*common, *more) == 0
        assert ("- Teacher: --model teacher=REF" not in capsys.readouterr().out) is there


def test_a_folder_that_cannot_be_written_is_refused_before_a_model_runs(
    root: Path,
    small_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(DepthModel, "from_pretrained", None)  # what calls it ends in code 1
    (tmp_path / "taken").write_text("a file")
    common = ("zero-shot", "--data", root, "--model", f"student={small_model}", *SIZE)

    for folder, message in (
        (tmp_path / "taken", "taken is a file; expected a folder"),
        (tmp_path / "taken" / "out", "taken is a file; expected a folder"),
        ("/proc/out", "cannot write into /proc/out"),
    ):
        assert run(*common, "-o", folder) == 6
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.err.count("\n") == 1


def test_a_row_whose_model_is_gone_keeps_keeps_its_figures_while_the_data_is_the_same(
    root: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run("zero-shot", "--data", root, "-o", out, *SIZE, "--model", f"teacher={small_model}")
    before = (out / "scannet-teacher.json").read_bytes()
    capsys.readouterr()

    assert run("zero-shot", "--data", root, "-o", out, *SIZE) == 0

    page = capsys.readouterr().out
    assert all(row[1] for row in cells(page, "Teacher, ours"))
    assert "- Teacher: --model teacher=REF" not in page
    assert (out / "scannet-teacher.json").read_bytes() == before
    assert run("zero-shot", "--data", root, "-o", out, "--size", "64x128") == 0  # another input
    assert "- Teacher: --model teacher=REF" in capsys.readouterr().out


def test_the_ablation_says_what_share_of_the_gap_a_row_closes(
    root: Path,
    small_model: Path,
    other_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(
        *("ablation", "--data", root, "-o", tmp_path / "out", *SIZE),
        *("--model", f"teacher={small_model}", "--model", f"student={other_model}"),
        *("--model", f"ours={small_model}", "--model", f"mse={other_model}"),
    )

    document = json.loads((tmp_path / "out" / "ablation.json").read_text())
    rows = {row["name"]: row for row in document["data"][0]["rows"]}
    errors = {name: rows[name]["metrics"]["abs_rel"]["value"] for name in ("teacher", "student")}
    assert code == 0
    assert len(document["missing_models"]) == 7
    if errors["teacher"] < errors["student"]:
        assert rows["ours"]["gap"]["value"] == pytest.approx(1)
        assert rows["mse"]["gap"]["value"] == pytest.approx(0)
        assert "share of the gap closed" in capsys.readouterr().out
    else:
        assert rows["ours"]["gap"] is None
    assert rows["teacher"]["gap"] is None


def test_a_row_of_a_size_of_its_own_is_scored_at_it(
    root: Path, small_model: Path, tmp_path: Path
) -> None:
    table = tmp_path / "own.toml"
    table.write_text(
        f"""
title = "Ours"
source = "us"
kind = "accuracy"
measures = ["abs_rel"]

[[rows]]
name = "as-asked"
title = "At the size that was asked for"
model = {json.dumps(str(small_model))}

[[rows]]
name = "own"
title = "At its own"
model = {json.dumps(str(small_model))}
size = [64, 128]

[[data]]
name = "nyuv2"
title = "NYU Depth V2"
protocol = "aligned"
fills = "NYU Depth V2"
places = [{{ folders = ["nyuv2"] }}]
"""
    )

    code = run(table, "--data", root, "-o", tmp_path / "out", *SIZE)

    sizes = {
        row: json.loads((tmp_path / "out" / f"nyuv2-{row}.json").read_text())["reproduce"]["size"]
        for row in ("as-asked", "own")
    }
    assert code == 0
    assert sizes == {"as-asked": [64, 64], "own": [64, 128]}


def test_completion_runs_on_all_four_data_sets(
    root: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "kitti_dc").mkdir()
    trees.kitti_selection(root / "kitti_dc")
    rows = ("two-stage", "linear", "global")

    code = run(
        *("completion", "--data", root, "-o", tmp_path / "out", *SIZE),
        *(part for row in rows for part in ("--model", f"{row}={small_model}")),
        *("--at", f"kitti={root / 'kitti_dc'}"),
    )

    page = capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "completion.json").read_text())
    sections = {section["name"]: section for section in document["data"]}
    assert code == 0
    assert {name: s["pattern"] for name, s in sections.items()} == {
        **dict.fromkeys(("nyuv2", "diode", "scannet"), "uniform-500"),
        "kitti": "measured",
    }
    one = json.loads((tmp_path / "out" / "kitti-linear.json").read_text())
    assert one["completion"]["pattern"] == "measured"
    assert one["completion"]["method"] == "linear"
    for section in sections.values():
        counts = {row["name"]: row["count"] for row in section["rows"]}
        assert {counts[row] for row in rows} == {2}
        errors = {r["name"]: r["metrics"]["rmse"]["value"] for r in section["rows"] if r["metrics"]}
        assert errors["linear"] < errors["global"]  # floors are planes: linear is nearly right
    assert {row["name"] for row in document["missing_models"]} == {"enet", "penet", "nlspn", "yin"}
    assert "points `measured`" in page
    assert cells(page, "NLSPN, poster")[0][1] == "99.36"


def test_another_completion_network_is_measured_anew_and_other_methods_are_not(
    root: Path, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    models = [f"{row}={small_model}" for row in ("two-stage", "linear")]
    common = ("completion", "--data", root, "-o", out, *SIZE)
    run(*common, *(part for model in models for part in ("--model", model)))
    files = [out / f"scannet-{row}.json" for row in ("two-stage", "linear")]
    before = [json.loads(file.read_text())["reproduce"]["weights"] for file in files]
    monkeypatch.setattr(learned, "embedded_folder", lambda _name: other_network(tmp_path / "other"))

    run(*common, *(part for model in models for part in ("--model", model)))

    after = [json.loads(file.read_text())["reproduce"]["weights"] for file in files]
    assert after[0] != before[0]
    assert after[1] == before[1]


def other_network(folder: Path) -> Path:
    """The embedded completion network with one bit turned."""
    if not folder.exists():
        shutil.copytree(embedded_folder("completion"), folder)
        weights, config = folder / "model.safetensors", folder / "config.json"
        data = weights.read_bytes()
        changed = data[:-2] + bytes([data[-2] ^ 1, data[-1]])
        weights.write_bytes(changed)
        text = config.read_text()
        config.write_text(
            text.replace(hashlib.sha256(data).hexdigest(), hashlib.sha256(changed).hexdigest())
        )
    return folder


def test_images_that_fail_end_in_code_3(
    root: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = next((root / "ScanNet").rglob("*.jpg"))
    photo.write_bytes(photo.read_bytes()[:200])

    code = run(
        *("zero-shot", "--data", root, "-o", tmp_path / "out", *SIZE),
        *("--model", f"student={small_model}"),
    )

    assert code == 3
    assert "Student: 1 images could not be scored" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["zero-shot"], 2, "zero-shot needs data; name the folder"),
        (["zero-shot", "--data", "nowhere"], 2, "--data nowhere: no such folder"),
        (["zero-shto"], 2, "suite 'zero-shto': no such suite"),
        (["zero-shot", "--data", ".", "--model", "pupil=small"], 2, "no such row; the suite has"),
        (["zero-shot", "--data", ".", "--model", "small"], 2, "--model 'small'; expected NAME"),
        (["zero-shot", "--at", "nyu=x"], 2, "'nyu': no data set of zero-shot; it has nyuv2"),
        (["zero-shot", "--at", "kitti=x", "--at", "kitti=y"], 2, "kitti stands twice"),
        (["mine.toml"], 2, "mine.toml: cannot read it"),
        (["zero-shot", "--at", "kitti=none"], 3, "KITTI"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    found = run(*arguments, "-o", "out")

    captured = capsys.readouterr()
    assert found == code
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_swapped_data_is_refused_not_scored(
    root: Path, small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # NYUv2 at the scale of KITTI: four times too far, which no room is.
    folder = next((root / "NYUv2").rglob("sync_depth_*.png")).parent
    for path in folder.glob("sync_depth_*.png"):
        trees.put_codes(path, np.asarray(trees.ROOM), 256 / 20)

    code = run(
        *("zero-shot", "--data", root, "-o", tmp_path / "out", *SIZE),
        *("--model", f"student={small_model}"),
    )

    assert code == 3
    assert "NYUv2" in capsys.readouterr().err
    assert not (tmp_path / "out" / "zero-shot.json").exists()
