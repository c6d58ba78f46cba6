"""A progress bar for people."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(noun: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr where somebody is watching, to be called with (done, total); else None."""
    if not sys.stderr.isatty() or logging.getLogger().level > logging.WARNING:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(noun, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
