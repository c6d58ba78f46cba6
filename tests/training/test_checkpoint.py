"""A checkpoint is whole, or it is not there."""

import errno
import io
import logging
import os
from pathlib import Path

import pytest
import torch

from featherdepth.errors import RunError
from featherdepth.training.checkpoint import Checkpoints, _Sink


def filled(folder: Path, steps: int, keep: int = 3) -> Checkpoints:
    checkpoints = Checkpoints(folder, keep)
    for step in range(1, steps + 1):
        checkpoints.write(step, {"step": step, "weight": torch.full((1000,), float(step))})
    return checkpoints


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_the_newest_comes_back_and_only_the_last_few_stay(tmp_path: Path) -> None:
    checkpoints = filled(tmp_path, 5)

    state = checkpoints.newest()

    assert state is not None
    assert state["step"] == 5
    assert torch.equal(state["weight"], torch.full((1000,), 5.0))
    assert [p.name[:14] for p in checkpoints.paths()] == [f"step-{n:09d}" for n in (5, 4, 3)]
    assert len(list(tmp_path.iterdir())) == 3


def test_numbers_order_checkpoints_not_the_time_of_writing(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, 3)
    for step in (100_000, 20_000):
        checkpoints.write(step, {"step": step})

    state = checkpoints.newest()

    assert state is not None
    assert state["step"] == 100_000


@pytest.mark.parametrize("fault", [damage, lambda path: os.truncate(path, 100)])
def test_a_damaged_one_falls_back_to_the_one_before_with_a_warning(
    tmp_path: Path, fault, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = filled(tmp_path, 3)
    fault(checkpoints.paths()[0])

    with caplog.at_level(logging.WARNING):
        state = checkpoints.newest()

    assert state is not None
    assert state["step"] == 2
    assert "step-000000003" in caplog.text
    assert "damaged" in caplog.text


def test_nothing_whole_is_an_error_and_nothing_at_all_is_none(tmp_path: Path) -> None:
    checkpoints = filled(tmp_path / "run", 2)
    for path in checkpoints.paths():
        damage(path)

    with pytest.raises(RunError, match="no checkpoint is whole"):
        checkpoints.newest()
    assert Checkpoints(tmp_path / "other", 3).newest() is None


def test_what_a_kill_left_half_written_is_not_looked_at(tmp_path: Path) -> None:
    checkpoints = filled(tmp_path, 1)
    (tmp_path / ".writing.pt").write_bytes(b"half")

    state = checkpoints.newest()
    checkpoints.write(2, {"step": 2})

    assert state is not None
    assert state["step"] == 1
    assert not (tmp_path / ".writing.pt").exists()


class Bomb:
    def __reduce__(self) -> object:
        return (Path.touch, (Path("exploded"),))


def test_a_checkpoint_never_runs_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoints = Checkpoints(tmp_path, 3)
    checkpoints.write(1, {"bomb": Bomb()})

    with caplog.at_level(logging.WARNING), pytest.raises(RunError):
        checkpoints.newest()

    assert "more than numbers, text and tensors" in caplog.text
    assert not (tmp_path / "exploded").exists()


def test_a_failed_write_leaves_the_earlier_ones_alone(tmp_path: Path) -> None:
    checkpoints = filled(tmp_path, 2)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    (tmp_path / ".writing.pt").mkdir()  # stands in the way of the temporary file

    with pytest.raises(RunError, match=r"cannot write the checkpoint of step 3: .*step-000000002"):
        checkpoints.write(3, {"step": 3})

    (tmp_path / ".writing.pt").rmdir()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


class FullForAMoment(io.BytesIO):
    """A disk on which the second write fails, and the others do not."""

    writes = 0

    def write(self, data: object) -> int:
        self.writes += 1
        if self.writes == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)  # type: ignore[arg-type]


def test_a_hole_in_a_checkpoint_is_an_error_though_later_writes_succeed() -> None:
    sink = _Sink(FullForAMoment())

    torch.save({"weight": torch.zeros(1000)}, sink)  # type: ignore[arg-type]

    with pytest.raises(OSError, match="No space left"):
        sink.finish()
