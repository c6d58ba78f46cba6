"""Points as lines of text: column, row, metres."""

import io
import re

import numpy as np

from featherdepth.data.sparse.request import Request, from_pixels, read_bytes
from featherdepth.errors import InputError
from featherdepth.types import Depth

NAMES = (
    ("u", "x", "col", "column", "px"),
    ("v", "y", "row", "py"),
    ("metres", "meters", "m", "z", "depth", "d"),
)
"""What a header may call the column, the row and the depth."""
SEPARATOR = re.compile(r"[;,\s]+")
WANTED = "expected lines of column,row,metres"


def read_table(request: Request) -> Depth:
    """Lines of u,v,metres: comma, semicolon or space between; a header may name and reorder them.

    `#` begins a comment. Places may have fractions: the nearest pixel counts.

    Raises:
        InputError: not such lines, a negative depth, or as `from_pixels`.
    """
    data = read_bytes(request.path, "a table of column,row,metres")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{request.name}: is not text; {WANTED}") from error
    numbered = [
        (number, content)
        for number, line in enumerate(text.splitlines(), start=1)
        if (content := line.partition("#")[0].strip())
    ]
    columns: tuple[int, ...] = (0, 1, 2)
    width = 3
    if numbered and (header := _header(numbered[0][1], request)) is not None:
        columns, width = header
        numbered = numbered[1:]
    if not numbered:
        raise InputError(f"{request.name}: holds no points; {WANTED}")
    values = _numbers(numbered, width, request)[:, columns]
    measured = values[:, 2][np.isfinite(values[:, 2])]
    if measured.size and measured.min() < 0:
        raise InputError(f"{request.name}: depth down to {measured.min():g}; expected 0 or more")
    return from_pixels(request, values[:, 0], values[:, 1], values[:, 2])


def _header(line: str, request: Request) -> tuple[tuple[int, ...], int] | None:
    """Where u, v and metres stand, and how many columns there are; None for a line of numbers."""
    words = [word.strip("\"'") for word in SEPARATOR.split(line.lower())]
    if not any(word and word[0].isalpha() and word not in ("nan", "inf") for word in words):
        return None
    places = [next((words.index(n) for n in names if n in words), -1) for names in NAMES]
    if min(places) < 0:
        raise InputError(f"{request.name}, line 1: {line[:60]!r}; expected the names u,v,metres")
    return tuple(places), len(words)


def _numbers(numbered: list[tuple[int, str]], width: int, request: Request) -> np.ndarray:
    joined = "\n".join(SEPARATOR.sub(" ", line) for _, line in numbered)
    try:
        values = np.loadtxt(io.StringIO(joined), ndmin=2, comments=None)
    except ValueError as error:
        values = np.empty((0, 0))
        cause: ValueError | None = error
    else:
        cause = None
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
