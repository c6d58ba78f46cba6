"""The list of what failed, beside results."""

import json
from collections.abc import Sequence
from pathlib import Path

from featherdepth.errors import RunError
from featherdepth.images.atomic import make_folder, write_atomic


def write_failures(path: Path, failed: Sequence[dict[str, str]]) -> None:
    """List what failed, one JSON object a line; our file is there only if something did.

    Raises:
        RunError: it cannot be written or removed.
    """
    if failed:
        make_folder(path.parent)
        lines = [json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n" for row in failed]
        write_atomic(path, "".join(lines).encode(errors="surrogateescape"))
    elif lists_failures(path):
        try:
            path.unlink(missing_ok=True)  # another process may be as far
        except OSError as error:
            raise RunError(f"cannot remove {path}: {error.strerror or error}") from error


def lists_failures(path: Path) -> bool:
    """Whether a file is there and such a list: each line has an `error`."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            return all("error" in dict(json.loads(line)) for line in file)
    except (OSError, ValueError, TypeError, RecursionError):  # none, or another program's
        return False
