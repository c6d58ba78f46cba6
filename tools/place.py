"""A model folder that takes its place whole, or leaves the old one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A folder beside `target` to write into; it takes the place of `target` if nothing raised."""
    fresh, old = (target.with_name(f".{target.name}.{part}") for part in ("new", "old"))
    _restore(old, target)
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        yield fresh
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    finally:
        _restore(old, target)
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _restore(old: Path, target: Path) -> None:
    """Put the only copy back: something ended between the two renames."""
    if old.exists() and not target.exists():
        old.rename(target)
