"""Checkpoints: whole or not at all, the last few kept, read without running any code.

A checkpoint is written to a temporary file, flushed to disk and renamed; its name carries the
first half of its own SHA-256, `step-000001000-<32 hex digits>.pt`, so that a damaged one is known
on sight and the one before it is taken.
"""

import hashlib
import logging
import os
import pickle
import re
from contextlib import suppress
from io import BufferedIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from featherdepth.errors import RunError
from featherdepth.networks.folder import file_sha256

logger = logging.getLogger(__name__)

_NAME = re.compile(r"step-(\d{9})-([0-9a-f]{32})\.pt")
_TEMPORARY = ".writing.pt"


class Checkpoints:
    """The checkpoints of one run.

    Args:
        keep: how many of the newest stay; at least 2, so that a damaged one has a forerunner.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self.keep = max(2, keep)

    def paths(self) -> list[Path]:
        """All finished checkpoints, newest first; their contents are not looked at."""
        try:
            found = [p for p in self.folder.iterdir() if _NAME.fullmatch(p.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunError(f"{self.folder}: cannot read it: {error.strerror}") from error
        return sorted(found, reverse=True)

    def write(self, step: int, state: dict[str, Any]) -> Path:
        """Write `state` as the checkpoint after `step` steps, then drop the oldest.

        Raises:
            RunError: it cannot be written; earlier checkpoints are untouched.
        """
        temporary = self.folder / _TEMPORARY
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                sink = _Sink(file)
                torch.save(state, cast(BinaryIO, sink))
                digest = sink.finish()
            path = self.folder / f"step-{step:09d}-{digest[:32]}.pt"
            temporary.replace(path)
            _flush_folder(self.folder)
            for old in self.paths()[self.keep :]:
                old.unlink()
        except OSError as error:
            with suppress(OSError):  # what stopped the write may stop this
                temporary.unlink(missing_ok=True)
            raise RunError(
                f"{self.folder}: cannot write the checkpoint of step {step}: {error.strerror};"
                f" {self.last_words()}"
            ) from error
        return path

    def newest(self) -> dict[str, Any] | None:
        """The newest checkpoint that is whole, on the CPU; None if there never was one.

        Raises:
            RunError: there are checkpoints and every one is damaged.
        """
        paths = self.paths()
        for path in paths:
            try:
                return _read(path)
            except _DamagedError as error:
                logger.warning("%s: damaged (%s); trying the one before it", path, error)
        if paths:
            raise RunError(f"{self.folder}: no checkpoint is whole; start again in another folder")
        return None

    def last_words(self) -> str:
        """Where to go on from, for the end of a message."""
        paths = self.paths()
        return f"last checkpoint: {paths[0]}" if paths else "no checkpoint was written yet"


class _DamagedError(Exception):
    pass


class _Sink:
    """A file as `torch.save` sees it: hashes what passes, and holds an error back until `finish`.

    An exception thrown inside torch's zip writer ends the process; so a write that fails is
    remembered, what follows is swallowed, and `finish` raises.
    """

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._error: OSError | None = None

    def write(self, data: Any) -> int:
        if self._error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self._error = error
            self._hash.update(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        pass

    def finish(self) -> str:
        if self._error is not None:
            raise self._error
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._hash.hexdigest()


def _read(path: Path) -> dict[str, Any]:
    match = _NAME.fullmatch(path.name)
    try:
        digest = file_sha256(path)
    except OSError as error:
        raise _DamagedError(error.strerror) from error
    if match is None or digest[:32] != match[2]:
        raise _DamagedError(f"its sha256 begins with {digest[:8]}, not as in its name")
    try:
        return cast(dict[str, Any], torch.load(path, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError as error:
        raise _DamagedError("it holds more than numbers, text and tensors") from error


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
