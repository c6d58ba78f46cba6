"""A finished run of the experiment counts only for what made it."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tools.ablation.__main__ import Experiment, main
from tools.ablation.done import is_done, made_by, write_done

from featherdepth import api
from featherdepth.errors import RunError


@pytest.fixture(scope="module")
def model(make_model: Callable[..., Path]) -> Path:
    return make_model("fast", graph=False)


@pytest.fixture
def begin(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Experiment]:
    """Experiments on one folder that train nothing and tell into `told`."""
    monkeypatch.setenv("FEATHERDEPTH_DATA", str(tmp_path))
    monkeypatch.setattr(api, "distill", lambda *_, **__: {"step": 3})
    (tmp_path / "runs" / "photos" / "target").mkdir(parents=True)

    def start(**changes: Any) -> Experiment:
        usual = {"domain": "rooms", "set": [], "teacher": model, "student": model, "begin": None}
        folders = {"folder": tmp_path / "runs", "scenes": tmp_path, "results": tmp_path / "told"}
        return Experiment(argparse.Namespace(**{**usual, "threads": 1, **folders, **changes}))

    return start


def run_first(experiment: Experiment) -> Path:
    """Run the first row; its done.json."""
    row = experiment.domain.rows[0]
    folder = experiment.path(row.name)
    folder.mkdir(exist_ok=True)
    experiment.row(row, 0)
    return folder / "done.json"


def test_a_row_that_is_done_is_not_run_again(
    begin: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_first(begin())
    monkeypatch.setattr(api, "distill", lambda *_, **__: pytest.fail("ran again"))

    run_first(begin())

    found = json.loads(done.read_text())
    assert found["step"] == 3
    assert found["made_by"]["recipe"]["losses"][0] == {"name": "channel_kl"}
    assert found["made_by"]["models"]["teacher"]["sha256"]


def test_another_set_is_refused_and_nothing_is_lost(begin: Callable[..., Experiment]) -> None:
    done = run_first(begin())
    before = done.read_text()

    with pytest.raises(RunError, match=r"ours: finished with no set.0, now set.0 'steps=9'"):
        run_first(begin(set=["steps=9"]))
    assert done.read_text() == before


def test_another_row_under_the_name_is_refused_and_not_told(
    begin: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_first(begin())
    later = begin()
    later.domain.rows[0].losses[1]["points"] = 7
    monkeypatch.setattr(api, "reproduce", lambda *_, **__: pytest.fail("told"))

    expected = r"finished with recipe.losses.1.points 1024, now recipe.losses.1.points 7"
    with pytest.raises(RunError, match=expected):
        run_first(later)
    with pytest.raises(RunError, match=expected):
        later.tell()


def test_another_teacher_is_refused(
    begin: Callable[..., Experiment], model: Path, tmp_path: Path
) -> None:
    run_first(begin())
    other = tmp_path / "other"
    other.mkdir()
    config = json.loads((model / "config.json").read_text()) | {"sha256": "0" * 64}
    (other / "config.json").write_text(json.dumps(config))

    with pytest.raises(RunError, match=r"models\.teacher\.name"):
        run_first(begin(teacher=other))


def test_rows_with_changes_of_their_own_are_told_together(
    begin: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(api, "reproduce", lambda *_, models, **__: told.append(set(models)))
    run_first(begin(set=["steps=9"]))

    begin().tell()

    assert told == [{"teacher", "student", "ours"}]


def test_a_row_goes_on_from_the_student_of_another_one_once_that_is_done(
    begin: Callable[..., Experiment], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = begin()
    second = replace(experiment.domain.rows[0], name="second", begins="ours")
    starts: list[Path] = []
    monkeypatch.setattr(api, "distill", lambda *_, init, **__: starts.append(Path(init)) or {})
    (experiment.folder / "second").mkdir()

    with pytest.raises(RunError, match=r"ours: not finished, and second goes on from it"):
        experiment.row(second, 0)
    assert starts == []

    run_first(experiment)
    experiment.row(second, 0)

    assert starts == [model, experiment.path("ours")]


def test_a_row_may_begin_at_kept_weights_in_place_of_the_other_row(
    begin: Callable[..., Experiment],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = tmp_path / "kept"
    kept.symlink_to(model)
    experiment = begin(begin=kept)
    second = replace(experiment.domain.rows[0], name="second", begins="ours")
    starts: list[Path] = []
    monkeypatch.setattr(api, "distill", lambda *_, init, **__: starts.append(Path(init)) or {})
    (experiment.folder / "second").mkdir()

    experiment.row(second, 0)

    assert starts == [kept]
    made = json.loads((experiment.folder / "second" / "done.json").read_text())["made_by"]
    assert made["models"]["student"]["name"] == "kept"


def test_what_was_done_before_it_was_noted_what_made_it_counts(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text("steps = 3\n")
    (tmp_path / "done.json").write_text("{}")

    assert is_done(tmp_path, made_by(recipe, [], [], models={}))


def test_a_start_that_is_no_longer_there_is_not_asked_for(model: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text("steps = 3\n")
    write_done(tmp_path, {}, made_by(recipe, [], [], models={"init": model}))

    assert is_done(tmp_path, made_by(recipe, [], [], models={"init": tmp_path / "gone"}))
    assert not is_done(tmp_path / "gone", made_by(recipe, [], [], models={}))


def test_without_the_data_it_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FEATHERDEPTH_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["ablation", str(tmp_path)])

    assert main() == 2
    assert capsys.readouterr().err == (
        "ablation: FEATHERDEPTH_DATA is not set; expected the data folder\n"
    )


def test_features_come_before_the_row_and_it_begins_with_them(
    begin: Callable[..., Experiment], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(api, "distill", lambda *_, **given: asked.update(given) or {})

    def train(recipe: Path, folder: Path, *, init: str, **given: Any) -> dict[str, Any]:
        folder.mkdir()
        asked.update(features=recipe.name, begun_from=init, keys=given["assignments"])
        return {}

    monkeypatch.setattr(api, "train", train)
    experiment = begin(begin=model)
    row = replace(experiment.domain.rows[0], begins="other", features={"steps": 5}, mirrored=True)

    (tmp_path / "runs" / row.name).mkdir()
    experiment.row(row, 0)

    own = tmp_path / "runs" / "ours-features"
    assert (asked["features"], asked["begun_from"]) == ("features.toml", str(model))
    assert "steps=5" in asked["keys"]
    assert (own / "done.json").is_file()
    assert asked["init"] == str(own)
    assert asked["teacher"] == f"mean:{model}"
    assert asked["cache"].name == "target-mirrored"
