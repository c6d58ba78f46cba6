"""Small pictures of a run folder as text that a page can hold."""

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import PIL.Image

from featherdepth.errors import InputError

LARGEST = 1_000_000
"""Bytes of one picture: a page of many larger ones would no longer open at once."""
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded:
    """A picture as a data URI, and its size in pixels."""

    uri: str
    width: int
    height: int


def embed(run: Path, name: str) -> Embedded:
    """Read the JPEG or PNG file `name` of a run folder.

    Args:
        name: relative to `run`, with forward slashes. It comes from a file and is not trusted.

    Raises:
        InputError: it lies outside of the folder (links included), is missing, not a picture, or
            larger than `LARGEST`.
    """
    if not _stays_inside(run, name):
        raise InputError(f"{run}: picture {name!r} lies outside of the run folder; expected inside")
    path = run / name
    if not path.is_file():
        raise InputError(f"{path}: picture not found; expected it in the run folder")
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: {path.stat().st_size / 1e6:.1f} MB; expected at most 1 MB")
        data = path.read_bytes()
        with PIL.Image.open(io.BytesIO(data), formats=list(TYPES)) as picture:
            kind, (width, height) = TYPES[str(picture.format)], picture.size
    except (PIL.UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise InputError(f"{path}: not a picture; expected JPEG or PNG") from error
    except OSError as error:
        raise InputError(f"{path}: cannot read it: {error.strerror or error}") from error
    text = base64.b64encode(data).decode("ascii")
    return Embedded(uri=f"data:{kind};base64,{text}", width=width, height=height)


def _stays_inside(run: Path, name: str) -> bool:
    # Both kinds of path: a folder made on one system is opened on another.
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        if path.anchor or ".." in path.parts:
            return False
    try:
        return Path(os.path.realpath(run / name)).is_relative_to(os.path.realpath(run))
    except ValueError:  # a NUL in the name
        return False
