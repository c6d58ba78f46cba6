"""An exported file is a model: it says what it is, predicts as its original, and runs no code."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from featherdepth.api import predict
from featherdepth.cli import main as cli
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.errors import FeatherDepthError, UsageError, WeightsError
from featherdepth.export.job import export
from featherdepth.export.order import Order
from featherdepth.export.source import Source
from featherdepth.images.read import read_image
from featherdepth.runtime.backends.pytorch import run_module
from featherdepth.runtime.exported import KEY, Exported, exported_sha256, parse_exported
from featherdepth.runtime.model import DepthModel

pytestmark = pytest.mark.usefixtures("quick", "traceable")


def exported(source: Source, output: Path, **asked: object) -> Path:
    to = {".onnx": "onnx", ".xml": "openvino"}[output.suffix]
    export(source, Order(to=to, output=output, **asked))  # type: ignore[arg-type]
    return output


@pytest.mark.parametrize("name", ["a.onnx", "a.xml"])
@pytest.mark.parametrize("pixels", [False, True])
def test_it_predicts_what_its_original_predicts(
    source: Source, name: str, pixels: bool, photo_folder: Path, tmp_path: Path
) -> None:
    photo = next(photo_folder.rglob("*.png"))
    whole = DepthModel(
        source.preset, run_module(source.module, None, "fp32"), backend="torch", precision="fp32"
    )

    model = DepthModel.from_pretrained(exported(source, tmp_path / name, pixels=pixels))

    expected, found = whole.infer(photo), model.infer(photo)
    assert np.abs(found.values - expected.values).max() < 1e-3 * np.ptp(expected.values)
    assert found.kind == expected.kind == source.preset.kind
    assert (found.provenance.backend, found.provenance.precision) == (
        {"a.onnx": "onnx", "a.xml": "openvino"}[name],
        "fp32",
    )


def test_metadata_is_read_back_and_others_can_read_it_too(source: Source, tmp_path: Path) -> None:
    path = exported(source, tmp_path / "a.onnx")

    found = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    about = parse_exported(found[KEY], path)
    assert about.preset == source.preset and about.opset == 20 and about.precision == "fp32"
    plain = ("kind", "size", "multiple", "resize", "license", "sha256", "precision")
    assert [found[key] for key in plain] == [
        "affine_invariant", "128", "64", "keep", "Apache-2.0", source.preset.sha256, "fp32",
    ]  # fmt: skip
    assert not {"mean", "std", "unit"} & found.keys()  # the graph normalizes; there is no unit
    said = json.loads(found[KEY])
    assert said["unit"] is None and said["preset"]["mean"] == list(source.preset.mean)


def test_everything_a_file_says_survives_writing() -> None:
    preset = DepthModel.from_pretrained("small").preset
    about = Exported(
        preset=preset,
        precision="int8",
        input="uint8",
        fixed=(64, 128),
        opset=20,
        version="1",
        kept=("a", "b"),
    )

    assert parse_exported(about.to_text(), Path("a.onnx")) == about


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (None, UsageError, "has no 'featherdepth' metadata .* as a teacher of distill or label"),
        ("{", WeightsError, "metadata is damaged"),
        ("[]", WeightsError, "metadata is damaged"),
        ("[" * 100_000, WeightsError, "metadata is damaged"),
        ('{"form": 2}', WeightsError, "has form 2, this version reads 1"),
        ('{"form": 1, "precision": "fp32"}', WeightsError, "preset: required.* export it anew"),
        ('{"form": 1, "precision": "fp3"}', WeightsError, "a.onnx: featherdepth.*'fp3'|preset"),
    ],
)
def test_other_metadata_is_one_line(
    text: str | None, error: type[FeatherDepthError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        parse_exported(text, Path("a.onnx"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"name": "a\x1b[2J"}, r"a.onnx: name is 'a\\x1b\[2J'"), ({"multiple": 0}, "multiple is 0")],
)
def test_a_preset_that_no_folder_may_hold_is_refused_here_too(
    changes: dict[str, Any], words: str
) -> None:
    preset = replace(DepthModel.from_pretrained("small").preset, **changes)

    with pytest.raises(WeightsError, match=words):
        parse_exported(Exported(preset=preset, precision="fp32").to_text(), Path("a.onnx"))


def change(path: Path, edit: Callable[[onnx.ModelProto], None]) -> Path:
    model = onnx.load(path)
    edit(model)
    path.write_bytes(model.SerializeToString())
    return path


def without_metadata(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]


def renamed_input(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = model.graph.input[0].name = "pictures"


@pytest.mark.parametrize(
    ("edit", "code", "words"),
    [
        (without_metadata, 2, "has no 'featherdepth' metadata"),
        (renamed_input, 4, "its inputs are pictures, its metadata says images"),
    ],
)
def test_a_foreign_onnx_file_is_refused_in_one_line(
    source: Source,
    edit: Callable[[onnx.ModelProto], None],
    code: int,
    words: str,
    photo_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = change(exported(source, tmp_path / "a.onnx"), edit)

    asked = ["predict", str(photo_folder), "-o", str(tmp_path / "out"), "--model", str(path)]
    assert cli.run(asked) == code
    told = capsys.readouterr().err.strip()
    assert words in told and "\n" not in told


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "/etc/hostname"])
def test_a_graph_that_wants_another_file_is_refused(
    source: Source, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it points: beside it, out of its folder, or where the process runs."""
    (tmp_path / "in").mkdir()
    path = exported(source, tmp_path / "in" / "a.onnx")

    def point(model: onnx.ModelProto) -> None:
        tensor = max(model.graph.initializer, key=lambda t: len(t.raw_data))
        for folder in (tmp_path, tmp_path / "in"):
            (folder / "weights.bin").write_bytes(tensor.raw_data)
        length = len(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": place, "offset": "0", "length": str(length)}.items():
            tensor.external_data.add(key=key, value=value)

    change(path, point)
    monkeypatch.chdir(tmp_path / "in")

    with pytest.raises(WeightsError, match=r"a\.onnx: onnxruntime cannot load it"):
        DepthModel.from_pretrained(path)


def test_bytes_that_are_no_model_are_refused(tmp_path: Path) -> None:
    for name, words in (
        ("a.onnx", "a.onnx: onnxruntime cannot load it"),
        ("a.xml", "a.bin: not found; an OpenVINO model is an .xml and a .bin"),
    ):
        (tmp_path / name).write_bytes(b"hello")
        with pytest.raises(WeightsError, match=words):
            DepthModel.from_pretrained(tmp_path / name)
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"a.xml: OpenVINO cannot read it"):
        DepthModel.from_pretrained(tmp_path / "a.xml")


