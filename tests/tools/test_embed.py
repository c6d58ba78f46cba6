"""Embedding makes a whole model folder, or leaves the old one."""

import json
import shutil
from pathlib import Path

import pytest
from tools import embed as tool
from tools.card import SHOWN

from featherdepth.errors import BackendError, WeightsError
from featherdepth.networks.folder import read_preset


@pytest.fixture(autouse=True)
def graph_from_before(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing takes 10 s and has tests of its own; the layout is the same, so this graph fits."""
    monkeypatch.setattr(
        tool, "write_graph", lambda folder: shutil.copy(small_model / "model.onnx", folder)
    )


@pytest.fixture
def run(small_model: Path, tmp_path: Path) -> Path:
    """A run folder: a model folder with terms, and other things in it."""
    folder = Path(shutil.copytree(small_model, tmp_path / "run"))
    config = json.loads((folder / "config.json").read_text())
    config["materials"] = [{"name": "noise", "class": "A", "use": "all", "terms": "own"}]
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "journal.jsonl").write_text("{}\n")
    recipe = {"size": [64, 64], "init": None, "encoder_weights": "", "losses": [], "batch": 1}
    about = {"recipe": recipe | {"loop": {"lr": 1e-3}}, "step": 1, "seed": 0}
    (folder / "run.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def evaluation(run: Path) -> Path:
    """What `evaluate` would write for the run, as far as the card reads it."""
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    document = {
        "environment": {"sha256": read_preset(run).sha256, "size": None},
        "data": {"name": "noise", "split": "val", "count": 2},
        "protocol": {"name": "aligned"},
        "metrics": dict.fromkeys(SHOWN, figure),
    }
    path = run.parent / "evaluation.json"
    path.write_text(json.dumps(document))
    return path


def test_the_embedded_folder_has_its_four_files_and_its_name(
    run: Path, evaluation: Path, tmp_path: Path
) -> None:
    (tmp_path / "weights" / "mine").mkdir(parents=True)
    (tmp_path / "weights" / "mine" / "stale").write_text("")

    target = tool.embed(run, "mine", evaluation, tmp_path / "weights")

    names = sorted(p.name for p in target.iterdir())
    assert names == ["README.md", "config.json", "model.onnx", "model.safetensors"]
    preset = read_preset(target)
    assert (preset.name, preset.network, preset.params) == ("mine", "small", 3_456_977)
    assert preset.macs == 3_725_737_344
    card = (target / "README.md").read_text()
    assert "| this model | 0.500 (0.400 to 0.600)" in card
    assert "- noise, class A, all: own" in card
    assert [p.name for p in target.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize("change", [{"materials": []}, {"license": ""}, {"params": 1}])
def test_a_run_that_may_not_ship_is_refused(
    change: dict[str, object], run: Path, evaluation: Path
) -> None:
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(WeightsError):
        tool.embed(run, "mine", evaluation, run / "weights")
    assert not (run / "weights").exists()


def test_a_graph_that_computes_something_else_leaves_the_old_model(
    run: Path, evaluation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "weights" / "mine"
    old.mkdir(parents=True)
    (old / "kept").write_text("")

    def refuse(folder: Path) -> None:
        raise BackendError("onnx differs from torch")

    monkeypatch.setattr(tool, "verify", refuse)
    with pytest.raises(BackendError):
        tool.embed(run, "mine", evaluation, tmp_path / "weights")
    assert [p.name for p in old.iterdir()] == ["kept"]
    assert [p.name for p in old.parent.iterdir()] == ["mine"]


def test_figures_of_other_weights_are_refused(run: Path, evaluation: Path) -> None:
    document = json.loads(evaluation.read_text())
    document["environment"]["sha256"] = "0" * 64
    evaluation.write_text(json.dumps(document))

    with pytest.raises(WeightsError, match="of other weights"):
        tool.embed(run, "mine", evaluation, run / "weights")
