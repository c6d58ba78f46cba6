"""What travels between workers: faults keep their class, and one block is one row."""

from pathlib import Path
from typing import Any

import pytest

from featherdepth.cluster.stages import DecodeStage, Fault, NetworkStage, as_batch, fault_of, write
from featherdepth.data.units import Unit
from featherdepth.errors import RunError, WeightsError
from featherdepth.runtime.work import Answer, Answered, Block, End, Item, Written


class SumWork:
    """Adds one to numbers."""

    block, identity = 2, ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def decoder(self) -> Any:
        raise WeightsError("no such weights")

    def network(self) -> Any:
        return lambda items: [
            Answer(index=i.index, photo=i.photo, content=i.content + 1) for i in items
        ]

    def packs(self, unit: Unit) -> bool:
        return True

    def files(self, answer: Answer) -> list[tuple[str, bytes]]:
        if answer.content == 7:
            raise RunError("cannot write it: No space left on device")
        return [(answer.photo, str(answer.content).encode())]

    def store(self, answer: Answer) -> None:
        raise NotImplementedError


def block(unit: Unit, content: int) -> Block:
    item = Item(index=0, photo="a", content=content)
    return Block(unit=0, of=unit, number=0, items=[item], failed=[])


def answered(unit: Unit, content: int) -> Answered:
    answer = Answer(index=0, photo="a", content=content)
    return Answered(unit=0, of=unit, number=0, answers=[answer], failed=[])


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(name="u", root=tmp_path, source="")


def test_a_fault_arrives_as_what_it_was_and_says_where(tmp_path: Path) -> None:
    fault = fault_of(WeightsError("w.safetensors: damaged"))

    assert isinstance(fault.raised(), WeightsError)
    assert str(fault.raised()) == f"w.safetensors: damaged (on {fault.host})"


def test_a_model_that_cannot_be_opened_is_told_with_the_first_block(
    tmp_path: Path, unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # and back
    stage = DecodeStage(SumWork(tmp_path), tmp_path)

    (batch,) = stage(as_batch((0, unit)))

    (fault,) = batch["message"]
    assert isinstance(fault, Fault) and fault.error == "WeightsError"


def test_blocks_are_computed_and_ends_and_faults_pass_by(
    tmp_path: Path, unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = NetworkStage(SumWork(tmp_path), tmp_path)
    end, fault = End(unit=0, blocks=1), Fault(error="RunError", text="x", host="h")

    found = [next(iter(stage(as_batch(m))))["message"][0] for m in (block(unit, 2), end, fault)]

    assert isinstance(found[0], Answered) and found[0].answers[0].content == 3
    assert found[1] is end and found[2] is fault
    assert [write(as_batch(m), SumWork(tmp_path))["message"][0] for m in (end, fault)] == [
        end,
        fault,
    ]


def test_writing_gives_a_part_or_says_why_not(tmp_path: Path, unit: Unit) -> None:
    work = SumWork(tmp_path)

    (told,) = write(as_batch(answered(unit, 3)), work)["message"]
    (fault,) = write(as_batch(answered(unit, 7)), work)["message"]

    assert isinstance(told, Written) and told.part is not None
    assert [entry.name for entry in told.part.entries] == ["a"]
    assert isinstance(fault, Fault) and isinstance(fault.raised(), RunError)
    assert "No space left on device (on " in str(fault.raised())


def test_a_block_that_is_begun_too_often_ends_the_job(
    tmp_path: Path, unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = NetworkStage(SumWork(tmp_path), tmp_path)

    found = [next(iter(stage(as_batch(block(unit, 2)))))["message"][0] for _ in range(7)]

    assert [isinstance(message, Fault) for message in found] == [False] * 6 + [True]
    assert "u: block 0 ended its worker 6 times" in found[-1].text
