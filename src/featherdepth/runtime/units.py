"""Work on units of photos: decode, network, write; the same steps in one process or on a cluster.

    decode_unit    a unit's photos, decoded, in blocks               CPU
    answer_block   what the network makes of a block                 opened once a process
    write_block    files, into a part of the unit's pack             CPU
    Gathering      which units are complete
    finish_unit    parts to a pack and its mark

A block is computed as a whole wherever it is computed, so that no engine and no kill changes a
result. What is done to a photo is a `Work`; this file knows nothing of it.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from featherdepth.data.packs import Part, join_parts, read_mark, write_part
from featherdepth.data.units import Unit, Units
from featherdepth.errors import InputError
from featherdepth.runtime.ahead import WORKERS, read_ahead
from featherdepth.runtime.job import JobResult

Row = tuple[int, str, str]
"""Position of a photo in its unit, its key, and why it failed."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Item:
    """A photo on its way; `content` is what the `Work` makes of it."""

    index: int
    photo: str
    content: Any


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Answer:
    """What the network made of a photo."""

    index: int
    photo: str
    content: Any = None
    skipped: bool = False
    """There already, or equal to another one."""
    error: str | None = None
    """Why the photo failed; something may still be written of it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Block:
    """Photos that are computed together, decoded."""

    unit: int
    of: Unit
    number: int
    items: list[Item]
    failed: list[Row]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Answered:
    """A block behind the network."""

    unit: int
    of: Unit
    number: int
    answers: list[Answer]
    failed: list[Row]


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A block that is on the disk."""

    unit: int
    number: int
    part: Part | None
    done: int
    skipped: int
    failed: list[Row]


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """Behind the last block of a unit."""

    unit: int
    blocks: int
    failed: list[Row] = field(default_factory=list)
    usable: bool = True
    """False: the unit could not be opened at all, and is tried again by the next run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A unit of which every block is on the disk."""

    unit: int
    parts: list[Part]
    done: int
    skipped: int
    failed: list[dict[str, str]]
    usable: bool


@runtime_checkable
class Opened(Protocol):
    """A unit that is being read."""

    @property
    def faults(self) -> list[str]:
        """What is wrong with it beside its photos."""
        ...

    def __len__(self) -> int: ...

    def read(self, position: int) -> Item:
        """Decode one photo; called from several threads.

        Raises:
            InputError: it cannot be read.
        """
        ...

    def name(self, position: int) -> str:
        """Of a photo, for people."""
        ...


@runtime_checkable
class Decoder(Protocol):
    """What decodes photos; made once in every process that does."""

    def open(self, unit: Unit) -> Opened:
        """Begin a unit.

        Raises:
            InputError: nothing in it can be used.
        """
        ...

    def trim(self, items: list[Item]) -> list[Item]:
        """Leave out of a block what nobody will compute."""
        ...


@runtime_checkable
class Work(Protocol):
    """What is done to photos, in a form that travels to other machines."""

    @property
    def folder(self) -> Path:
        """Of the packs."""
        ...

    @property
    def block(self) -> int: ...

    @property
    def identity(self) -> str:
        """Changes whenever the same photos would give something else."""
        ...

    def decoder(self) -> Decoder: ...

    def network(self) -> Callable[[list[Item]], list[Answer]]:
        """Open the network; what is returned is kept for all blocks of a process."""
        ...

    def packs(self, unit: Unit) -> bool:
        """Whether the results of a unit become one file; each photo gets its own otherwise."""
        ...

    def files(self, answer: Answer) -> list[tuple[str, bytes]]:
        """The files of one photo in a pack."""
        ...

    def store(self, answer: Answer) -> None:
        """Write the files of one photo, where there is no pack."""
        ...


def decode_unit(
    decoder: Decoder, number: int, unit: Unit, block: int, *, workers: int = WORKERS
) -> Iterator[Block | End]:
    """Yield a unit's photos in blocks, then its end; a broken photo is a row of its block."""
    try:
        opened = decoder.open(unit)
    except InputError as error:
        yield End(unit=number, blocks=0, failed=[(-1, unit.name, str(error))], usable=False)
        return
    items: list[Item] = []
    failed: list[Row] = []
    blocks = 0
    length = len(opened)
    with closing(read_ahead(range(length), opened.read, workers=workers)) as stream:
        for position, item in stream:
            if isinstance(item, InputError):
                failed.append((position, opened.name(position), str(item)))
            else:
                items.append(item)
            if (position + 1) % block == 0 or position + 1 == length:
                items = decoder.trim(items)
                yield Block(unit=number, of=unit, number=blocks, items=items, failed=failed)
                items, failed, blocks = [], [], blocks + 1
    # A fault of the unit itself, such as a cut, comes behind what could be read of it.
    faults = [(length, unit.name, fault) for fault in opened.faults]
    yield End(unit=number, blocks=blocks, failed=faults)


def answer_block(network: Callable[[list[Item]], list[Answer]], block: Block) -> Answered:
    """Compute a block.

    Raises:
        RunError: what the network cannot go on from.
    """
    answers = network(block.items)
    return Answered(
        unit=block.unit, of=block.of, number=block.number, answers=answers, failed=block.failed
    )


