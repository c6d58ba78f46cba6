"""Which models run against each other: every one in every backend and precision that it can."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from featherdepth.errors import BackendError, UsageError
from featherdepth.evaluation.speed.names import references, row_names
from featherdepth.runtime.backends import BACKENDS, SLOW_TO_START, Precision, available
from featherdepth.runtime.exported import SUFFIXES
from featherdepth.runtime.model import DepthModel

ALL = "all"


def open_field(
    models: Sequence[str | Path | None],
    backends: Sequence[str],
    precisions: Sequence[str],
    threads: int,
) -> tuple[dict[str, tuple[str | None, DepthModel]], list[dict[str, Any]]]:
    """Open them, in the order of the arguments.

    Args:
        models: None is the everyday model; an exported file has one backend and one precision.
        backends: names, "auto", or "all" that are installed and start at once.
        precisions: names, "auto", or "all".

    Returns:
        Name of the row -> (reference, opened model); and `name` and `reason` of what cannot run.

    Raises:
        UsageError: an unknown model, backend or precision; it is the same on every machine. Or a
            model that is named twice.
        WeightsError: a model that is missing or damaged.
        BackendError: nothing can run.
    """
    opened: dict[str, tuple[str | None, DepthModel]] = {}
    left_out: list[dict[str, Any]] = []
    asked = references(models)
    for reference, name in zip(asked, row_names(asked), strict=True):
        file = Path(reference or "").suffix in SUFFIXES
        for backend in ("auto",) if file else _named(backends, _installed()):
            for precision in ("auto",) if file else _named(precisions, list(get_args(Precision))):
                try:
                    one = DepthModel.from_pretrained(
                        reference, backend=backend, precision=precision, threads=threads
                    )
                except BackendError as error:
                    said = f"{reference or 'default'} {backend} {precision}"
                    left_out.append({"name": said, "reason": str(error)})
                    continue
                opened[f"{name} {one.backend} {one.precision}"] = (reference, one)
    if not opened:
        raise BackendError(f"nothing to time: {left_out[0]['reason']}")
    return opened, left_out


def _installed() -> list[str]:
    return [name for name in BACKENDS if available(name) and name != SLOW_TO_START]


def _named(asked: Sequence[str], every: list[str]) -> list[str]:
    known = ["auto", *every]
    for name in asked:
        if name not in (*known, ALL, *BACKENDS):
            raise UsageError(f"{name!r} is unknown; expected all, {', '.join(known)}")
    return every if ALL in asked else list(dict.fromkeys(asked))
