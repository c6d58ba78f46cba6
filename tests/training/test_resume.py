"""A run that was stopped and resumed ends as if nothing had happened, bit for bit."""

import json
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from featherdepth.errors import RunError
from featherdepth.training.interrupts import Interrupts
from featherdepth.training.journal import read_journal

SETTINGS = {"steps": 60, "checkpoint_every": 3, "log_every": 7}
BALLAST = 300_000  # checkpoints of 5 MB: more than half of the time goes into writing them


def words(**settings: Any) -> list[str]:
    return [f"{name}={json.dumps(value)}" for name, value in settings.items()]


def assert_same_end(tiny, ours: Path, theirs: Path) -> None:
    ours_state, theirs_state = (tiny.tensors(tiny.newest_state(f)) for f in (ours, theirs))
    assert ours_state.keys() == theirs_state.keys()
    assert [k for k in ours_state if ours_state[k] != theirs_state[k]] == []
    journals = [read_journal(f / "journal.jsonl", speed=False) for f in (ours, theirs)]
    assert journals[0] == journals[1]
    assert (theirs / "journal.jsonl").read_bytes().count(b"\n") == len(journals[1])


@pytest.fixture(scope="module")
def undisturbed(tiny_script, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = tiny_script("once", folder, *words(**SETTINGS, ballast=BALLAST))
    assert done.returncode == 0, done.stderr
    return folder


def test_kills_at_random_moments_change_no_bit(
    tiny, tiny_script, undisturbed: Path, tmp_path: Path
) -> None:
    done = tiny_script("kill", tmp_path, 6, 1, *words(**SETTINGS, ballast=BALLAST))

    assert done.returncode == 0, done.stderr
    hits = json.loads(done.stdout)
    assert hits["code"] == 0
    assert hits["started"] >= 3  # kills that came when there was something to lose
    assert_same_end(tiny, undisturbed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 10))
def test_many_kills_some_while_a_checkpoint_is_written_change_no_bit(
    tiny, tiny_script, tmp_path: Path, seed: int
) -> None:
    settings = words(steps=200, checkpoint_every=2, log_every=7, ballast=BALLAST)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    tiny_script("once", whole, *settings)

    done = tiny_script("kill", killed, 20, seed, *settings)

    hits = json.loads(done.stdout)
    assert hits["code"] == 0, done.stderr
    assert hits["kills"] >= 5
    assert hits["writing"] > 0
    assert_same_end(tiny, whole, killed)


class Signalling:
    """Batches that send this process a signal in step `step`."""

    def __init__(self, inner: Any, step: int, number: signal.Signals) -> None:
        self.inner, self.step, self.number, self.size = inner, step, number, inner.size

    def __call__(self, step: int, rank: int, world: int) -> Any:
        if step == self.step:
            os.kill(os.getpid(), self.number)
        return self.inner(step, rank, world)


def stop_in_step(tiny, folder: Path, step: int, number: signal.Signals = signal.SIGTERM) -> None:
    batches = Signalling(tiny.Batches(), step, number)
    assert tiny.guarded(lambda: tiny.train(folder, batches=batches)) == 130


@pytest.fixture
def heard() -> Iterator[None]:
    """SIGINT as a terminal's program has it, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_and_a_line_that_says_how_to_go_on(
    tiny, tmp_path: Path, number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    tiny.train(tmp_path / "whole")
    before = signal.getsignal(number)

    with caplog.at_level(logging.WARNING):
        stop_in_step(tiny, tmp_path / "stopped", 6, number)

    assert signal.getsignal(number) is before
    assert f"stopped by {number.name} after step 7; resume to go on" in caplog.text
    assert tiny.newest_state(tmp_path / "stopped")["step"] == 7
    tiny.train(tmp_path / "stopped", resume=True)
    assert_same_end(tiny, tmp_path / "whole", tmp_path / "stopped")


@pytest.mark.usefixtures("heard")
def test_the_second_signal_acts_as_usual() -> None:
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("heard")
def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)

    assert interrupts.name == ""
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_damaged_newest_checkpoint_costs_only_time(
    tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny.train(tmp_path / "whole", checkpoint_every=4)
    tiny.train(tmp_path / "damaged", checkpoint_every=4)
    newest = max((tmp_path / "damaged" / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-9])

    tiny.train(tmp_path / "damaged", checkpoint_every=4, resume=True)

    assert "damaged" in caplog.text
    newest.unlink(missing_ok=True)
    assert_same_end(tiny, tmp_path / "whole", tmp_path / "damaged")


def test_another_recipe_is_refused_and_the_first_difference_named(tiny, tmp_path: Path) -> None:
    stop_in_step(tiny, tmp_path, 6)

    with pytest.raises(RunError, match=r"another recipe: recipe\.lr was 0\.001, now 0\.002"):
        tiny.train(tmp_path, resume=True, lr=0.002)
    with pytest.raises(RunError, match="another recipe: seed was 0, now 5"):
        tiny.train(tmp_path, resume=True, extra={"seed": 5})
    with pytest.raises(RunError, match=r"another recipe: recipe\.betas is missing"):
        tiny.train(tmp_path, resume=True, extra={"recipe": {}})


def test_a_list_in_a_recipe_is_compared_by_position(tiny, tmp_path: Path) -> None:
    first = {"losses": [{"name": "a", "weight": 1.0}, {"name": "b", "weight": 1.0}]}
    second = {"losses": [{"name": "a", "weight": 1.0}, {"name": "b", "weight": 2.0}]}
    tiny.train(tmp_path, extra={"recipe": first})

    with pytest.raises(RunError, match=r"recipe\.losses\.1\.weight was 1\.0, now 2\.0"):
        tiny.train(tmp_path, resume=True, extra={"recipe": second})


def test_what_changes_no_weight_may_change(tiny, tmp_path: Path) -> None:
    tiny.train(tmp_path / "whole")
    stop_in_step(tiny, tmp_path / "stopped", 6)

    tiny.train(tmp_path / "stopped", resume=True, log_every=3, checkpoint_every=9, keep=2)

    states = [tiny.newest_state(tmp_path / f)["modules"] for f in ("whole", "stopped")]
    assert tiny.tensors(states[0]) == tiny.tensors(states[1])


def test_a_run_is_never_overwritten(tiny, tmp_path: Path) -> None:
    tiny.train(tmp_path)

    with pytest.raises(RunError, match="holds a run already"):
        tiny.train(tmp_path)


def test_resuming_nothing_starts_at_the_beginning(tiny, tmp_path: Path) -> None:
    tiny.train(tmp_path / "whole")

    tiny.train(tmp_path / "other", resume=True)

    assert_same_end(tiny, tmp_path / "whole", tmp_path / "other")


def test_a_finished_run_is_saved_again_and_not_trained(tiny, tmp_path: Path) -> None:
    tiny.train(tmp_path)
    saved = []

    tiny.train(
        tmp_path, resume=True, extra={"save": lambda model, step, figures: saved.append(step)}
    )

    assert saved == [20]
