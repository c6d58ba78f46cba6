"""Points as lines of text: column, row, metres."""

import io
import re

import numpy as np

from featherdepth.data.sparse.request import Request, from_pixels, read_bytes, refuse_negative
from featherdepth.errors import InputError
from featherdepth.types import Depth

NAMES = (
    ("u", "x", "col", "column", "px"),
    ("v", "y", "row", "py"),
    ("metres", "meters", "m", "z", "depth", "d"),
)
"""What a header may call the column, the row and the depth."""
SEPARATOR = re.compile(r"[;,\s]+")
BETWEEN_NAMES = re.compile(r"\s*[;,]\s*")
"""In a header that has any: names may hold spaces there."""
UNIT = re.compile(r"\s*(\([^)]*\)|\[[^\]]*\])")
DEPTH_UNIT = re.compile(rf"\b(?:{'|'.join(NAMES[2])})\s*[(\[]\s*(\w+)\s*[)\]]")
"""The unit in brackets behind the name of the depth, in lower case."""
A_METER = {
    "mm": 1000, "millimeters": 1000, "millimetres": 1000,
    "cm": 100, "centimeters": 100, "centimetres": 100,
    "ft": 3.28084, "feet": 3.28084,
}  # fmt: skip
"""How many of other units are one."""
MAX_BYTES = 1 << 26
"""Some three million lines."""
WANTED = "expected lines of column,row,metres"


def read_table(request: Request) -> Depth:
    """Lines of u,v,metres: comma, semicolon or space between; a header may name and reorder them.
    Names and numbers may stand in quotes.

    `#` begins a comment; the last one before the data is the header where it names every column
    of theirs, as NumPy writes it. Places may have fractions: the nearest pixel counts.

    Raises:
        InputError: not such lines, points in space, a negative depth, or as `from_pixels`.
    """
    data = read_bytes(request.path, "a table of column,row,metres", MAX_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{request.name}: is not text; {WANTED}") from error
    lines = text.splitlines()
    numbered = [
        (number, content)
        for number, line in enumerate(lines, start=1)
        if (content := line.partition("#")[0].replace('"', "").strip())
    ]
    header = "u,v,metres"
    if numbered and _is_header(numbered[0][1]):
        header = numbered[0][1]
        numbered = numbered[1:]
    elif numbered:
        header = _commented(lines[: numbered[0][0] - 1], numbered[0][1]) or header
    names = _names(header)
    _check_unit(header, request)
    if not numbered:
        raise InputError(f"{request.name}: holds no points; {WANTED}")
    if (columns := _columns(names)) is None:
        shown = ",".join(names)[:60]
        raise InputError(f"{request.name}, line 1: {shown!r}; expected the names u,v,metres")
    values = _numbers(numbered, len(names), request)[:, columns]
    _refuse_space([names[column] for column in columns], values, request)
    refuse_negative(request, values[:, 2])
    return from_pixels(request, values[:, 0], values[:, 1], values[:, 2])


def _is_header(line: str) -> bool:
    """Whether a line holds a word."""
    return any(word[:1].isalpha() and word not in ("nan", "inf") for word in _names(line))


def _names(line: str) -> list[str]:
    """Of the columns, in lower case, without units in brackets."""
    plain = UNIT.sub("", line.lower()).strip()
    parts = BETWEEN_NAMES.split(plain) if BETWEEN_NAMES.search(plain) else plain.split()
    return [name.strip("\"'") for name in parts]


def _commented(before: list[str], first: str) -> str | None:
    """The last comment before the data, where it names every column of theirs."""
    comments = [text for line in before if (text := line.partition("#")[2].strip())]
    names = _names(comments[-1]) if comments else []
    every = len(names) == len(SEPARATOR.split(first)) and _columns(names) is not None
    return comments[-1] if every else None


def _check_unit(header: str, request: Request) -> None:
    """Refuse to take another unit for meters.

    Raises:
        InputError: the header names one for the depth, and no depth scale is given.
    """
    unit = DEPTH_UNIT.search(header.lower())
    if unit and unit[1] in A_METER and request.depth_scale is None:
        raise InputError(
            f"{request.name}: depth in {unit[1]}, says its header; expected meters, or"
            f" --depth-scale {A_METER[unit[1]]:g}"
        )


def _columns(names: list[str]) -> list[int] | None:
    """Where u, v and metres stand; None where one is not named."""
    places = [next((names.index(n) for n in known if n in names), -1) for known in NAMES]
    return None if min(places) < 0 else places


def _refuse_space(names: list[str], values: np.ndarray, request: Request) -> None:
    """Refuse x,y,z in metres: no pixel lies to the left of or above the picture's first.

    Raises:
        InputError: they are.
    """
    if names == ["x", "y", "z"] and (values[:, :2] < -0.5).any():
        raise InputError(
            f"{request.name}: x,y,z with x or y down to {values[:, :2].min():g} are points in"
            f" space, not pixels; {WANTED}, or a .ply of the points with the camera's --intrinsics"
        )


def _numbers(numbered: list[tuple[int, str]], width: int, request: Request) -> np.ndarray:
    joined = "\n".join(SEPARATOR.sub(" ", line) for _, line in numbered)
    values, cause = np.empty((0, 0)), None
    if joined.strip():
        try:
            values = np.loadtxt(io.StringIO(joined), ndmin=2, comments=None)
        except ValueError as error:
            cause = error
    if values.shape != (len(numbered), width):
        number, line = _first_wrong(numbered, width)
        raise InputError(f"{request.name}, line {number}: {line[:60]!r}; {WANTED}") from cause
    return values


def _first_wrong(numbered: list[tuple[int, str]], width: int) -> tuple[int, str]:
    for number, line in numbered:
        words = SEPARATOR.split(line)
        try:
            fits = len([float(word) for word in words]) == width
        except ValueError:
            fits = False
        if not fits:
            return number, line
    return numbered[0]
