"""MATLAB files before v7.3 ("v5") from strangers, read with our own few lines.

SciPy's reader dies of a bus error on some damaged files (found by feeding it damaged files), so
that one bad file would end a whole evaluation. Here are arrays of numbers, texts, cells and
structs; sparse arrays, objects and functions are refused. Every size is checked before it is
believed. "MAT-File Format", The MathWorks, level 5.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from featherdepth.errors import InputError

Value = np.ndarray | str | list[Any] | dict[str, Any]
"""Numbers; a text; the entries of a cell in MATLAB's order; the fields of a struct."""

MAX_BYTES = 1 << 32
"""Of one variable, unpacked: the format cannot hold more."""
MAX_DEPTH = 8
HEADER_BYTES = 128
HEAD_BYTES = 1 << 12
"""What is unpacked of a variable to see its name."""
MATRIX, COMPRESSED = 14, 15
STORED = dict(
    zip(
        (1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18),
        ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8", "u1", "u2", "u4"),
        strict=True,
    )
)
"""Type of a data element -> numpy."""
TEXTS = {1: "utf-8", 2: "utf-8", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
CELL, STRUCT, CHAR = 1, 2, 4
NUMBERS = dict(enumerate(("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), start=6))
"""Class of an array -> numpy; MATLAB stores small whole numbers in smaller types."""
LOGICAL, COMPLEX = 0x02, 0x08


class DamagedError(Exception):
    """A file that contradicts itself; ends as an `InputError` with the name of the file."""


def version_of(path: Path) -> str | None:
    """Return "v5", "v7.3" or None: the header of 128 bytes tells."""
    try:
        with path.open("rb") as stream:
            header = stream.read(HEADER_BYTES)
    except OSError:
        return None
    endian = _endian(header)
    if endian is None:
        return None
    (version,) = struct.unpack(endian + "H", header[124:126])
    return {0x0100: "v5", 0x0200: "v7.3"}.get(version)


def load_v5(
    path: Path, names: tuple[str, ...], name: str, *, limit: int = MAX_BYTES
) -> dict[str, Value]:
    """Read the variables `names`; others are passed over.

    Args:
        name: of the file, for messages.
        limit: bytes that one variable may unpack to.

    Raises:
        InputError: missing, of another version, damaged, too large, or without these variables.
    """
    if not path.is_file():
        raise InputError(f"{name}: not found")
    version = version_of(path)
    if version != "v5":
        raise InputError(f"{name}: {version or 'not a MATLAB file'}; expected a MATLAB v5 file")
    found: dict[str, Value] = {}
    try:
        with path.open("rb") as stream:
            endian = _endian(stream.read(HEADER_BYTES)) or "<"
            for data in _variables(stream, endian, names, limit):
                variable, value = _matrix(data, endian, 0)
                found.setdefault(variable, value)
    except (
        DamagedError,
        OSError,
        MemoryError,
        zlib.error,
        struct.error,
        UnicodeDecodeError,
    ) as error:
        raise InputError(f"{name}: not a readable MATLAB file: {error}") from error
    missing = [variable for variable in names if variable not in found]
    if missing:
        raise InputError(f"{name}: no variable {missing[0]!r}")
    return found


def array_in(value: object, what: str) -> np.ndarray:
    """`value` if it is an array of numbers.

    Raises:
        InputError: it is a text, a cell or a struct.
    """
    if not isinstance(value, np.ndarray):
        raise InputError(f"{what} is not an array of numbers")
    return value


def _endian(header: bytes) -> str | None:
    return {b"IM": "<", b"MI": ">"}.get(header[126:128])


def _variables(
    stream: BinaryIO, endian: str, names: tuple[str, ...], limit: int
) -> Iterator[memoryview]:
    """The unpacked contents of the variables `names`."""
    while tag := stream.read(8):
        kind, size = struct.unpack(endian + "II", tag)
        start = stream.tell()
        if kind not in (MATRIX, COMPRESSED):
            raise DamagedError(f"element of type {kind}")
        packed, inner, unpacked = kind == COMPRESSED, kind, size
        head = stream.read(min(size, HEAD_BYTES))
        if packed:
            head = zlib.decompressobj().decompress(head, HEAD_BYTES)
            inner, unpacked = struct.unpack(endian + "II", head[:8])
            head = head[8:]
        if inner != MATRIX:
            raise DamagedError(f"element of type {inner}")
        if _name(memoryview(head), endian) in names:
            if unpacked > limit:
                raise DamagedError(f"a variable unpacks to {unpacked >> 20} MiB, which is too much")
            stream.seek(start)
            data = memoryview(stream.read(size))
            if packed:
                data = memoryview(zlib.decompressobj().decompress(data, unpacked + 8))[8:]
            if len(data) != unpacked:
                raise DamagedError("it ends too early")
            yield data
        stream.seek(start + size)


def _name(head: memoryview, endian: str) -> str:
    elements = _elements(head, endian)
    for _ in range(2):
        next(elements)
    return bytes(next(elements)[1]).decode("ascii", errors="replace")


def _elements(data: memoryview, endian: str) -> Iterator[tuple[int, memoryview]]:
    """(type, contents) of the data elements in a row; raises where one is cut off."""
    place = 0
    while True:
        if place + 8 > len(data):
            raise DamagedError("it ends too early")
        kind, size = struct.unpack_from(endian + "II", data, place)
        if kind >> 16:  # up to four bytes lie inside the tag
            kind, size, start, after = kind & 0xFFFF, kind >> 16, place + 4, place + 8
        else:
            start = place + 8
            after = start + size + (-size % 8)
        if start + size > len(data) or (start == place + 4 and size > 4):
            raise DamagedError("it ends too early")
        yield kind, data[start : start + size]
        place = after


def _matrix(data: memoryview, endian: str, depth: int) -> tuple[str, Value]:
    """The name and value of one array."""
    if depth > MAX_DEPTH:
        raise DamagedError(f"arrays in arrays, more than {MAX_DEPTH} deep")
    if len(data) == 0:  # how MATLAB writes an empty entry
        return "", np.empty((0, 0))
    elements = _elements(data, endian)
    _, flags = next(elements)
    _, dims = next(elements)
    _, name = next(elements)
    if len(flags) != 8 or len(dims) < 8 or len(dims) % 4:
        raise DamagedError("an array without a form")
    (word,) = struct.unpack_from(endian + "I", flags)
    shape = struct.unpack(f"{endian}{len(dims) // 4}i", dims)
    if min(shape) < 0:
        raise DamagedError(f"an array of shape {shape}")
    kind, count = word & 0xFF, math.prod(shape)
    value: Value
    if kind in NUMBERS and not (word >> 8) & COMPLEX:
        value = _array(*next(elements), endian, shape).astype(NUMBERS[kind], copy=False)
        value = value != 0 if (word >> 8) & LOGICAL else value
    elif kind == CHAR:
        value = _text(*next(elements), endian) if count else ""
    elif kind == CELL:
        value = [_entry(elements, endian, depth) for _ in range(count)]
    elif kind == STRUCT:
        value = _struct(elements, endian, depth, count)
    else:
        raise DamagedError(f"an array of class {kind}, which is not read")
    return bytes(name).decode("ascii", errors="replace"), value


def _entry(elements: Iterator[tuple[int, memoryview]], endian: str, depth: int) -> Value:
    kind, data = next(elements)
    if kind != MATRIX:
        raise DamagedError(f"an entry of type {kind}")
    return _matrix(data, endian, depth + 1)[1]


def _struct(
    elements: Iterator[tuple[int, memoryview]], endian: str, depth: int, count: int
) -> Value:
    """The fields of one struct, or a list of them for an array of structs."""
    _, length = next(elements)
    _, names = next(elements)
    if len(length) != 4:
        raise DamagedError("a struct without field names")
    (size,) = struct.unpack(endian + "i", length)
    if size <= 0 or len(names) % size:
        raise DamagedError("a struct without field names")
    fields = [bytes(names[i : i + size]).split(b"\0")[0] for i in range(0, len(names), size)]
    if not fields:
        return {} if count == 1 else []
    tables = [
        {field.decode("ascii", "replace"): _entry(elements, endian, depth) for field in fields}
        for _ in range(count)
    ]
    return tables[0] if count == 1 else list(tables)


def _array(kind: int, data: memoryview, endian: str, shape: tuple[int, ...]) -> np.ndarray:
    if kind not in STORED:
        raise DamagedError(f"numbers of type {kind}")
    dtype = np.dtype(endian + STORED[kind])
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise DamagedError(f"{len(data)} bytes for an array of {shape}")
    return np.frombuffer(data, dtype=dtype).reshape(shape, order="F")


def _text(kind: int, data: memoryview, endian: str) -> str:
    if kind not in TEXTS:
        raise DamagedError(f"a text of type {kind}")
    codec = TEXTS[kind]
    order = {"<": "-le", ">": "-be"}[endian] if codec != "utf-8" else ""
    return bytes(data).decode(codec + order)
