"""Results never take the place of what they were made of, nor of what is no result."""

from collections.abc import Callable, Iterable
from pathlib import Path

from featherdepth.errors import UsageError
from featherdepth.images.sidecar import COLORS, is_result, sidecar_path


def check_targets(
    sources: Iterable[Path],
    targets: Iterable[Path],
    *,
    replace_others: bool = True,
    ours: Callable[[Path], bool] = is_result,
) -> None:
    """Look, before any work, at the files that results will go to.

    Files are told by what the system knows them by: links, and names that differ in case only
    where that means the same file, are seen through.

    Args:
        replace_others: also files that this package did not write.
        ours: whether it wrote one that is there.

    Raises:
        UsageError: a target is one of the sources, or no result.
    """
    own = {found for path in set(sources) if (found := file_id(path)) is not None}
    for target in targets:
        found = file_id(target)
        if found in own:
            raise UsageError(f"{target}: would be overwritten; choose another place for results")
        if not (replace_others or found is None or ours(target)):
            raise UsageError(
                f"{target}: is there already and no result; choose another place for results, or"
                " say --overwrite"
            )


def with_sidecars(targets: Iterable[Path]) -> list[Path]:
    """The files of results, and what will stand beside each."""
    paths = list(targets)
    # A map that is there is a result by its sidecar: that needs no second look.
    beside = [sidecar_path(p) for p in paths if p.name.endswith(COLORS) or not p.exists()]
    return [*paths, *beside]


def file_id(path: Path) -> tuple[int, int] | None:
    """What the system knows a file by, whatever its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
