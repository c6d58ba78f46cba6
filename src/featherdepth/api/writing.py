"""The document of a verb, as a file that is whole or not there."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def check_output(output: str | Path | None, sources: Iterable[str | Path] = ()) -> None:
    """Say before the work what would end it; errors as `evaluation.output.check_file`.

    Args:
        sources: files that the document is made of: it never takes the place of one.
    """
    if output is not None:
        from featherdepth.evaluation.output import check_file
        from featherdepth.images.targets import check_targets

        check_file(Path(output))
        check_targets(map(Path, sources), [Path(output)])


def written(result: dict[str, Any], output: str | Path | None) -> dict[str, Any]:
    """The document, also written to `output`, whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    if output is not None:
        from featherdepth.images.atomic import write_json

        write_json(Path(output), result)
    return result
