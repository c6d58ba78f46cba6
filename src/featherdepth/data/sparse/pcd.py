"""Points of a PCD file (Point Cloud Library): ASCII, binary or compressed."""

import math
import struct

import numpy as np
from jaxtyping import Float64

from featherdepth.data.sparse.lzf import decompress
from featherdepth.data.sparse.ply import read_rows
from featherdepth.errors import InputError

MAX_HEADER = 1 << 16
SIZES = struct.Struct("<II")
"""Of what is compressed, and of what it was."""
KINDS = {("I", 1), ("I", 2), ("I", 4), ("I", 8), ("U", 1), ("U", 2), ("U", 4), ("U", 8)} | {
    ("F", 4),
    ("F", 8),
}
KNOWN = {"VERSION", "FIELDS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT", "VIEWPOINT"} | {
    "POINTS",
    "DATA",
}


def read_pcd(data: bytes, name: str) -> Float64[np.ndarray, "n 3"]:
    """x, y, z of each point, in the frame that the points are stored in.

    Raises:
        InputError: not a PCD file, damaged, without x, y and z, or shorter than it says.
    """
    table, start = _header(data, name)
    row, places = _row(table, name)
    count = _count(table, name)
    form = table["DATA"][0].lower()
    if form == "binary_compressed":
        return _compressed(data[start:], row, places, count, name)
    if form not in ("ascii", "binary"):
        raise InputError(f"{name}: DATA {form}; expected ascii, binary or binary_compressed")
    each = 2 * sum(math.prod(row[field].shape) for field in row.names or ())
    each = each if form == "ascii" else row.itemsize
    if count * each > len(data) - start + (form == "ascii"):  # the last line may lack its end
        raise InputError(
            f"{name}: {len(data) - start:,} bytes for {count:,} points; the file is shorter than"
            " its header says"
        )
    if count == 0:
        return np.empty((0, 3))
    if form == "ascii":
        return read_rows(data[start:], count, _columns(row, places), name)
    rows = np.frombuffer(data, row, count, start)
    return np.stack([rows[str(place)].astype(np.float64) for place in places], axis=1)


def _compressed(
    data: bytes, row: np.dtype[np.void], places: list[int], count: int, name: str
) -> Float64[np.ndarray, "n 3"]:
    """Two sizes, then one field of all points behind the other."""
    if len(data) < SIZES.size:
        raise InputError(f"{name}: the file ends before its points")
    packed, size = SIZES.unpack_from(data)
    if size != count * row.itemsize:
        raise InputError(
            f"{name}: {size:,} bytes, uncompressed, for {count:,} points of {row.itemsize}; the"
            " file is damaged"
        )
    held = data[SIZES.size : SIZES.size + packed]
    try:
        fields = decompress(held, size) if len(held) == packed else None
    except ValueError as error:
        raise InputError(f"{name}: what is compressed {error}; the file is damaged") from error
    if fields is None:
        raise InputError(f"{name}: {len(held):,} of {packed:,} bytes; the file is cut off")
    before = [sum(row[other].itemsize for other in range(place)) for place in places]
    columns = [
        np.frombuffer(fields, row[place], count, count * start)
        for place, start in zip(places, before, strict=True)
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def _header(data: bytes, name: str) -> tuple[dict[str, list[str]], int]:
    table: dict[str, list[str]] = {}
    start = 0
    while "DATA" not in table:
        end = data.find(b"\n", start, MAX_HEADER)
        if end < 0:
            raise InputError(f"{name}: not a PCD file: no line DATA; expected a header of PCD")
        words = data[start:end].decode("ascii", "replace").split()
        start = end + 1
        if words and not words[0].startswith("#"):
            if words[0] not in KNOWN:
                raise InputError(f"{name}: header line {' '.join(words)[:60]!r} is not one of PCD")
            table[words[0]] = words[1:]
    lost = [key for key in ("FIELDS", "SIZE", "TYPE", "DATA") if not table.get(key)]
    if lost:
        raise InputError(f"{name}: header without {lost[0]}; expected a header of PCD")
    return table, start


def _row(table: dict[str, list[str]], name: str) -> tuple[np.dtype[np.void], list[int]]:
    """The layout of one point, fields named by place, and where x, y and z stand."""
    fields, kinds = table["FIELDS"], table["TYPE"]
    sizes, counts = _integers(table, "SIZE", name), [1] * len(fields)
    if "COUNT" in table:
        counts = _integers(table, "COUNT", name)
    if not len(fields) == len(kinds) == len(sizes) == len(counts):
        raise InputError(f"{name}: FIELDS, SIZE, TYPE and COUNT differ in length")
    if not {"x", "y", "z"} <= set(fields):
        raise InputError(f"{name}: points of {', '.join(fields)}; expected x, y, z")
    places = [fields.index(axis) for axis in "xyz"]
    known = all((kind, size) in KINDS for kind, size in zip(kinds, sizes, strict=True))
    if not known or max(counts) > 1 << 16 or any(counts[place] != 1 for place in places):
        told = ", ".join(
            f"{key} {' '.join(table.get(key, []))}" for key in ("TYPE", "SIZE", "COUNT")
        )
        raise InputError(f"{name}: {told}; expected numbers, one each for x, y and z")
    layout = [
        (str(i), f"<{kind.lower()}{size}", (count,))
        for i, (kind, size, count) in enumerate(zip(kinds, sizes, counts, strict=True))
    ]
    return np.dtype([(n, t) if c == (1,) else (n, t, c) for n, t, c in layout]), places


def _columns(row: np.dtype[np.void], places: list[int]) -> list[int]:
    """Where x, y and z stand in a line of text: a field may be several numbers."""
    lengths = [math.prod(row[field].shape) for field in row.names or ()]
    return [sum(lengths[:place]) for place in places]


def _count(table: dict[str, list[str]], name: str) -> int:
    if "POINTS" in table:
        return _integers(table, "POINTS", name)[0]
    if "WIDTH" in table and "HEIGHT" in table:
        return _integers(table, "WIDTH", name)[0] * _integers(table, "HEIGHT", name)[0]
    raise InputError(f"{name}: header without POINTS; expected a header of PCD")


def _integers(table: dict[str, list[str]], key: str, name: str) -> list[int]:
    words = table[key]
    if not words or not all(word.isdecimal() and len(word) < 16 for word in words):
        raise InputError(f"{name}: {key} {' '.join(words)!r}; expected whole numbers")
    return [int(word) for word in words]
