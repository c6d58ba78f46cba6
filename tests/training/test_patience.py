"""A run that watches a figure keeps the best weights and stops when nothing gets better."""

import math
from pathlib import Path

import pytest
from torch import nn

from featherdepth.errors import RunError, UsageError
from featherdepth.training.journal import read_journal
from featherdepth.training.patience import Patience


def test_only_a_lower_figure_is_better() -> None:
    patience = Patience("rms", limit=2)

    taken = [patience.improves(step, {"rms": r}) for step, r in enumerate([0.5, 0.5, 0.4, 0.45])]

    assert taken == [True, False, True, False]
    assert (patience.best, patience.step, patience.stale) == (0.4, 2, 1)
    assert not patience.exhausted


def test_of_delta1_only_a_higher_figure_is_better() -> None:
    patience = Patience("delta1", limit=2)

    taken = [
        patience.improves(step, {"delta1": r}) for step, r in enumerate([0.5, 0.4, 0.6, math.nan])
    ]

    assert taken == [True, False, True, False]
    assert (patience.step, patience.figures) == (2, {"delta1": 0.6})


@pytest.mark.parametrize(
    ("figures", "known"), [({"rms": 0.5, "delta1": 0.9}, "rms, delta1"), ({}, "nothing")]
)
def test_a_figure_that_is_not_there_is_one_line(figures: dict[str, float], known: str) -> None:
    with pytest.raises(UsageError, match=f"loop.watch: 'rmse' is not validated; expected {known}"):
        Patience("rmse").improves(0, figures)


def test_a_figure_that_is_not_a_number_is_never_the_best() -> None:
    patience = Patience("rms", limit=1)

    assert not patience.improves(0, {"rms": math.nan})
    assert patience.exhausted


def test_without_a_figure_the_newest_weights_are_the_best() -> None:
    patience = Patience(limit=1)

    assert all(patience.improves(step, {}) for step in range(3))
    assert patience.step == 2
    assert not patience.exhausted


def test_what_was_seen_survives_a_checkpoint() -> None:
    patience, other = Patience("rms", limit=2), Patience("rms", limit=2)
    patience.improves(0, {"rms": 0.5})
    patience.improves(1, {"rms": 0.6})

    other.load_state_dict(patience.state_dict())

    assert other == patience


class Figures:
    """A validation whose figure falls to step 8 and rises after it; notes what was saved."""

    def __init__(self) -> None:
        self.step = -2
        self.saved: list[int] = []

    def validate(self, model: nn.Module) -> dict[str, float]:
        self.step += 2
        return {"rms": abs(self.step - 8) / 10}

    def save(self, model: nn.Module, step: int, figures: dict[str, float]) -> None:
        assert figures == {"rms": abs(step - 8) / 10}
        self.saved.append(step)


WATCHING = {"watch": "rms", "validate_every": 2, "patience": 3, "checkpoint_every": 3}


def test_a_run_stops_after_its_patience_and_keeps_the_best(tiny, tmp_path: Path) -> None:
    figures = Figures()
    extra = {"validate": figures.validate, "save": figures.save}

    outcome = tiny.train(tmp_path, extra=extra, **WATCHING)

    assert (outcome.step, outcome.best_step) == (14, 8)
    assert outcome.figures == {"rms": 0.0}
    assert figures.saved == [0, 2, 4, 6, 8]
    steps = [
        line["step"] for line in read_journal(tmp_path / "journal.jsonl") if "loss" not in line
    ]
    assert steps[0] == 0
    assert max(steps) == 14


def test_a_run_that_stopped_early_is_not_trained_further_by_a_resume(tiny, tmp_path: Path) -> None:
    figures = Figures()
    tiny.train(tmp_path, extra={"validate": figures.validate, "save": figures.save}, **WATCHING)
    before = {p.name for p in (tmp_path / "checkpoints").iterdir()}

    again = tiny.train(
        tmp_path, extra={"validate": lambda model: {"rms": 9.0}}, resume=True, **WATCHING
    )

    assert (again.step, again.best_step, again.figures) == (14, 8, {"rms": 0.0})
    assert {p.name for p in (tmp_path / "checkpoints").iterdir()} == before


def test_how_often_is_looked_matters_to_a_run_that_watches(tiny, tmp_path: Path) -> None:
    figures = Figures()
    extra = {"validate": figures.validate, "save": figures.save}
    tiny.train(tmp_path, extra=extra, steps=6, watch="rms", validate_every=2)

    with pytest.raises(RunError, match="validate_every"):
        tiny.train(tmp_path, extra=extra, steps=6, watch="rms", validate_every=3, resume=True)
