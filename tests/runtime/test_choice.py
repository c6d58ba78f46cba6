"""What `auto` stands for on this CPU and with this model."""

from dataclasses import replace
from pathlib import Path

import pytest

from featherdepth.errors import UsageError
from featherdepth.networks.folder import GRAPH, GRAPH_INT8, read_config
from featherdepth.runtime import choice
from featherdepth.runtime.choice import choose_for, repeatable
from featherdepth.runtime.presets import embedded_folder
from featherdepth.types import Preset

SAFE = {"int8": 0.004, "bf16": 0.003}


@pytest.fixture
def preset() -> Preset:
    return replace(read_config(embedded_folder("small")), verified=SAFE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (GRAPH, GRAPH_INT8):
        (tmp_path / name).touch()
    return tmp_path


def cpu(monkeypatch: pytest.MonkeyPatch, *has: str, installed: str = "onnx openvino") -> None:
    monkeypatch.setattr("featherdepth.runtime.cpu.features", lambda: frozenset(has))
    monkeypatch.setattr(choice, "available", lambda name: name in installed.split())
    monkeypatch.setattr(
        "featherdepth.runtime.backends.available", lambda name: name in installed.split()
    )


@pytest.mark.parametrize(
    ("has", "installed", "expected"),
    [
        (["avx512_vnni"], "onnx openvino", ("openvino", "int8")),
        (["avx512_vnni"], "onnx", ("onnx", "int8")),
        (["amx_int8", "amx_bf16"], "onnx openvino", ("openvino", "int8")),
        (["neon_dotprod"], "onnx", ("onnx", "int8")),
        (["avx2"], "onnx openvino", ("openvino", "int8")),
        (["avx2"], "onnx", ("onnx", "int8")),
        (["neon"], "onnx openvino", ("openvino", "fp32")),
        (["neon"], "onnx", ("onnx", "fp32")),
    ],
)
def test_the_cpu_and_what_is_installed_decide(
    has: list[str],
    installed: str,
    expected: tuple[str, str],
    folder: Path,
    preset: Preset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu(monkeypatch, *has, installed=installed)

    assert choose_for(folder, preset, "auto", "auto") == expected


@pytest.mark.parametrize("bf16", ["amx_bf16", "avx512_bf16"])
def test_a_precision_that_loses_more_than_one_percent_is_not_chosen(
    bf16: str, folder: Path, preset: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu(monkeypatch, "avx512_vnni", bf16)

    assert choose_for(folder, replace(preset, verified={"int8": 0.0101}), "auto", "auto") == (
        "openvino",
        "fp32",
    )
    worse = replace(preset, verified={"int8": 0.02, "bf16": 0.002})
    assert choose_for(folder, worse, "auto", "auto") == ("openvino", "bf16")
    assert choose_for(folder, worse, "onnx", "auto") == ("onnx", "fp32")
    assert choose_for(folder, replace(preset, verified={}), "auto", "auto") == ("openvino", "fp32")
    # By name it is offered all the same.
    assert choose_for(folder, worse, "auto", "int8") == ("openvino", "int8")


def test_without_its_graph_a_precision_is_not_chosen(
    folder: Path, preset: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu(monkeypatch, "avx512_vnni")
    (folder / GRAPH_INT8).unlink()

    assert choose_for(folder, preset, "auto", "auto") == ("openvino", "fp32")


def test_figures_are_measured_in_fp32_unless_something_else_is_named() -> None:
    assert repeatable("small", "auto") == "fp32"
    assert repeatable(None, "auto") == "fp32"
    assert repeatable("small", "int8") == "int8"
    assert repeatable("student.onnx", "auto") == "auto"


def test_the_embedded_model_ships_what_auto_needs() -> None:
    folder = embedded_folder("small")

    assert (folder / GRAPH_INT8).is_file()
    assert read_config(folder).verified["int8"] <= choice.MOST_RISE


def test_an_unknown_precision_is_refused(folder: Path, preset: Preset) -> None:
    with pytest.raises(UsageError, match="precision 'fp8' is unknown"):
        choose_for(folder, preset, "auto", "fp8")
