"""A progress bar for people."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


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


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar for each thing that is done, to be called with (what, done, total); else None.

    A bar goes away when its work is done, so that others can follow.
    """
    if not sys.stderr.isatty() or logging.getLogger().level > logging.WARNING:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, Any] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in tasks:
            bar.start()
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done)
        if done == total:
            bar.remove_task(tasks.pop(what))
            bar.stop()

    try:
        yield tell
    finally:
        bar.stop()
