"""One output file for each input file: a tar, and beside it the mark that it is complete.

    <name>.tar         what was made of the photos of one unit of work, in their order
    <name>.json        written last: where each file lies in the tar, and which photos failed
    .<name>.parts/     blocks of a unit that is being worked on; nobody else looks at them

Without its mark, or with a tar that is not as long as the mark says, a unit counts as missing.
Files take their names once they are whole: a kill leaves nothing that looks finished, and two
processes that work on one unit leave one of two equal files.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.config import read_json
from featherdepth.data.tar import BLOCK, read_member, tar_entry, whole_size
from featherdepth.errors import InputError, RunError
from featherdepth.images.atomic import atomic_file, make_folder, write_atomic

FORMAT = "featherdepth-pack-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file in a pack or part."""

    name: str
    offset: int
    """Bytes before its first one."""
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A block of a unit, written and waiting for the others."""

    number: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What a finished unit says of itself."""

    source: str
    """What identifies the input; another one makes the unit missing."""
    done: int
    """Photos of which something is in the pack."""
    failed: tuple[dict[str, str], ...]
    """`photo` and `error`, in the order of the photos."""
    entries: tuple[Entry, ...]
    bytes: int
    """Of the tar."""


def read_mark(folder: Path, name: str, source: str) -> Mark | None:
    """The mark of a finished unit; None where it is missing, of another input, or damaged."""
    mark = _parsed(folder / f"{name}.json")
    try:
        whole = (folder / f"{name}.tar").stat().st_size
    except OSError:
        return None
    return mark if mark is not None and (mark.source, mark.bytes) == (source, whole) else None


def packed_names(folder: Path, name: str) -> list[str]:
    """The files in the pack of a unit, whatever it was made of; none where there is no pack."""
    mark = _parsed(folder / f"{name}.json")
    return [] if mark is None else [entry.name for entry in mark.entries]


def is_pack(path: Path) -> bool:
    """Whether a tar, or the .json beside it, was written here: what is there of a mark says so."""
    unfinished = path.suffix == ".tar" and _part(path.parent, path.stem, 0).parent.is_dir()
    return unfinished or _parsed(path.with_suffix(".json")) is not None


def write_part(folder: Path, name: str, number: int, files: Iterable[tuple[str, bytes]]) -> Part:
    """Write the files of one block; a part of that number is replaced by its equal.

    Raises:
        RunError: no space, or the folder cannot be written; nothing is left of the part.
    """
    entries, content = [], bytearray()
    for file, body in files:
        entry = tar_entry(file, body)
        padded = len(body) + -len(body) % BLOCK
        start = len(content) + len(entry) - padded
        entries.append(Entry(name=file, offset=start, size=len(body)))
        content += entry
    path = _part(folder, name, number)
    make_folder(path.parent)
    write_atomic(path, bytes(content))
    return Part(number=number, entries=tuple(entries))


def join_parts(
    folder: Path,
    name: str,
    parts: Iterable[Part],
    *,
    source: str,
    done: int,
    failed: Iterable[dict[str, str]],
) -> Mark:
    """Make the pack of a unit out of its parts, mark it, and remove them.

    Of files with one name the first counts.

    Raises:
        RunError: no space, or a part is gone; an older pack of this name stays as it was.
    """
    entries: dict[str, Entry] = {}
    size = 0
    make_folder((folder / name).parent)
    with atomic_file(folder / f"{name}.tar") as out:
        for part in sorted(parts, key=lambda part: part.number):
            content, begin = _content(folder, name, part), 0
            for entry in part.entries:
                end = entry.offset + entry.size + -entry.size % BLOCK
                if entry.name not in entries:
                    out.write(content[begin:end])
                    place = size + entry.offset - begin
                    entries[entry.name] = Entry(name=entry.name, offset=place, size=entry.size)
                    size += end - begin
                begin = end
        out.write(bytes(whole_size(size) - size))
    mark = Mark(
        source=source,
        done=done,
        failed=tuple(failed),
        entries=tuple(entries.values()),
        bytes=whole_size(size),
    )
    write_atomic(folder / f"{name}.json", _text(mark).encode())
    shutil.rmtree(_part(folder, name, 0).parent, ignore_errors=True)
    return mark


class PackIndex:
    """Where the files of all finished packs of a folder lie: 32 bytes of memory a file.

    Args:
        suffix: of the files that are looked up, left out in their keys; keys are hexadecimal.
    """

    def __init__(self, folder: Path, suffix: str) -> None:
        self._tars: list[Path] = []
        keys, places = [np.empty(0, np.uint64)], [np.empty((0, 3), np.int64)]
        self.size_bytes = 0
        for path in sorted(folder.rglob("*.json")):
            mark = _parsed(path)
            if mark is None or path.name.startswith("."):
                continue
            found = [
                (short, entry)
                for entry in mark.entries
                if entry.name.endswith(suffix) and (short := _short(entry.name)) is not None
            ]
            number = len(self._tars)
            rows = [(number, entry.offset, entry.size) for _, entry in found]
            keys.append(np.array([short for short, _ in found], np.uint64))
            places.append(np.array(rows, np.int64).reshape(-1, 3))
            self._tars.append(path.with_suffix(".tar"))
            self.size_bytes += mark.bytes
        joined = np.concatenate(keys)
        order = np.argsort(joined, kind="stable")
        self._keys, self._places = joined[order], np.concatenate(places)[order]

    def __len__(self) -> int:
        return len(self._keys)

    def contents(self, key: str) -> Iterable[bytes]:
        """The files that may be the one of this key; their content says whether they are."""
        short = _short(key)
        if short is None:
            return
        first = int(np.searchsorted(self._keys, np.uint64(short)))
        while first < len(self._keys) and int(self._keys[first]) == short:
            number, offset, size = self._places[first].tolist()
            first += 1
            try:
                yield read_member(self._tars[number], offset, size)
            except InputError:  # the tar has been removed or cut since
                continue


def _short(name: str) -> int | None:
    try:
        return int(name[:16], 16)
    except ValueError:
        return None


def _part(folder: Path, name: str, number: int) -> Path:
    place = folder / name
    return place.with_name(f".{place.name}.parts") / f"{number:06d}"


def _content(folder: Path, name: str, part: Part) -> bytes:
    path = _part(folder, name, part.number)
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(
            f"{path}: block {part.number} of {name} is gone: {error.strerror or error}; the same"
            " command does this unit again"
        ) from error


def _text(mark: Mark) -> str:
    table: dict[str, Any] = {"format": FORMAT, **asdict(mark)}
    table["entries"] = [[entry.name, entry.offset, entry.size] for entry in mark.entries]
    return json.dumps(table, sort_keys=True) + "\n"  # ASCII: names may be no UTF-8


def _parsed(path: Path) -> Mark | None:
    try:
        table: Mapping[str, Any] = read_json(path)
        if table["format"] != FORMAT:
            return None
        entries = [Entry(name=str(n), offset=int(o), size=int(s)) for n, o, s in table["entries"]]
        return Mark(
            source=str(table["source"]),
            done=int(table["done"]),
            failed=tuple({k: str(row[k]) for k in ("photo", "error")} for row in table["failed"]),
            entries=tuple(entries),
            bytes=int(table["bytes"]),
        )
    except (InputError, LookupError, TypeError, ValueError):
        return None
