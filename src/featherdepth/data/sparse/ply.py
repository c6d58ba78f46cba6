"""Points of a PLY file: ASCII or binary of either byte order."""

import re
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Float64

from featherdepth.errors import InputError

MAX_HEADER = 1 << 16
ORDER = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
TYPES = {
    **{
        name: code
        for code, names in (
            ("i1", "char int8"),
            ("u1", "uchar uint8"),
            ("i2", "short int16"),
            ("u2", "ushort uint16"),
            ("i4", "int int32"),
            ("u4", "uint uint32"),
            ("f4", "float float32"),
            ("f8", "double float64"),
        )
        for name in names.split()
    },
}


@dataclass(slots=True)
class Element:
    """One table of the file."""

    name: str
    count: int
    properties: list[tuple[str, str]]
    """(name, type code); a list has the code "list"."""


def read_ply(data: bytes, name: str) -> Float64[np.ndarray, "n 3"]:
    """x, y, z of the element `vertex`; everything else is left aside.

    Raises:
        InputError: not a PLY file, without x, y and z, or shorter than its header says.
    """
    form, elements, start = _header(data, name)
    for element in elements:
        columns = [p for p, _ in element.properties]
        codes = [code for _, code in element.properties]
        if not columns:
            raise InputError(f"{name}: element {element.name!r} without properties")
        if element.name != "vertex":
            if "list" in codes:
                raise InputError(
                    f"{name}: lists in {element.name!r} stand before the points; expected the"
                    " element vertex first"
                )
        elif not {"x", "y", "z"} <= set(columns):
            raise InputError(f"{name}: points of {', '.join(columns)}; expected x, y, z")
        elif "list" in codes:
            raise InputError(f"{name}: points with lists; expected plain numbers")
        if element.name == "vertex":
            return _points(data, start, form, element, name)
        start = _skip(data, start, form, element, name)
    raise InputError(f"{name}: no element vertex; expected points")


def _header(data: bytes, name: str) -> tuple[str, list[Element], int]:
    # At the start of a line: a comment may hold the word too.
    end = data.find(b"\nend_header", 0, MAX_HEADER) + 1
    if not data.startswith((b"ply\n", b"ply\r\n")) or not end:
        raise InputError(f"{name}: not a PLY file: no header; expected 'ply' ... 'end_header'")
    line_end = data.find(b"\n", end)
    start = len(data) if line_end < 0 else line_end + 1
    form = ""
    elements: list[Element] = []
    lines = data[:end].decode("ascii", "replace").splitlines()[1:]
    _refuse_relative(lines, name)
    for line in lines:
        words = line.split()
        if words[:1] == ["format"] and len(words) == 3 and words[1] in ORDER:
            form = words[1]
        elif words[:1] == ["element"] and _is_count(words):
            elements.append(Element(words[1], int(words[2]), []))
        elif words[:1] == ["property"] and elements and _property(words) is not None:
            elements[-1].properties.append(_property(words) or ("", ""))
        elif words and words[0] not in ("comment", "obj_info"):
            raise InputError(f"{name}: header line {line[:60]!r} is not one of PLY")
    if not form:
        raise InputError(f"{name}: header without a format; expected {', '.join(ORDER)}")
    return form, elements, start


def _refuse_relative(lines: list[str], name: str) -> None:
    """Refuse a cloud that `save` made of a map without a scale: what it has was assumed.

    Raises:
        InputError: it is one.
    """
    said = " ".join(line.removeprefix("comment ") for line in lines if line.startswith("comment "))
    ours = re.match(r"featherdepth; .*?\bkind (\w+); unit unknown", said)
    if ours:
        raise InputError(f"{name}: holds points of {ours[1]} values; expected metres")


def _is_count(words: list[str]) -> bool:
    return len(words) == 3 and words[2].isdecimal() and len(words[2]) < 16


def _property(words: list[str]) -> tuple[str, str] | None:
    if len(words) == 5 and words[1] == "list":
        return words[4], "list"
    return (words[2], TYPES[words[1]]) if len(words) == 3 and words[1] in TYPES else None


def _row(form: str, element: Element) -> np.dtype[np.void]:
    """Named by place: two properties of one name would not make a dtype."""
    return np.dtype(
        [(str(i), ORDER[form] + code) for i, (_, code) in enumerate(element.properties)]
    )


def _points(
    data: bytes, start: int, form: str, element: Element, name: str
) -> Float64[np.ndarray, "n 3"]:
    columns = [p for p, _ in element.properties]
    places = [columns.index(axis) for axis in "xyz"]
    _check_length(data, start, form, element, name)
    if element.count == 0:
        return np.empty((0, 3))
    if form == "ascii":
        return read_rows(data[start:], element.count, places, name)
    rows = np.frombuffer(data, _row(form, element), element.count, start)
    return np.stack([rows[str(place)].astype(np.float64) for place in places], axis=1)


def _skip(data: bytes, start: int, form: str, element: Element, name: str) -> int:
    _check_length(data, start, form, element, name)
    if form != "ascii":
        return start + element.count * _row(form, element).itemsize
    for _ in range(element.count):
        end = data.find(b"\n", start)
        start = len(data) if end < 0 else end + 1
    return start


def _check_length(data: bytes, start: int, form: str, element: Element, name: str) -> None:
    """Before any memory is taken: a number of text is a digit and a space at least."""
    each = 2 * len(element.properties) if form == "ascii" else _row(form, element).itemsize
    # The last line may lack its end.
    if element.count * each > len(data) - start + (form == "ascii"):
        raise InputError(
            f"{name}: {len(data) - start:,} bytes for {element.count:,} of {element.name}; the file"
            " is shorter than its header says"
        )


def read_rows(text: bytes, count: int, places: list[int], name: str) -> Float64[np.ndarray, "n 3"]:
    """Three columns of the first `count` lines of numbers.

    Raises:
        InputError: fewer lines, or something that is no number.
    """
    lines = list(islice((line for line in text.splitlines() if line.strip()), count))
    if len(lines) != count:
        raise InputError(
            f"{name}: {len(lines):,} lines for {count:,} points; the file is cut short"
        )
    try:
        rows = np.loadtxt(lines, usecols=places, ndmin=2, comments=None)
    except (ValueError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: damaged points: {reason}; expected numbers") from error
    return np.asarray(rows, dtype=np.float64)
