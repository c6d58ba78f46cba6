"""What lies where in a tar file, without unpacking it, and how one is written.

The headers are read by the standard library, the contents only when asked for, by offset. A tar
may come from anywhere: only regular files with names that stay inside count, no header may ask for
much memory, and a file that was cut gives what is whole and one sentence about the rest.
"""

import os
import tarfile
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from featherdepth.data.storage import MAX_BYTES, is_inside
from featherdepth.errors import InputError

BLOCK = 512
RECORD = 20 * BLOCK
"""Tars end at a multiple of this, with two blocks of zeros or more."""
LARGEST_HEADER = 1 << 20
"""Bytes of one long name or list of attributes; a thousand times what files have."""
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.GNUTYPE_SPARSE)
LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE)
FAULTS = (tarfile.TarError, OSError, ValueError, OverflowError, RecursionError)
"""What the standard library raises on damaged headers."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a tar."""

    name: str
    offset: int
    """Bytes from the start of the tar to the file's first byte."""
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a tar holds."""

    members: list[Member] = field(default_factory=list)
    """Whole regular files, in their order."""
    fault: str | None = None
    """What is wrong with the tar; what comes before that place is in `members`."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Names of files and links that are not read, and why."""


def list_tar(path: Path) -> Contents:
    """Find the files in a tar; reads its headers only."""
    contents = Contents()
    try:
        with path.open("rb") as file:
            fault = _scan(file, contents)
    except FAULTS as error:
        fault = f"damaged header: {' '.join(str(error).split()) or type(error).__name__}"
        fault = getattr(error, "strerror", None) or fault
    if fault is None:
        return contents
    count = len(contents.members)
    whole = f"; its first {count} files are whole" if count else ""
    return replace(contents, fault=f"{path.name}: {fault}{whole}; expected a whole plain tar")


def read_member(path: Path, offset: int, size: int) -> bytes:
    """The bytes of one file. Opens the tar anew: any thread or process may read at any time.

    Raises:
        InputError: the tar is not there, or has become shorter.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read(size)
    except OSError as error:
        raise InputError(f"{path}: cannot read it: {error.strerror or error}") from error
    if len(content) != size:
        raise InputError(f"{path}: ends at a file of {size} bytes; it was whole before")
    return content


def tar_entry(name: str, content: bytes) -> bytes:
    """A file as it stands in a tar: header, content, zeros up to a whole block."""
    info = tarfile.TarInfo(name)  # no time, no owner, mode 644
    info.size = len(content)
    header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    return header + content + bytes(-len(content) % BLOCK)


def whole_size(size: int) -> int:
    """Bytes of a tar whose entries have `size` bytes."""
    return -(-(size + 2 * BLOCK) // RECORD) * RECORD


class _Headers:
    """The tar as the standard library may see it: headers of a bounded size."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


def _scan(file: BufferedReader, contents: Contents) -> str | None:
    length = os.fstat(file.fileno()).st_size
    start = file.read(BLOCK)
    if len(start) < BLOCK:
        return f"{length} bytes, no tar"
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return "is compressed, so that no file in it can be read by itself; decompress it first"
    file.seek(0)
    try:
        headers = cast(Any, _Headers(file))
        tar: Any = tarfile.TarFile(fileobj=headers, mode="r", encoding="utf-8")
    except tarfile.TarError as error:
        return f"is no tar ({error})"
    place = -1
    while (info := tar.next()) is not None:
        tar.members.clear()  # it would hold every one
        # A header may give a negative size, which leads back to one seen before, for ever.
        if info.size < 0 or info.offset <= place:
            return f"damaged header at byte {info.offset}"
        place = info.offset
        if info.offset_data + info.size > length:
            return f"cut off at byte {length}"
        name = info.name.removeprefix("./")
        if info.type not in (*FILES, *LINKS):
            continue
        if (reason := _refusal(info, name)) is None:
            contents.members.append(Member(name, info.offset_data, info.size))
        else:
            contents.refused.append((name, reason))
    # It stops as well where a header makes no sense: only zeros are a proper end.
    file.seek(tar.offset)
    end = file.read(BLOCK)
    if len(end) < BLOCK:
        return f"cut off at byte {length}"
    return f"damaged header at byte {tar.offset}" if any(end) else None


def _refusal(info: tarfile.TarInfo, name: str) -> str | None:
    if info.type in LINKS:
        return "is a link, not the file itself; pack with `tar --dereference --hard-dereference`"
    if info.sparse is not None:
        return "is stored with holes; pack it without `--sparse`"
    if not is_inside(name):
        return "leads out of the tar; pack it under another name"
    return f"has {info.size} bytes; at most {MAX_BYTES} are read" if info.size > MAX_BYTES else None
