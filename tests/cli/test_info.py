"""`info`: exact counts and terms, without torch."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from featherdepth import api
from featherdepth.cli import main as cli
from featherdepth.cli.info import _exported
from featherdepth.networks.folder import write_folder
from featherdepth.types import DepthKind, Preset

COUNTS = {
    "base": (11_443_425, 20_812_503_040),
    "topformer-lite": (5_356_785, 3_366_847_232),
    "small": (3_456_977, 3_725_737_344),
    "fast": (1_454_825, 974_549_632),
    "leres-resnet50": (52_126_529, 96_139_223_040),
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder; `info` does not care what the weights are."""
    preset = Preset(
        name="mine",
        network="small",
        kind=DepthKind.AFFINE_INVARIANT,
        mean=(0.5, 0.5, 0.5),
        std=(0.2, 0.2, 0.2),
        params=3,
        macs=4000,
        license="Apache-2.0",
        materials=(
            {"name": "NYUv2", "class": "B", "terms": "research", "use": "training"},
            {"name": "own renders"},
        ),
    )
    folder = tmp_path / "model"
    write_folder(folder, preset, {"w": np.zeros(3, dtype=np.float16)}, "# Mine\n\nA card.\n")
    return folder


def info(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert cli.run(["info", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_the_document_lists_every_network_with_its_exact_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = json.loads(info(capsys, "--json"))

    networks = {row["name"]: (row["params"], row["macs"]) for row in result["networks"]}
    for name in ("base", "topformer-lite", "small", "fast", "leres-resnet50"):
        assert networks[name] == COUNTS[name]
    assert set(result) == {"models", "networks"}


def test_the_model_of_those_who_name_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "given no model takes small." in info(capsys)
    assert "given no model" not in info(capsys, "fast")


def test_a_model_folder_says_what_it_is_and_shows_its_card(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = json.loads(info(capsys, model, "--json"))["models"]
    text = info(capsys, model)

    assert row == {
        "name": "mine",
        "network": "small",
        "params": 3,
        "macs": 4000,
        "size": [448, 448],
        "kind": "affine_invariant",
        "license": "Apache-2.0",
        "sha256": hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest(),
        "bytes": (model / "model.safetensors").stat().st_size,
    }
    assert "affine_invariant" in text
    assert "4,000" in text
    assert "# Mine\n\nA card.\n" in text


def test_licenses_lists_what_a_model_was_made_from(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = info(capsys, model, "--licenses")
    (row,) = json.loads(info(capsys, model, "--licenses", "--json"))["models"]

    assert "mine: Apache-2.0, made from\n  NYUv2 (class B): research; training\n" in text
    assert text.endswith("  own renders\n")
    assert [item["name"] for item in row["materials"]] == ["NYUv2", "own renders"]


def test_a_network_without_weights_is_found_by_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = json.loads(info(capsys, "leres-resnet50", "--json"))

    assert result["models"] == []
    assert [row["params"] for row in result["networks"]] == [52_126_529]
    assert "52,126,529" in info(capsys, "leres-resnet50")
    assert api.card("leres-resnet50") == ""


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [("smal1", 2, "unknown model 'smal1'"), ("./none", 4, "no such file or folder")],
)
def test_an_unknown_model_is_one_line_and_its_code(
    name: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["info", name]) == code
    assert message in capsys.readouterr().err


def test_a_folder_without_weights_is_a_weights_error(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / "model.safetensors").unlink()

    assert cli.run(["info", str(model)]) == 4
    assert "model.safetensors: not found" in capsys.readouterr().err


def test_info_and_evaluation_load_no_torch() -> None:
    code = (
        "import sys\nfrom featherdepth import api\n"
        "import featherdepth.evaluation.accuracy, featherdepth.evaluation.tables\n"
        "import featherdepth.data.probe, featherdepth.runtime.model\n"
        "api.info()\nsys.exit(any(m in sys.modules for m in ('torch', 'scipy', 'cv2')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("suffix", "options"), [(".onnx", []), (".xml", ["--size", "64x128"])])
def test_an_exported_file_says_what_it_is(
    suffix: str,
    options: list[str],
    make_model: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("openvino")
    folder, file = make_model("fast"), tmp_path / f"mine{suffix}"
    assert cli.run(["export", str(folder), "-o", str(file), *options]) == 0
    capsys.readouterr()

    (row,) = json.loads(info(capsys, file, "--json"))["models"]
    (source,) = json.loads(info(capsys, folder, "--json"))["models"]
    text = info(capsys, file, "--licenses")

    said = row.pop("exported")
    fixed = [64, 128] if options else None
    assert (said["precision"], said["input"], said["fixed"]) == ("fp32", "float", fixed)
    assert row["size"] == (fixed or source["size"])
    weights = file.with_suffix(".bin") if suffix == ".xml" else file
    assert row["bytes"] == weights.stat().st_size
    same = ("name", "network", "params", "macs", "kind", "license", "sha256")
    assert [row[key] for key in same] == [source[key] for key in same]
    assert "exported in fp32 by featherdepth" in text
    assert f"sides {'fixed' if options else 'open'}" in text


def test_a_file_that_is_not_there_is_not_taken_for_a_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["info", "gone.onnx"]) == 4
    assert capsys.readouterr().err.startswith("featherdepth: gone.onnx: no such file")


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        (3, "takes RGB in 0..1, b 3 h w, sides open"),
        (5, "takes RGB in 0..1, aligned depth and measured points, b 5 h w, sides open"),
    ],
)
def test_an_exported_file_says_what_it_takes(channels: int, words: str) -> None:
    said = {"precision": "fp32", "input": "float", "channels": channels, "fixed": None}

    assert words in _exported({**said, "opset": 20, "version": "1", "kept": ()})
