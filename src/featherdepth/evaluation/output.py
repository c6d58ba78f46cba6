"""Whether results can be written, asked before the hours of work that they take."""

from pathlib import Path

from featherdepth.errors import RunError, UsageError
from featherdepth.images.atomic import probe


def check_file(output: Path) -> None:
    """Refuse a file for results that could not be written at the end.

    Raises:
        UsageError: it is a folder, or its folder is missing.
        RunError: its folder takes no files.
    """
    if output.is_dir():
        raise UsageError(
            f"--output {output}: is a folder; expected a file, such as {output / 'result.json'}"
        )
    folder = output.resolve().parent  # of what a link leads to: that is replaced
    if not folder.is_dir():
        raise UsageError(f"--output {output}: no folder {output.parent}; make it first")
    if output.is_file() or not output.exists():  # a device is written to directly
        _check_takes_files(folder, f"cannot write {output}")


def check_folder(folder: Path) -> None:
    """Refuse a folder for results that could not be made or written; it is not made here.

    Raises:
        RunError: a file is in the way, or it takes no files.
    """
    there = next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )
    if not there.is_dir():
        raise RunError(f"cannot make folder {folder}: {there} is a file; expected a folder")
    _check_takes_files(there, f"cannot write into {folder}")


def _check_takes_files(folder: Path, what: str) -> None:
    try:
        probe(folder)
    except OSError as error:
        raise RunError(f"{what}: {error.strerror or error}") from error
