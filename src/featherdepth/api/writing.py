"""The document of a verb, as a file that is whole or not there."""

from pathlib import Path
from typing import Any


def check_output(output: str | Path | None) -> None:
    """Say before the work what would end it; errors as `evaluation.output.check_file`."""
    if output is not None:
        from featherdepth.evaluation.output import check_file

        check_file(Path(output))


def written(result: dict[str, Any], output: str | Path | None) -> dict[str, Any]:
    """The document, also written to `output`, whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    if output is not None:
        from featherdepth.images.atomic import write_json

        write_json(Path(output), result)
    return result