def write_block(work: Work, block: Answered) -> Written:
    """Bring a block to the disk.

    Raises:
        RunError: no space, or a folder that cannot be written.
    """
    answers, failed = block.answers, list(block.failed)
    part, done = None, 0
    if work.packs(block.of):
        files = [file for answer in answers if not answer.skipped for file in work.files(answer)]
        part = write_part(work.folder, block.of.name, block.number, files)
    for answer in answers:
        if answer.error is not None:
            failed.append((answer.index, answer.photo, answer.error))
        elif not answer.skipped:
            try:
                if part is None:
                    work.store(answer)
                done += 1
            except InputError as error:  # this photo's; RunError is the disk's, and ends the job
                failed.append((answer.index, answer.photo, str(error)))
    skipped = sum(answer.skipped and answer.error is None for answer in answers)
    return Written(
        unit=block.unit,
        number=block.number,
        part=part,
        done=done,
        skipped=skipped,
        failed=sorted(failed),
    )


class Gathering:
    """Puts blocks, which come in any order, and perhaps more than once, together to units."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, Written]] = {}
        self._ends: dict[int, End] = {}
        self._finished: set[int] = set()

    def add(self, message: Written | End) -> Finished | None:
        """Take note of a message; the unit is returned when it is its last."""
        unit = message.unit
        if unit in self._finished:
            return None
        blocks = self._blocks.setdefault(unit, {})
        if isinstance(message, End):
            self._ends[unit] = message
        else:
            blocks[message.number] = message
        end = self._ends.get(unit)
        if end is None or len(blocks) < end.blocks:
            return None
        self._finished.add(unit)
        del self._blocks[unit], self._ends[unit]
        written = [blocks[number] for number in sorted(blocks)]
        rows = sorted([row for block in written for row in block.failed] + end.failed)
        return Finished(
            unit=unit,
            parts=[block.part for block in written if block.part is not None],
            done=sum(block.done for block in written),
            skipped=sum(block.skipped for block in written),
            failed=[{"photo": photo, "error": error} for _, photo, error in rows],
            usable=end.usable,
        )


def finish_unit(work: Work, unit: Unit, finished: Finished) -> None:
    """Give a complete unit its pack and mark.

    Raises:
        RunError: no space, or a folder that cannot be written; the parts stay.
    """
    if work.packs(unit) and finished.usable:
        join_parts(
            work.folder,
            unit.name,
            finished.parts,
            source=mark_source(work, unit),
            done=finished.done,
            failed=finished.failed,
        )


def mark_source(work: Work, unit: Unit) -> str:
    """What a mark says its pack was made of."""
    return sha256(f"{work.identity}\n{unit.source}".encode()).hexdigest()


class Ledger:
    """What became of all units, in their order."""

    def __init__(
        self,
        work: Work,
        units: Units,
        *,
        overwrite: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._units, self._progress = units, progress
        self._done = self._skipped = self._count = self._unusable = 0
        self._failed: dict[int, list[dict[str, str]]] = {-1: units.failed}
        self.todo: list[int] = []
        """Units without a mark."""
        for number, unit in enumerate(units.units):
            mark = None
            if work.packs(unit) and not overwrite:
                mark = read_mark(work.folder, unit.name, mark_source(work, unit))
            if mark is None:
                self.todo.append(number)
            else:
                self._skipped += mark.done
                self._failed[number] = list(mark.failed)
                self._count += 1

    def add(self, finished: Finished) -> None:
        """Take note of a finished unit."""
        self._done += finished.done
        self._skipped += finished.skipped
        self._failed[finished.unit] = finished.failed
        self._count += 1
        self._unusable += not finished.usable
        if self._progress is not None:
            self._progress(self._count, len(self._units.units))

    def result(self) -> JobResult:
        """So far.

        Raises:
            InputError: there were units, and not one could be opened.
        """
        failed = [row for number in sorted(self._failed) for row in self._failed[number]]
        if 0 < self._unusable == len(self._units.units):
            raise InputError(failed[0]["error"])
        return JobResult(done=self._done, skipped=self._skipped, failed=failed)


def deal(units: Units, shard: tuple[int, int] | None) -> Units:
    """Every n-th unit, beginning with the i-th; faults of the collection go to the first."""
    if shard is None:
        return units
    first, step = shard
    return replace(
        units, units=units.units[first - 1 :: step], failed=units.failed if first == 1 else []
    )


def run_units(
    work: Work,
    units: Units,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> JobResult:
    """Do what is missing, in this process.

    Args:
        overwrite: also units that are marked as done.
        progress: called with (units finished, units in all), from this thread.

    Raises:
        RunError: no space, or what the network cannot go on from; finished units stay.
    """
    ledger = Ledger(work, units, overwrite=overwrite, progress=progress)
    if ledger.todo:
        decoder, network, gathering = work.decoder(), work.network(), Gathering()
        for number in ledger.todo:
            unit = units.units[number]
            for message in decode_unit(decoder, number, unit, work.block):
                told: Written | End
                if isinstance(message, End):
                    told = message
                else:
                    told = write_block(work, answer_block(network, message))
                if (finished := gathering.add(told)) is not None:
                    finish_unit(work, unit, finished)
                    ledger.add(finished)
    return ledger.result()