def test_a_cut_bin_is_refused(source: Source, tmp_path: Path) -> None:
    path = exported(source, tmp_path / "a.xml")
    weights = path.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[:1000])

    with pytest.raises(WeightsError, match=r"a.xml: OpenVINO cannot"):
        DepthModel.from_pretrained(path)


def test_backend_and_precision_are_the_file_s(source: Source, tmp_path: Path) -> None:
    path = exported(source, tmp_path / "a.onnx")

    DepthModel.from_pretrained(path, backend="onnx", precision="fp32", threads=1)
    with pytest.raises(UsageError, match="runs on onnx, not on torch; leave --backend out"):
        DepthModel.from_pretrained(path, backend="torch")
    with pytest.raises(UsageError, match="was exported in fp32, not int8; leave --precision out"):
        DepthModel.from_pretrained(path, precision="int8")


def test_a_file_of_the_completion_network_does_not_predict(source: Source, tmp_path: Path) -> None:
    named = replace(source, preset=replace(source.preset, network="completion"))

    path = exported(named, tmp_path / "a.onnx")

    with pytest.raises(UsageError, match="completes measured points and sees no depth by itself"):
        DepthModel.from_pretrained(path)


def test_predict_takes_it(source: Source, photo_folder: Path, tmp_path: Path) -> None:
    path = exported(source, tmp_path / "a.xml", pixels=True)

    out = tmp_path / "out"
    assert cli.run(["predict", str(photo_folder), "-o", str(out), "--model", str(path)]) == 0
    assert len(list(out.rglob("*.png"))) >= 14


@pytest.mark.parametrize("name", ["a.onnx", "a.xml"])
def test_files_of_the_same_weights_are_models_of_their_own(
    source: Source, name: str, photo_folder: Path, tmp_path: Path
) -> None:
    first = exported(source, tmp_path / "first" / name)
    second = exported(source, tmp_path / "second" / name, pixels=True)
    photo = next(photo_folder.rglob("*.png"))

    found = [predict(photo, tmp_path / "out", model=m) for m in (first, first, second, second)]

    assert [(run["done"], run["skipped"]) for run in found] == [(1, 0), (0, 1)] * 2
    said = json.loads(next((tmp_path / "out").glob("*.png.json")).read_text())
    assert said["model"]["sha256"] == found[-1]["sha256"] == exported_sha256(second)


def test_the_weights_of_an_openvino_file_count(source: Source, tmp_path: Path) -> None:
    path = exported(source, tmp_path / "a.xml")
    weights, before = path.with_suffix(".bin"), exported_sha256(path)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    assert exported_sha256(path) != before


def test_it_is_a_teacher_with_the_materials_of_its_original(
    source: Source, photo_folder: Path, tmp_path: Path
) -> None:
    teacher = open_teacher(exported(source, tmp_path / "a.onnx"))

    photo = read_image(next(photo_folder.rglob("*.png"))).pixels
    seen = torch.from_numpy(teacher.prepare(photo))[None]
    expected = source.module(seen).detach()
    # Not normalized twice: the graph does it, and the plain keys do not say mean and std.
    assert float((teacher(seen) - expected).abs().max()) < 1e-4 * float(expected.std())
    assert teacher.card.kind == source.preset.kind and teacher.card.name == source.preset.name
    assert [row["name"] for row in teacher.card.materials] == ["noise", source.preset.name]
