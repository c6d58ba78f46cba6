"""What is looked at in the folder of a run before any work is done for it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featherdepth.errors import RunError
from featherdepth.images.atomic import probe
from featherdepth.networks.folder import CARD, CONFIG
from featherdepth.training.checkpoint import Checkpoints
from featherdepth.training.identity import refusal
from featherdepth.training.settings import LoopConfig

RUN = "run.json"


def check_place(folder: Path, *, resume: bool) -> None:
    """Refuse a folder that cannot be written, or with a model that no run here goes on from.

    The model's weights would be replaced. So is one with a README.md alone, which is somebody's
    own: in its place the card would be written. With `resume`, `check_owner` asks further.

    Raises:
        RunError: it is such a folder.
    """
    try:
        probe(folder)
        held = None if _started(folder) else _held(folder)
    except OSError as error:
        raise RunError(f"{folder}: cannot write: {error.strerror or error}") from error
    if held is not None and not (resume and (folder / RUN).exists()):
        words = f"{folder}: holds {held} already; take another folder"
        if not resume:
            words += (
                ", or --resume if a run of this recipe was stopped there before its first"
                " checkpoint"
            )
        raise RunError(words)


def check_owner(
    folder: Path, config: LoopConfig, identity: Mapping[str, Any], *, resume: bool
) -> None:
    """Refuse to resume where the model is of another run that left no checkpoint.

    Where there is a checkpoint, `training.loop.check_start` asks that.

    Raises:
        RunError: it is of another, or nobody says whose it is.
    """
    if not resume or _started(folder) or (held := _held(folder)) is None:
        return
    if found := told_apart(folder, config, identity):
        raise RunError(f"{folder}: holds {held} already: {found}")


def told_apart(folder: Path, config: LoopConfig, identity: Mapping[str, Any]) -> str:
    """How the run that run.json tells of differs from one of this identity; empty if it does not.

    A file that is missing or cannot be read tells of another run.
    """
    try:
        said = json.loads((folder / RUN).read_bytes())
    except (OSError, ValueError):
        said = None
    if not isinstance(said, dict) or "recipe" not in said:
        return f"its {RUN} is missing or tells of no run; take another folder"
    noted = {key: said[key] for key in identity if key in said}  # beside them stand mere facts
    return refusal(noted, dict(identity), config)


def _started(folder: Path) -> bool:
    return bool(Checkpoints(folder / "checkpoints", keep=2).paths())


def _held(folder: Path) -> str | None:
    """What somebody would miss."""
    if (folder / CONFIG).exists():
        return "a model"
    return f"a {CARD}" if (folder / CARD).exists() else None
