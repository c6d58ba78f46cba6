"""Files that are there whole or not at all."""

import contextlib
import errno
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from featherdepth.errors import InputError, RunError

PARTIAL = ".part"
IDLE_S = 600.0
"""A file that somebody still writes grows more often than this."""


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the name `path` only once it is complete.

    Written beside its target, flushed to the disk and renamed at the end of the block; after any
    error, an interrupt included, nothing is left and an older file of that name is untouched. A
    device or pipe cannot be replaced: it is written directly.

    Raises:
        InputError: the name is longer than the file system takes.
        RunError: the folder is missing or read-only, the disk is full, and the like; one line.
    """
    with _replacing(path) as stream:
        yield stream
        _to_disk(stream)


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all; errors as `atomic_file`."""
    write_together({path: content})


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as `json_bytes`, whole or not at all; errors as `atomic_file`."""
    write_atomic(path, json_bytes(document))


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """A document as people and `git diff` read it: two spaces, sorted keys, a line end."""
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files, all or none; the first takes its name last. Errors as `atomic_file`."""
    with contextlib.ExitStack() as open_files:
        for path, content in contents.items():
            stream = open_files.enter_context(_replacing(path))
            stream.write(content)
            # A full disk shows here at the latest, before any file has taken its name.
            _to_disk(stream)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """`atomic_file`, whose caller sees to it that the content is on the disk."""
    target = Path(os.path.realpath(path))  # a link keeps pointing: its target is replaced
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as device:
                yield device
            return
        # A short name of its own: the target's may already be as long as the system allows.
        partial = target.with_name(f".{secrets.token_hex(6)}{PARTIAL}")
        try:
            with partial.open("xb") as stream:
                yield stream
            partial.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _fault(error)(f"cannot write {path}: {error.strerror or error}") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        InputError: its name is longer than the file system takes.
        RunError: it cannot be made, or is a file.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _fault(error)(f"cannot make folder {path}: {error.strerror or error}") from error


def _fault(error: OSError) -> type[InputError | RunError]:
    """A name that is too long is the fault of what it was taken from; others go on."""
    return InputError if error.errno == errno.ENAMETOOLONG else RunError


def probe(folder: Path) -> None:
    """Write a file without a name into a folder, or where it would be made; nothing is left.

    Permissions alone do not tell: the disk may be read-only, and root passes all of them.

    Raises:
        OSError: no file can be written there.
    """
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - `resolve` would follow its links
    while not place.exists():
        place = place.parent
    with tempfile.TemporaryFile(dir=place) as file:
        file.write(b"probe")
        file.flush()


def check_writable(path: Path) -> None:
    """See, before long work, that a file can take the name `path`; its folder is made.

    Raises:
        RunError: `path` is a folder, or its own folder cannot be made or takes no files.
    """
    make_folder(path.parent)
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not target.exists() or target.is_file():  # a device is written directly
            probe(target.parent)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def remove_partials(folder: Path) -> int:
    """Remove what killed processes left half-written in `folder`; returns how many files.

    Only what has not grown for IDLE_S seconds: another process may be writing beside us.
    """
    removed = 0
    for path in folder.glob(f".*{PARTIAL}"):
        with contextlib.suppress(OSError):  # gone already, or not ours to remove
            if time.time() - path.stat().st_mtime > IDLE_S:
                path.unlink()
                removed += 1
    return removed


def _to_disk(stream: IO[bytes]) -> None:
    stream.flush()
    if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):  # pipes cannot be synchronized
        os.fsync(stream.fileno())
