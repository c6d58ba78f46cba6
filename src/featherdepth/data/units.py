"""How a collection is cut into units of work: a tar, a parquet file, or some photos of a folder.

Units are the same on every machine and in every run, so that what was done can be told from what
is missing, and `--shard i/n` deals them without anybody talking to anybody.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from featherdepth.config import read_json
from featherdepth.data.parquet import parquet_files
from featherdepth.data.photos import Photos
from featherdepth.data.probe import open_data, recognise
from featherdepth.data.reader import PhotoReader, Reader
from featherdepth.data.shards import INDEX, tars_of
from featherdepth.data.storage import name_below
from featherdepth.errors import InputError, UsageError
from featherdepth.types import Image, Intrinsics


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """What is worked on, written and marked as a whole."""

    name: str
    """Of its output, below the folder of all; no two units share one."""
    root: Path
    source: str
    """Changes when the input does."""
    keys: tuple[str, ...] = ()
    """Of the photos, where it is a part of the collection at `root`; all of it otherwise."""
    first: int = 0
    """Position of the first of them in the collection."""
    collection: str = ""
    """Digest of all its keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Units:
    """A collection in pieces."""

    units: list[Unit]
    failed: list[dict[str, str]] = field(default_factory=list)
    """What is known to be unusable before any work begins: `photo` and `error`."""


def list_units(root: Path, *, group: int) -> Units:
    """Cut a collection into units; tars and parquet files are not opened for it.

    Args:
        group: photos of a unit where the collection has no files of many photos.

    Raises:
        InputError: nothing there, or no photo in it.
    """
    root = root.absolute()
    name = recognise(root)
    if name == "shards":
        return _files(root, tars_of(root))
    if name == "parquet":
        return _files(root, parquet_files(root))
    reader = open_data(root)
    listed = set(reader.keys)
    failed = [{"photo": s.key, "error": s.reason} for s in reader.skipped if s.key not in listed]
    units, collection = [], _digest_all(reader)
    for number, first in enumerate(range(0, len(reader), group)):
        keys = tuple(reader.keys[first : first + group])
        units.append(
            Unit(
                name=f"photos-{number:06d}",
                root=root,
                source=_digest(reader, first, keys),
                keys=keys,
                first=first,
                collection=collection,
            )
        )
    return Units(units=units, failed=failed)


def list_all(roots: Sequence[Path]) -> Units:
    """`list_units` of several files or folders of files.

    Raises:
        InputError: no photo in one of them.
        UsageError: two files whose results would have one name.
    """
    found = [list_units(root, group=1) for root in roots]
    units = [unit for part in found for unit in part.units]
    taken: dict[str, Path] = {}
    for unit in units:
        other = taken.setdefault(unit.name.casefold(), unit.root)
        if other != unit.root:
            raise UsageError(
                f"{unit.root}: has the name of {other}; give them to two commands with two folders"
                " for the results"
            )
    return Units(units=units, failed=[row for part in found for row in part.failed])


class OpenUnit:
    """A unit that is being read.

    Raises:
        InputError: it is not there, holds no photo, or not those that were listed.
    """

    def __init__(self, unit: Unit) -> None:
        self.reader = _opened(unit.root, unit.collection) if unit.keys else open_data(unit.root)
        self.first = unit.first
        self._name = unit.name
        self._length = len(unit.keys) or len(self.reader)
        self._whole = not unit.keys
        if not self._whole and self._keys() != unit.keys:
            raise InputError(
                f"{unit.root}: other photos than where the work was dealt out; expected one folder"
                " that every machine sees, and that stays as it is meanwhile"
            )
        listed = set(self.reader.keys)
        self.faults = [s.reason for s in self.reader.skipped if self._whole and s.key not in listed]

    def __len__(self) -> int:
        return self._length

    def inside(self, position: int) -> str:
        """The key of a photo in its unit."""
        key = self.reader.keys[self.first + position]
        return key.partition("/")[2] if self._whole else key

    def name(self, position: int) -> str:
        """The key of a photo in the whole collection."""
        inside = self.inside(position)
        return f"{self._name}/{inside}" if self._whole else inside

    def image(self, position: int) -> Image:
        """A photo, decoded at full size.

        Raises:
            InputError: it cannot be read.
        """
        return self.reader[self.first + position].image

    def encoded(self, position: int) -> bytes:
        """The file of a photo of a tar, table or folder.

        Raises:
            InputError: it cannot be read.
        """
        if not isinstance(self.reader, PhotoReader):
            raise TypeError(f"photos without files: {type(self.reader).__name__}")
        return self.reader.encoded(self.first + position)

    def camera(self, position: int, image: Image) -> Intrinsics | None:
        """What lies beside a photo of a tar about its camera; None where there is nothing.

        Raises:
            InputError: the tar is not there, or has become shorter.
        """
        if not isinstance(self.reader, PhotoReader):
            return None
        return self.reader.camera(self.first + position, image)

    def _keys(self) -> tuple[str, ...]:
        return tuple(self.reader.keys[self.first : self.first + self._length])


@lru_cache(maxsize=1)
def _opened(root: Path, collection: str) -> Reader:  # noqa: ARG001 - part of the cache's key
    return open_data(root)


def _digest_all(reader: Reader) -> str:
    return hashlib.sha256("\n".join(reader.keys).encode(errors="surrogateescape")).hexdigest()


def _files(root: Path, paths: list[Path]) -> Units:
    units: list[Unit] = []
    taken: set[str] = set()
    for path in paths:
        name = name_below(root, path)
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        try:
            found = path.stat()  # many tars are equally long
            source = f"{found.st_size} bytes, {found.st_mtime_ns} ns"
        except OSError as error:
            source = str(error.strerror)  # opening it will say so
        units.append(Unit(name=name, root=path, source=source))
    return Units(units=units, failed=_missing(root, {path.name for path in paths}))


def _missing(root: Path, names: set[str]) -> list[dict[str, str]]:
    """Tars that the list beside them names, and that are not there."""
    if not (root / INDEX).is_file():
        return []
    try:
        listed = [str(row["name"]) for row in read_json(root / INDEX)["shards"]]
    except (InputError, LookupError, TypeError):
        return []
    reason = f"missing in {root.name}, though {INDEX} lists it"
    return [
        {"photo": Path(name).stem, "error": f"{name}: {reason}"}
        for name in listed
        if name not in names
    ]


def _digest(reader: Reader, first: int, keys: tuple[str, ...]) -> str:
    files: list[tuple[int, int]] = []
    if isinstance(reader, Photos):
        places = range(first, first + len(keys))
        files = [(reader.size_bytes(index), reader.modified_ns(index)) for index in places]
    return hashlib.sha256(json.dumps([keys, files]).encode()).hexdigest()
