"""What is done to photos, as values that travel between processes and machines.

A `Work` says how a photo is decoded, computed and written; `runtime.units` puts the steps together
and knows nothing of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from featherdepth.data.packs import Part
from featherdepth.data.units import Unit

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


Compute = Callable[[list[Item]], list[Answer]]
"""The network, as it is opened once in a process."""


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

    def network(self) -> Compute:
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
