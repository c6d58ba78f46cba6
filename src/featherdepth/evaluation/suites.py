"""Suites: tables of a publication as data, and where under a data root their data sets lie.

A suite says which rows and data sets a published table has, what it printed, and by which protocol
each is scored here. `evaluation/reproduce.py` fills it in.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from featherdepth.completion import parse_method
from featherdepth.config import from_table, read_toml
from featherdepth.data.manifest import MANIFEST
from featherdepth.data.patterns.grammar import parse as parse_pattern
from featherdepth.data.photos import Photos
from featherdepth.data.probe import open_data
from featherdepth.data.reader import Reader
from featherdepth.data.shards import Shards
from featherdepth.errors import FeatherDepthError, InputError, UsageError
from featherdepth.evaluation.completion import MEASURED
from featherdepth.metrics.map_measures import DECLARED
from featherdepth.metrics.protocols import load_protocol

SHIPPED = Path(__file__).parent.parent / "recipes" / "suites"
"""Suites that come with the package, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a data set may lie under the root, and how it is read there."""

    folders: tuple[str, ...] = ()
    """Names of folders of the root; case, `-` and `_` do not matter."""
    manifest: bool = False
    """The root itself, where it has a manifest with that split."""
    split: str | None = None
    reader: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    """How this differs from the data of the table."""

    def __post_init__(self) -> None:
        if bool(self.folders) == self.manifest:
            raise ValueError("a place needs folders, or manifest = true, not both")

    def under(self, root: Path) -> list[Path]:
        """The folders of `root` that this may be, in the order of `folders`."""
        if self.manifest:
            return [root] if (root / MANIFEST).is_file() else []
        there = sorted(path for path in root.iterdir() if path.is_dir())
        return [
            path for name in self.folders for path in there if _plain(path.name) == _plain(name)
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """A data set of a table."""

    name: str
    title: str
    protocol: str
    fills: str
    """What to put there, for those who do not have it."""
    pattern: str = ""
    """Of the points that completion gets, in tables of completion."""
    places: tuple[Place, ...]

    def __post_init__(self) -> None:
        if not self.places:
            raise ValueError("a data set needs one or more places")
        load_protocol(self.protocol)


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteRow:
    """A row of a table."""

    name: str
    title: str
    model: str = ""
    """A reference to a model, or the name of a network in a table of sizes; empty where users bring
    their own. In tables of completion the first stage, or a published system."""
    method: str = ""
    """Of completion, behind the first stage."""
    size: tuple[int, int] | None = None
    """(height, width) of its network's input, over that of all rows."""
    fills: str = ""
    """What to give for it, for those who do not have it."""
    poster: dict[str, Any] = field(default_factory=dict)
    """What was published: measure -> value for sizes; data set -> measure -> value for accuracy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """A published table."""

    title: str
    source: str
    kind: Literal["sizes", "accuracy", "completion"]
    rows: tuple[SuiteRow, ...]
    measures: tuple[str, ...] = ()
    data: tuple[DataSet, ...] = ()
    pair: tuple[str, str] | None = None
    """(student, teacher): rows between which the gap is that other rows close."""

    def __post_init__(self) -> None:
        names = [row.name for row in self.rows]
        if not names or len(set(names)) < len(names):
            raise ValueError("rows need names, each its own")
        if self.kind != "sizes" and not (self.data and self.measures):
            raise ValueError(f"a table of {self.kind} needs measures and [[data]]")
        for row in self.rows:
            if row.method:
                parse_method(row.method)
        for wanted in self.data:
            if (self.kind == "completion") != bool(wanted.pattern):
                raise ValueError(f"{wanted.name}: a pattern goes with a table of completion")
            if wanted.pattern not in ("", MEASURED):
                parse_pattern(wanted.pattern)
        for measure in self.measures:
            if measure not in DECLARED:
                raise ValueError(f"unknown measure {measure!r}; known: {', '.join(DECLARED)}")
        if self.pair and not set(self.pair) <= set(names):
            raise ValueError(f"pair names {', '.join(self.pair)}; rows are {', '.join(names)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A data set that is there."""

    reader: Reader
    note: str


def read_suite(name: str | Path) -> Suite:
    """Read a suite: a `.toml` file, or the name of one that comes with the package.

    Raises:
        UsageError: no such suite, or a key, name or value that does not fit.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = SHIPPED / f"{name}.toml"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
            raise UsageError(
                f"suite {str(name)!r}: no such suite; expected a .toml file or {known}"
            )
    return from_table(Suite, read_toml(path), path.name)


def find_data(wanted: DataSet, root: Path, *, at: Path | None = None) -> Found | None:
    """Open the first place of a data set that is there; None if none is.

    Args:
        root: holds folders of data sets, or a manifest, or both.
        at: where this data set lies, in place of the folders of `root`.

    Raises:
        InputError: a folder of its name is there and cannot be read as this data set.
    """
    refused: dict[str, str] = {}
    for place in wanted.places:
        folders = place.under(root) if at is None else [at] * (not place.manifest)
        for folder in folders:
            try:
                reader = open_data(folder, place.split, reader=place.reader, **place.options)
            except FeatherDepthError as error:
                if not place.manifest:  # another manifest may simply have no such split
                    refused.setdefault(folder.name, str(error))
                continue
            if not isinstance(reader, Photos | Shards):
                return Found(reader=reader, note=place.note)
            refused.setdefault(folder.name, f"has photos without depth; expected {wanted.fills}")
    if refused:
        name, reason = next(iter(refused.items()))
        raise InputError(f"{wanted.title}: {name!r} cannot be read as this: {reason}")
    return None


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
