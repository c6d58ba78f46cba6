"""Which units are complete, and what became of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from featherdepth.data.packs import read_mark
from featherdepth.data.units import Unit, Units
from featherdepth.errors import InputError
from featherdepth.runtime.job import JobResult
from featherdepth.runtime.work import End, Finished, Work, Written


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
        return gathered([blocks[number] for number in sorted(blocks)], end)


def gathered(written: Sequence[Written], end: End) -> Finished:
    """A unit of all of its blocks, in their order."""
    rows = sorted([row for block in written for row in block.failed] + end.failed)
    return Finished(
        unit=end.unit,
        parts=[block.part for block in written if block.part is not None],
        done=sum(block.done for block in written),
        skipped=sum(block.skipped for block in written),
        failed=[{"photo": photo, "error": error} for _, photo, error in rows],
        usable=end.usable,
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
