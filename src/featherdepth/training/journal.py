"""The journal of a run: one JSON object a line, appended whole, cut back when a run resumes.

    {"step": 40, "total": 0.71, "losses": {"ilnr": 0.6, ...}, "lr": 1e-3, "grad_norm": 0.4,
     "speed": {"images_per_s": 10.2, "seconds": 31.0}}
    {"step": 500, "validation": {"delta1": 0.8}}

Losses, the gradient norm and, where there are any, `watched` figures (told, not minimized) are
means over the steps since the line before. `speed` is the only part that a clock touches: without
it, two runs of one recipe have equal journals.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featherdepth.errors import RunError


def read_journal(path: Path, *, speed: bool = True) -> list[dict[str, Any]]:
    """The lines of a journal; a last line that a kill cut short is left out.

    Args:
        speed: keep the part that a clock touches.
    """
    lines = []
    for text in path.read_bytes().splitlines(keepends=True) if path.exists() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        # A number cut short may still be JSON; a line is whole only with its line break.
        if not text.endswith(b"\n") or not isinstance(line, dict) or "step" not in line:
            continue
        lines.append({k: v for k, v in line.items() if speed or k != "speed"})
    return lines


class Journal:
    """An open journal, cut back to the lines up to step `after`, ready for those that follow."""

    def __init__(self, path: Path, after: int) -> None:
        self._path = path
        # A run that begins again looks at its start again, too.
        kept = [line for line in read_journal(path) if line["step"] <= after] if after else []
        temporary = path.with_name(f".{path.name}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(b"".join(map(_encode, kept)))
            temporary.replace(path)
            # Unbuffered: a line is one write, whole or cut, and is there when the process dies.
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise RunError(f"{path}: cannot write it: {error.strerror}") from error

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line.

        Raises:
            RunError: it cannot be written.
        """
        data = _encode(line)
        try:
            written = self._file.write(data)
            if written < len(data):  # the disk is filling up: the rest raises
                self._file.write(data[written:])
        except OSError as error:
            raise RunError(f"{self._path}: cannot write it: {error.strerror}") from error

    def flush(self) -> None:
        """Push all lines to the disk, so that no checkpoint outlives the lines before it."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise RunError(f"{self._path}: cannot write it: {error.strerror}") from error

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _encode(line: Mapping[str, Any]) -> bytes:
    return json.dumps(_finite(line), sort_keys=True, allow_nan=False).encode() + b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    # NaN is not JSON; a figure that is not a number is null.
    return None if isinstance(value, float) and not math.isfinite(value) else value
