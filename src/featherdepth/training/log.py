"""All that a run tells while it goes: journal, TensorBoard, progress on stderr."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from featherdepth.training.journal import Journal
from featherdepth.training.progress import Display, Scalars
from featherdepth.training.trainer import Trainer


class RunLog:
    """Tells of a trainer's steps; in all processes but the first it only keeps step with it."""

    def __init__(self, folder: Path, trainer: Trainer, *, shown: bool) -> None:
        self._trainer = trainer
        self._start, self._done = time.perf_counter(), trainer.step
        self._journal: Journal | None = None
        if not trainer.processes.first:
            return
        config = trainer.config
        self._journal = Journal(folder / "journal.jsonl", after=trainer.step)
        self._scalars = Scalars(
            folder / "tensorboard", after=trainer.step, wanted=config.tensorboard
        )
        self._display = Display(steps=config.steps, done=trainer.step, shown=shown)
        self._stack = ExitStack()

    def step(self) -> None:
        """Tell of the step just made: the bar moves; every `log_every` steps a line is written."""
        trainer, step = self._trainer, self._trainer.step
        if self._journal is not None:
            self._display.step(step)
        if step % trainer.config.log_every and step != trainer.config.steps:
            return
        trainer.check_finite()
        figures = trainer.meter.read(trainer.processes)  # waits for the device
        seconds = time.perf_counter() - self._start
        images = (step - self._done) * trainer.batches.size
        line: dict[str, Any] = {
            "step": step,
            "total": figures["total"],
            "losses": _part(figures, "losses/"),
            "lr": trainer.rate,
            "grad_norm": figures["grad_norm"],
            "speed": {"images_per_s": images / seconds, "seconds": seconds},
        }
        if watched := _part(figures, "watched/"):
            line["watched"] = watched
        self.line(line)
        self._start, self._done = time.perf_counter(), step

    def line(self, line: Mapping[str, Any]) -> None:
        """Write one line everywhere."""
        if self._journal is not None:
            self._journal.write(line)
            self._scalars.line(line)
            self._display.line(line)

    def flush(self) -> None:
        """Push the journal to the disk, so that no checkpoint outlives the lines before it."""
        if self._journal is not None:
            self._journal.flush()

    def __enter__(self) -> "RunLog":
        if self._journal is not None:
            self._stack.enter_context(self._journal)
            self._stack.enter_context(self._scalars)
            self._stack.enter_context(self._display)
        return self

    def __exit__(self, *_: object) -> None:
        if self._journal is not None:
            self._stack.close()


def _part(figures: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {n.removeprefix(prefix): v for n, v in figures.items() if n.startswith(prefix)}
