"""What runs on the workers: decode, network, write. Each is opened once in its process."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth import errors
from featherdepth.cluster import attempts
from featherdepth.data.units import Unit
from featherdepth.errors import FeatherDepthError
from featherdepth.runtime.units import (
    answer_block,
    decode_unit,
    do_unit,
    finish_unit,
    write_block,
)
from featherdepth.runtime.work import Answered, Block, End, Finished, Work

Batch = dict[str, Any]
"""Of Ray Data: here one row with one column, `message`."""
THREADS = 2
"""That read ahead in a process that decodes, and that encode in one that writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something that ends the job, on its way to where the job was started."""

    error: str
    """Name of its class in `featherdepth.errors`."""
    text: str
    host: str

    def raised(self) -> FeatherDepthError:
        """The error, as if it had happened here."""
        cls: type[FeatherDepthError] = getattr(errors, self.error)
        return cls(f"{self.text} (on {self.host})")


def fault_of(error: FeatherDepthError) -> Fault:
    """An error in a form that travels."""
    return Fault(error=type(error).__name__, text=str(error), host=socket.gethostname())


def as_batch(message: Any) -> Batch:
    """One row that holds one object."""
    column = np.empty(1, object)
    column[0] = message
    return {"message": column}


class _Worker:
    """What lasts as long as its process.

    A model that cannot be opened is told with the first block instead of raised: Ray would try
    again for ever. Names of files are those of where the job was started.
    """

    def __init__(self, work: Work, opened: Callable[[], Any], home: Path) -> None:
        self._work = work
        self._fault: Fault | None = None
        with contextlib.suppress(OSError):  # no such folder here: absolute names are still right
            os.chdir(home)
        try:
            self._opened = opened()
        except FeatherDepthError as error:
            self._fault = fault_of(error)


class UnitWorker(_Worker):
    """All of a unit in one process: between CPUs, handing photos on costs more than it gains."""

    def __init__(self, work: Work, home: Path) -> None:
        super().__init__(work, lambda: (work.decoder(), work.network()), home)

    def do(self, number: int, unit: Unit) -> Finished | Fault:
        """`do_unit`, with what is wrong as a value."""
        if self._fault is not None:
            return self._fault
        work, (decoder, network) = self._work, self._opened
        try:
            # Once more than a block: where one ends the worker each time, that is what is named.
            attempts.begin(work.folder, unit.name, "decoding", most=attempts.MOST + 1)
            finished = do_unit(
                work, decoder, network, number, unit, workers=THREADS, begin=self._begin
            )
        except FeatherDepthError as error:
            return fault_of(error)
        attempts.forget(work.folder, unit.name)
        return finished

    def _begin(self, block: Block) -> None:
        attempts.begin(self._work.folder, block.of.name, f"block {block.number}")


class _Stage(_Worker):
    """One of three that photos go through."""

    def __call__(self, batch: Batch) -> Iterator[Batch]:
        try:
            if self._fault is not None:
                yield as_batch(self._fault)
                return
            for message in self._messages(batch):
                yield as_batch(message)
        except FeatherDepthError as error:
            yield as_batch(fault_of(error))

    def _messages(self, batch: Batch) -> Iterator[Any]:
        raise NotImplementedError


class DecodeStage(_Stage):
    """A unit to blocks of decoded photos."""

    def __init__(self, work: Work, home: Path) -> None:
        super().__init__(work, work.decoder, home)

    def _messages(self, batch: Batch) -> Iterator[Block | End]:
        for number, unit in batch["message"]:
            attempts.begin(self._work.folder, unit.name, "decoding")
            yield from decode_unit(self._opened, number, unit, self._work.block, workers=THREADS)


class NetworkStage(_Stage):
    """Decoded photos to maps."""

    def __init__(self, work: Work, home: Path) -> None:
        super().__init__(work, work.network, home)

    def _messages(self, batch: Batch) -> Iterator[Answered | End | Fault]:
        for message in batch["message"]:
            if isinstance(message, Block):
                attempts.begin(self._work.folder, message.of.name, f"block {message.number}")
                yield answer_block(self._opened, message)
            else:
                yield message


def write(batch: Batch, work: Work) -> Batch:
    """Maps to the disk; what passes on is small."""
    (message,) = batch["message"]
    if not isinstance(message, Answered):
        return as_batch(message)
    try:
        return as_batch(write_block(work, message))
    except FeatherDepthError as error:
        return as_batch(fault_of(error))


def finish(work: Work, unit: Unit, finished: Finished) -> Fault | None:
    """`finish_unit`, on a worker."""
    try:
        finish_unit(work, unit, finished)
        attempts.forget(work.folder, unit.name)
    except FeatherDepthError as error:
        return fault_of(error)
    return None
