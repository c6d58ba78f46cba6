"""Two real processes train as one does."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from featherdepth.training.journal import read_journal
from featherdepth.training.processes import Processes


@pytest.fixture(scope="module")
def folders(tiny, environment, tmp_path_factory) -> tuple[Path, Path]:
    """The same two runs by one process and by two."""
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    tiny.shares(alone)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, tiny.__file__, "shares", str(together)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (together / "rank1.pt").exists()  # there were two
    return alone, together


def assert_close(ours: dict[str, Tensor], theirs: dict[str, Tensor], relative: float) -> None:
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        largest = value.abs().max().item() if value.numel() else 0.0
        torch.testing.assert_close(
            value, theirs[name], rtol=0, atol=relative * largest + 1e-12, msg=name
        )


def test_gradients_are_those_of_one_process_though_shares_and_masks_differ(
    tiny, folders: tuple[Path, Path]
) -> None:
    # Adam's first moment is a sum of gradients. 7 images are 4 + 3; truth is known for 4 + 1.
    alone, together = (tiny.newest_state(f / "frozen")["optimizer"]["state"] for f in folders)

    for place, state in alone.items():
        assert_close(
            {"gradient": state["exp_avg"]}, {"gradient": together[place]["exp_avg"]}, relative=1e-4
        )


def test_weights_and_their_average_are_those_of_one_process(
    tiny, folders: tuple[Path, Path]
) -> None:
    # Float32 sums in another order: differences of 1e-6 of the value, which Adam may enlarge.
    alone, together = (tiny.newest_state(f / "frozen") for f in folders)

    assert_close(alone["modules"][0], together["modules"][0], relative=1e-4)
    assert_close(alone["average"]["module"], together["average"]["module"], relative=1e-4)


def test_the_journal_tells_of_the_global_batch(folders: tuple[Path, Path]) -> None:
    alone, together = (read_journal(f / "frozen" / "journal.jsonl", speed=False) for f in folders)

    assert len(alone) == len(together) == 1
    for name, loss in alone[0]["losses"].items():
        assert together[0]["losses"][name] == pytest.approx(loss, rel=1e-5), name
    assert together[0]["total"] == pytest.approx(alone[0]["total"], rel=1e-5)
    assert together[0]["grad_norm"] == pytest.approx(alone[0]["grad_norm"], rel=1e-5)


def test_processes_stay_equal_and_share_batchnorm_statistics(folders: tuple[Path, Path]) -> None:
    alone = torch.load(folders[0] / "rankalone.pt", weights_only=True)
    first, second = (torch.load(folders[1] / f"rank{r}.pt", weights_only=True) for r in (0, 1))

    assert all(torch.equal(first[name], second[name]) for name in first)
    # Equal shares: the mean of their means is the mean of the whole batch.
    torch.testing.assert_close(first["encoder.1.running_mean"], alone["encoder.1.running_mean"])


def test_alone_nothing_is_summed() -> None:
    processes = Processes("cpu")
    values = torch.tensor([1.0, 2.0])

    assert processes.first
    assert processes.world == 1
    assert processes.sum_(values).tolist() == [1.0, 2.0]
    assert (processes.any(True), processes.any(False)) == (True, False)


def test_each_process_leaves_the_group_before_the_interpreter_ends(folders) -> None:
    # Threads of a group that is still there then end a finished run in SIGABRT, now and again.
    _, together = folders

    assert [(together / f"group{rank}.txt").read_text() for rank in (0, 1)] == ["left", "left"]
