"""A distillation of a few steps on small photos, for tests; a script too: kills need processes.

python distilling.py kill PHOTOS TEACHER ROOT cached|online|PAIRS PLACE[:N] ...
    one run that nobody disturbs in ROOT/whole, and one in ROOT/killed that is killed with SIGKILL
    when it comes to PLACE for the N-th time, resumed, killed at the next place, and so on;
    PAIRS is a data folder whose labels are learned beside the photos, with a cache
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import featherdepth.distill.outcome
import featherdepth.distill.pictures
import featherdepth.distill.views
import featherdepth.images.atomic
import featherdepth.networks.folder
import featherdepth.training.checkpoint
from featherdepth.data.probe import open_data
from featherdepth.distill.recipe import DistillRecipe, parse_recipe
from featherdepth.distill.run import Distilled
from featherdepth.distill.run import distill as run
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.errors import FeatherDepthError

TABLE: dict[str, Any] = {
    "student": "fast",
    "init": "random",
    "steps": 6,
    "size": [64, 64],
    "batch": 2,
    "input_size": 64,
    "long_side": 96,
    "gradients_every": 2,
    "loop": {
        "lr": 2e-3,
        "ema": 0.5,
        "precision": "fp32",
        "log_every": 1,
        "validate_every": 2,
        "checkpoint_every": 2,
        "watch": "rms",
        "tensorboard": False,
    },
    "losses": [
        {"name": "channel_kl"},
        {"name": "geometric", "trunk": "random", "points": 64},
        {"name": "anchor", "weight": 0.01},
    ],
}
# Few photos at a time, and layers of the distiller's own: more that a resume could forget.
ONLINE = {
    "memory_gb": 2e-4,
    "visits": 1,
    "losses": [*TABLE["losses"], {"name": "mse", "features": ["enc8"]}],
}


def recipe(**changes: Any) -> DistillRecipe:
    """The tiny recipe; `loop` replaces single keys."""
    table = TABLE | changes
    return parse_recipe(table | {"loop": TABLE["loop"] | changes.get("loop", {})}, "tiny")


def beside(root: str | Path, **changes: Any) -> dict[str, Any]:
    """The table `labelled` for a folder with a manifest."""
    return {
        "batch": 3,
        "data": [{"name": "manifest", "root": str(root), "split": "train"}],
        "losses": [{"name": "ilnr"}, {"name": "gradient", "weight": 0.5}],
        **changes,
    }


def distill(
    photos: Path,
    teacher: Any,
    folder: Path,
    *,
    options: dict[str, Any] | None = None,
    **changes: Any,
) -> Distilled:
    """Run the tiny recipe with `changes`."""
    opened = open_teacher(teacher) if isinstance(teacher, str | Path) else teacher
    chosen = {"device": "cpu", "threads": 1} | (options or {})
    return run(open_data(photos), opened, recipe(**changes), folder, **chosen)


PLACES: dict[str, tuple[Any, str]] = {
    "batch": (featherdepth.distill.views.DistillBatches, "__call__"),
    "checkpoint": (featherdepth.training.checkpoint, "_flush_folder"),
    "document": (featherdepth.distill.outcome, "write_json"),
    "file": (featherdepth.images.atomic, "_to_disk"),
    "model": (featherdepth.networks.folder, "write_atomic"),
    "picture": (featherdepth.distill.pictures, "write_atomic"),
}
"""Where a run can be made to die: `file` with a file half-written, `model` between two files."""


def die_at(place: str) -> None:
    """Kill this process when it comes to a place for the n-th time."""
    name, _, count = place.partition(":")
    owner, attribute = PLACES[name]
    real, left = getattr(owner, attribute), [int(count or 1)]

    def counted(*args: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)

    setattr(owner, attribute, counted)


def guarded(call: Callable[[], Any]) -> int:
    try:
        call()
    except FeatherDepthError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def in_child(call: Callable[[], Any]) -> int:
    """The exit code of `call` in a process of its own; minus the signal that ended it."""
    process = os.fork()
    if process == 0:
        os._exit(guarded(call))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill_and_resume(photos: Path, teacher: str, root: Path, labels: str, places: list[str]) -> None:
    def once(name: str, place: str = "") -> None:
        if place:
            die_at(place)
        cached = labels != "online"
        options = {"resume": True, "cache": root / name / "cache" if cached else None}
        changes = {} if cached else ONLINE
        if labels not in ("cached", "online"):
            changes = {"labelled": beside(labels)}
        # The folder gives the model its name: it must be the same for both.
        distill(photos, teacher, root / name / "run", options=options, **changes)

    codes = [in_child(lambda: once("whole"))]
    codes += [in_child(lambda p=place: once("killed", p)) for place in places]
    codes += [in_child(lambda: once("killed"))]
    print(json.dumps(codes))


if __name__ == "__main__":
    torch.set_num_threads(1)
    kill_and_resume(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), sys.argv[5], sys.argv[6:])
