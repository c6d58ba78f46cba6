"""What fails or is killed leaves nothing; what does not fit is said in one line beforehand."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

import featherdepth
from featherdepth.cli import main as cli
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.export.existing import report_of
from featherdepth.export.job import export
from featherdepth.export.order import Order
from featherdepth.export.source import Source
from featherdepth.runtime.model import DepthModel

pytestmark = pytest.mark.usefixtures("quick", "traceable")


def test_the_report_lies_beside_the_file(
    source: Source, photo_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "a.onnx"

    found = export(source, Order(to="onnx", output=output, verify=(photo_folder,)))

    assert json.loads(report_of(output).read_text()) == json.loads(json.dumps(found))
    assert sorted(p.name for p in output.parent.iterdir()) == ["a.onnx", "a.onnx.json"]
    seen = found["verification"]
    assert seen["pictures"] == 14 == len(seen["photos"]) and seen["held_out"] is True
    assert 0 < seen["difference"]["mean"] <= seen["difference"]["largest"] <= 1e-3
    assert seen["to_original"]["abs_rel"] < 1e-4 and seen["to_original"]["delta1"] == 1
    assert found["bytes"] == {"a.onnx": output.stat().st_size}
    assert found["environment"]["onnx"] == onnx.__version__


def test_an_openvino_model_is_two_files(source: Source, tmp_path: Path) -> None:
    order = Order(to="openvino", output=tmp_path / "a.xml")
    export(source, order)

    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.bin", "a.xml", "a.xml.json"]
    assert order.checked(source) is order  # an earlier export may be replaced
    (tmp_path / "a.bin").write_bytes(b"of another program")
    with pytest.raises(UsageError, match=r"a.bin: is there and no earlier export"):
        order.checked(source)
    (tmp_path / "a.bin").unlink()
    assert order.checked(source) is order


@pytest.mark.parametrize(
    ("to", "output", "taken"),
    [
        ("onnx", "a.onnx", "a.onnx"),
        ("onnx", "a.onnx", "a.onnx.json"),
        ("openvino", "a.xml", "a.bin"),
        ("pt2", "a.pt2", "a.pt2"),
    ],
)
def test_what_no_export_wrote_stays_unless_it_is_said(
    source: Source, tmp_path: Path, to: str, output: str, taken: str
) -> None:
    order = Order(to=to, output=tmp_path / output)
    (tmp_path / taken).write_text('{"file": "a.onnx", "bytes": {"a.onnx": 1}}')

    with pytest.raises(UsageError, match=rf"{taken}: is there and no .* say --overwrite"):
        order.checked(source)
    with pytest.raises(UsageError, match="is there and no earlier export"):
        export(source, order)
    assert [p.name for p in tmp_path.iterdir()] == [taken]
    again = replace(order, overwrite=True)
    assert again.checked(source) is again


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("taken", ["a.xml", "a.bin", "a.xml.json"])
def test_a_folder_in_the_place_is_told_before_the_work(
    source: Source, tmp_path: Path, taken: str, overwrite: bool
) -> None:
    (tmp_path / taken).mkdir()

    with pytest.raises(UsageError, match=f"{taken}: is a folder; expected the name of a file"):
        Order(to="openvino", output=tmp_path / "a.xml", overwrite=overwrite).checked(source)


def test_the_command_replaces_another_file_only_if_it_is_said(
    small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "a.onnx"
    output.write_text("another")
    words = ["export", str(small_model), "-o", str(output)]

    assert cli.run(words) == 2
    assert "say --overwrite" in capsys.readouterr().err and output.read_text() == "another"
    assert cli.run([*words, "--overwrite"]) == 0
    assert output.stat().st_size > 1e6


@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_a_file_that_computes_something_else_is_not_written(
    source: Source, to: str, recorded: onnx.ModelProto, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The fault: one Relu too few."""

    def faulty(module: object, *, multiple: int, size: object) -> onnx.ModelProto:
        model = onnx.ModelProto()
        model.CopyFrom(recorded)
        next(n for n in model.graph.node if n.op_type == "Relu").op_type = "Identity"
        return model

    monkeypatch.setattr("featherdepth.export.single_file.single_file", faulty)
    old = tmp_path / ("a.onnx" if to == "onnx" else "a.xml")
    old.write_text("of yesterday")

    with pytest.raises(RunError, match=r"of the range from its original; expected at most 0.001"):
        export(source, Order(to=to, output=old, overwrite=True))
    assert [p.name for p in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "of yesterday"


def test_labeled_data_is_asked_of_both_and_decides(
    source: Source, photo_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "a.onnx"
    half = Order(to="onnx", output=output, precision="fp16", verify=(photo_folder,), max_drop=0.5)
    asked: list[tuple[str, str]] = []

    def measured(model: DepthModel) -> Mapping[str, float]:
        asked.append((model.backend, model.precision))
        model.infer(next(photo_folder.rglob("*.png")))
        return {"abs_rel": 0.1 + 0.06 * (len(asked) % 2 == 0), "delta1": 0.9}

    with pytest.raises(RunError, match=r"fp16 is 0.6 more abs_rel on labeled data"):
        export(source, half, measured)
    assert asked == [("torch", "fp32"), ("onnx", "fp16")] and not output.exists()
    report = export(source, replace(half, max_drop=0.7), measured)
    assert report["verification"]["labeled"]["drop"] == pytest.approx(0.6)
    assert report["verification"]["labeled"]["exported"] == {"abs_rel": 0.16, "delta1": 0.9}


KILLED = """
import os, signal, sys
import onnx
from pathlib import Path
import featherdepth.export.{room} as room
import featherdepth.export.single_file as single
from featherdepth.cli.main import run

model = onnx.load(sys.argv[1])
single.single_file = lambda module, **_: model
before, count = room.{name}, []

def killed(*arguments, **keywords):
    count.append(1)
    if len(count) > {calls}:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(*arguments, **keywords)

room.{name} = killed
sys.exit(run(["export", sys.argv[2], "-o", sys.argv[3]]))
"""


def test_a_full_temporary_disk_is_one_line_and_leaves_no_file(
    source: Source, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource", reason="limits of file size exist on POSIX only")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"cannot make the file there: File too large; TMPDIR"):
            export(source, Order(to="onnx", output=tmp_path / "a.onnx"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert list(tmp_path.glob("a.*")) == []


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("room", "name", "calls"),
    [("job", "agreement", 0), ("verify", "_difference", 3), ("job", "write_together", 0)],
)
def test_a_kill_in_the_middle_leaves_no_file(
    make_model: object, recorded: onnx.ModelProto, tmp_path: Path, room: str, name: str, calls: int
) -> None:
    folder = make_model("small", graph=False, size=128)  # type: ignore[operator]
    graph, out = tmp_path / "graph.onnx", tmp_path / "out"
    onnx.save(recorded, graph)
    code = KILLED.format(room=room, name=name, calls=calls)
    paths = os.pathsep.join([str(Path(featherdepth.__file__).parents[1])])

    done = subprocess.run(
        [sys.executable, "-c", code, graph, folder, out / "a.xml"],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": paths, "TMPDIR": str(tmp_path)},
    )

    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": "tflite"}, "--to 'tflite' is unknown; expected onnx, openvino, pt2"),
        ({"precision": "int4"}, "--precision 'int4' is unknown; expected fp32, fp16, bf16, int8"),
        ({"precision": "bf16"}, "--to onnx has no bf16; expected fp32, fp16, int8"),
        ({"to": "pt2", "precision": "int8"}, "--to pt2 has no int8; expected fp32, bf16"),
        ({"to": "openvino"}, "--to openvino writes .xml files"),
        ({"precision": "int8"}, "name 20 or more with --calibrate PHOTOS"),
        ({"calibrate": ("x",)}, "--calibrate is for int8, not fp32; leave it out"),
        ({"max_drop": 0.1}, "--max-drop is for fp16 and bf16 and int8, not fp32"),
        ({"precision": "fp16", "max_drop": 1.5}, "--max-drop 1.5; expected a share"),
        ({"fixed": (100, 128)}, "expected multiples of 64, such as 128x128"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_before_the_work(
    source: Source, changes: dict[str, object], words: str, tmp_path: Path
) -> None:
    order = Order(**({"to": "onnx", "output": tmp_path / "a.onnx"} | changes))  # type: ignore[arg-type]

    with pytest.raises(UsageError) as caught:
        export(source, order)
    assert words in str(caught.value) and list(tmp_path.iterdir()) == []


def test_five_channels_are_no_bytes(tmp_path: Path) -> None:
    from featherdepth.export.source import open_source

    order = Order(to="onnx", output=tmp_path / "a.onnx", pixels=True)

    with pytest.raises(UsageError, match="takes depth and points too: no --uint8-input"):
        order.checked(open_source("completion"))


def test_the_graph_of_a_model_folder_is_not_overwritten(source: Source, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(UsageError, match="is the graph of a model folder; take another name"):
        Order(to="onnx", output=tmp_path / "model.onnx").checked(source)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["none", "--to", "onnx", "-o", "a.onnx"], 2, "unknown model 'none'"),
        (["small", "-o", "a.tflite"], 2, "unknown suffix '.tflite'; expected .onnx"),
        (["efficientnet-lite0@{w}", "--to", "onnx", "-o", "a.onnx"], 4, "model.safetensors"),
        (["small", "--to", "onnx", "-o", "a.onnx", "--size", "448"], 2, "a pair, such as 448x448"),
        (["small", "--to", "onnx", "-o", "a.onnx", "--split", "val"], 2, "name it with --data"),
        (["small", "--to", "onnx", "-o", "a.onnx", "--data", "no"], 3, "no: "),
        (["small", "--to", "onnx", "-o", "a.onnx", "--verify", "no"], 3, "no: "),
        (["small", "--to", "pt2", "-o", "a.onnx"], 2, "--to pt2 writes .pt2 files"),
    ],
)
def test_bad_lines_are_told_in_one(
    words: list[str],
    code: int,
    told: str,
    small_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = [word.format(w=small_model / "model.safetensors") for word in words]

    assert cli.run(["export", *asked]) == code
    message = capsys.readouterr().err.strip()
    assert told in message and "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_wrote_and_how_near_it_is(
    small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "a.onnx"

    assert cli.run(["export", str(small_model), "--to", "onnx", "-o", str(output)]) == 0
    told = capsys.readouterr().out
    assert f"{output}: 13.8 MB, fp32, float input, any size" in told
    assert "values: affine_invariant" in told and "on 10 made-up pictures" in told
    assert f"report: {output}.json" in told


def test_photos_that_are_not_there_stop_it(source: Source, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(InputError):
        export(source, Order(to="onnx", output=tmp_path / "a.onnx", verify=(empty,)))
    assert not (tmp_path / "a.onnx").exists()
