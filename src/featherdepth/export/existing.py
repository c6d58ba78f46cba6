"""What stands where an export will be written: an earlier one may go, nothing else."""

from pathlib import Path
from typing import Any

from featherdepth.config import read_json
from featherdepth.errors import InputError, UsageError


def report_of(output: Path) -> Path:
    """Where the verification of a file is written."""
    return output.with_name(output.name + ".json")


def check_existing(output: Path, to: str, *, overwrite: bool) -> None:
    """Look, before any work, at the places of the file, of its weights and of its report.

    Args:
        overwrite: whether files that no export wrote may go.

    Raises:
        UsageError: a folder, or a file that is no earlier export.
    """
    weights = [output.with_suffix(".bin")] if to == "openvino" else []
    own = _written(output)
    for path in (output, *weights, report_of(output)):
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; expected the name of a file")
        # A device is no file: nothing is lost where it is written.
        if path.is_file() and not overwrite and own.get(path.name) != path.stat().st_size:
            raise UsageError(
                f"{path}: is there and no earlier export; choose another name, or say --overwrite"
            )


def _written(output: Path) -> dict[str, int]:
    """The files of an earlier export and their bytes, as its report tells; its own among them."""
    report = report_of(output)
    try:
        told = read_json(report)
        size = report.stat().st_size
    except (InputError, OSError):
        return {}
    if told.get("file") != output.name or not {"format", "model", "verification"} <= told.keys():
        return {}
    sizes: Any = told.get("bytes")
    return {**sizes, report.name: size} if isinstance(sizes, dict) else {}
