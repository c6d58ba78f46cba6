"""What a person sees of a run: a bar on a terminal, plain lines elsewhere; and TensorBoard."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

logger = logging.getLogger(__name__)

Stages = Callable[[str, int, int], None]
"""Called with (what is going on, done, in all), for what comes before training."""


def stage(stages: Stages | None, what: str) -> Callable[[int, int], None] | None:
    """One of the stages, to be called with (done, in all); None where nobody watches."""
    return None if stages is None else partial(stages, what)


class Display:
    """Progress on stderr.

    Args:
        shown: False keeps quiet.
    """

    def __init__(self, *, steps: int, done: int, shown: bool) -> None:
        self._console = Console(stderr=True, quiet=not shown)
        self._steps = steps
        self._bar: Progress | None = None
        if shown and self._console.is_terminal:
            self._bar = Progress(
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=self._console,
                refresh_per_second=2,
            )
            self._task = self._bar.add_task("training", total=steps, completed=done, note="")

    def step(self, step: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=step)

    def line(self, line: Mapping[str, Any]) -> None:
        """Show a line of the journal."""
        if "validation" in line:
            note = "  ".join(f"{k} {v:.4g}" for k, v in line["validation"].items())
        else:
            speed = line["speed"]["images_per_s"]
            note = f"loss {line['total']:.4f}  lr {line['lr']:.2e}  {speed:.1f} images/s"
        if self._bar is None:
            text = f"step {line['step']}/{self._steps}  {note}"
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)
        elif "validation" in line:
            text = f"step {line['step']}  {note}"
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            self._bar.update(self._task, note=note)

    def __enter__(self) -> "Display":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


class Scalars:
    """The journal's figures for TensorBoard, where that package is installed.

    Args:
        after: steps that are done; what an earlier process wrote beyond them is hidden.
    """

    def __init__(self, folder: Path, after: int, *, wanted: bool = True) -> None:
        self._writer: Any = None
        if not wanted:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            logger.info("tensorboard is not installed; the journal holds the same figures")
            return
        with self._spared():
            self._writer = SummaryWriter(str(folder), purge_step=after + 1 if after else None)

    def line(self, line: Mapping[str, Any]) -> None:
        if self._writer is None:
            return
        with self._spared():
            for name, value in _flat(line):
                self._writer.add_scalar(name, value, line["step"])

    def __enter__(self) -> "Scalars":
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            with self._spared():
                self._writer.close()

    @contextmanager
    def _spared(self) -> Iterator[None]:
        """A convenience that cannot be written ends itself, not the run."""
        try:
            yield
        except OSError as error:
            self._writer = None
            logger.warning("tensorboard: cannot write (%s); going on without it", error.strerror)


def _flat(line: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    pairs: list[tuple[str, float]] = []
    for key, value in line.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{key}/")
        elif f"{prefix}{key}" not in ("step", "speed/seconds"):
            pairs.append((f"{prefix}{key}", float(value)))
    return pairs
