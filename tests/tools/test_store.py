"""Storing a model anew makes a whole folder with what moved in it, or leaves the old one."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tools.store import MAX_MOVE, main, store, with_section

from featherdepth.errors import FeatherDepthError, InputError, RunError, WeightsError
from featherdepth.metrics.protocols import load_protocol
from featherdepth.networks.folder import read_preset

Score = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def trained(make_model: Callable[..., Path]) -> Path:
    """A model folder without a graph, which is not looked at; not to be written into."""
    return make_model("small", graph=False)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A run folder: a model folder with terms, a card and other things in it."""
    folder = Path(shutil.copytree(trained, tmp_path / "run"))
    (folder / "model.onnx").write_text("of these weights")
    config = json.loads((folder / "config.json").read_text())
    config["materials"] = [{"name": "noise", "class": "A", "use": "all", "terms": "own"}]
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "journal.jsonl").write_text("{}\n")
    return folder


def scorer(run: Path, move: float, *, keys: tuple[str, ...] = ("a", "b")) -> Score:
    """A score of 0.1 and 0.3 before, and of (1 + move) times that after."""

    def score(folder: Path) -> dict[str, Any]:
        gain = 1.0 if folder == run else 1 + move
        shown = ("a", "b") if folder == run else keys
        return {
            "model": "m",
            "protocol": asdict(load_protocol("aligned")) | {"measures": ["abs_rel"]},
            "data": {"name": "noise", "split": "val"},
            "metrics": {},
            "images": [
                {"key": key, "abs_rel": gain * value, "pixels": 10}
                for key, value in zip(shown, (0.1, 0.3), strict=True)
            ],
        }

    return score


def test_the_folder_has_three_files_its_name_and_what_moved(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "weights" / "mine"
    target.mkdir(parents=True)
    (target / "model.onnx").write_text("of weights from before")

    result = store(run, target, "int8", scorer(run, 0.002))

    names = sorted(p.name for p in target.iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "storage.json"]
    preset, before = read_preset(target), read_preset(run)
    assert (preset.name, preset.storage, preset.params) == ("mine", "int8", 3_456_977)
    assert preset.materials == before.materials and before.storage == "fp16"
    assert json.loads((target / "storage.json").read_text()) == result
    assert result["sha256"] == {"before": before.sha256, "after": preset.sha256}
    row = result["metrics"]["abs_rel"]
    assert row["before"] == pytest.approx(0.2) and row["difference"] == pytest.approx(0.0004)
    assert row["relative"] == pytest.approx(0.002)
    assert (result["count"], result["max_move"], MAX_MOVE) == (2, 0.003, 0.003)
    assert result["bytes"]["after"] == (target / "model.safetensors").stat().st_size
    assert result["bytes"]["after"] < 0.57 * result["bytes"]["before"]
    card = (target / "README.md").read_text()
    assert "| abs_rel | 0.20000 | 0.20040 | +0.00040 (" in card
    assert "abs_rel moved by +0.20%, allowed is less than 0.30%: noise, split `val`" in card
    assert [p.name for p in target.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("move", "error", "said"),
    [
        (0.004, RunError, r"abs_rel moves by \+.* in int8; expected less than 0\.30%"),
        (-0.004, RunError, r"abs_rel moves by -.* in int8; expected less than 0\.30%"),
        (float("nan"), InputError, "after: damaged: .*not finite"),
    ],
)
def test_weights_that_move_too_far_leave_the_old_model(
    move: float, error: type[FeatherDepthError], said: str, run: Path, tmp_path: Path
) -> None:
    target = tmp_path / "weights" / "mine"
    target.mkdir(parents=True)
    (target / "kept").write_text("")

    with pytest.raises(error, match=said):
        store(run, target, "int8", scorer(run, move))
    assert [p.name for p in target.iterdir()] == ["kept"]
    assert [p.name for p in target.parent.iterdir()] == ["mine"]


def test_a_wider_bound_is_stated_in_the_card(run: Path, tmp_path: Path) -> None:
    store(run, tmp_path / "mine", "int8", scorer(run, 0.004), max_move=0.01)

    assert "+0.40%, allowed is less than 1.00%" in (tmp_path / "mine" / "README.md").read_text()


def test_scores_of_other_images_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the same images"):
        store(run, tmp_path / "mine", "int8", scorer(run, 0.0, keys=("a", "c")))
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("change", [{"materials": []}, {"license": ""}])
def test_weights_without_terms_are_refused(
    change: dict[str, object], run: Path, tmp_path: Path
) -> None:
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(WeightsError, match="expected a license and materials"):
        store(run, tmp_path / "mine", "int8", scorer(run, 0.0))
    assert not (tmp_path / "mine").exists()


def test_a_folder_is_not_stored_over_itself(run: Path) -> None:
    with pytest.raises(WeightsError, match="expected another folder"):
        store(run, run.parent / "." / "run", "int8", scorer(run, 0.0))
    assert (run / "journal.jsonl").exists()


def test_stored_twice_the_card_has_one_section(run: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    store(run, first, "int8", scorer(run, 0.001))

    store(first, second, "fp16", scorer(first, 0.0))

    card = (second / "README.md").read_text()
    assert card.count("## Storage") == 1 and "stored in fp16" in card and "8 bits" not in card
    assert read_preset(second).storage == "fp16"


def test_sections_around_the_one_that_is_replaced_stay(run: Path, tmp_path: Path) -> None:
    result = store(run, tmp_path / "mine", "int8", scorer(run, 0.001))

    card = with_section("# m\n\n## Storage\n\nold\n\n## Limits\n\nmany\n", result)

    assert (
        card.startswith("# m\n\n## Limits\n\nmany\n\n## Storage\n\nWeights") and "old" not in card
    )


def test_the_command_scores_labelled_data(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, Any]] = []

    def evaluate(data: Path, *, model: Path, **options: Any) -> dict[str, Any]:
        asked.append({"data": data, **options})
        return scorer(run, 0.5)(model)

    monkeypatch.setattr("featherdepth.api.evaluate", evaluate)
    arguments = [str(run), "-o", str(tmp_path / "mine"), "--data", "nyu", "--split", "test"]
    monkeypatch.setattr("sys.argv", ["store", *arguments])

    assert main() == 6
    assert "store: " in capsys.readouterr().err and not (tmp_path / "mine").exists()
    assert len(asked) == 2 and asked[0] == asked[1]
    assert (str(asked[0]["data"]), asked[0]["split"]) == ("nyu", "test")
    monkeypatch.setattr("sys.argv", ["store", *arguments, "--max-move", "0.6"])
    assert main() == 0
    assert "abs_rel moved by +50.00%" in capsys.readouterr().out
