"""What a finished run was made by: kept in its done.json, and compared before it counts again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featherdepth.config import read_json, read_toml, set_keys
from featherdepth.errors import RunError
from featherdepth.images.atomic import write_atomic
from featherdepth.networks.folder import CONFIG, read_config

DONE = "done.json"
MADE_BY = "made_by"
Made = Mapping[str, Any]


def made_by(
    recipe: Path,
    assignments: list[str],
    changes: list[str],
    *,
    photos: str = "",
    models: Mapping[str, Path],
) -> Made:
    """All that a run's result depends on, as JSON can hold it.

    Args:
        assignments: of the row, over the recipe.
        changes: of the command line, over both.
        models: what it learns from or begins with; those that are not there are left out.
    """
    found: Made = {
        "recipe": set_keys(read_toml(recipe), assignments),
        "photos": photos,
        "set": changes,
        "models": {
            role: _model(folder) for role, folder in models.items() if (folder / CONFIG).is_file()
        },
    }
    return found


def is_done(folder: Path, made: Made) -> bool:
    """Whether the folder holds a finished run made by this.

    One that was finished before it was noted what made it counts.

    Raises:
        RunError: it holds one that was made by something else.
    """
    if not (folder / DONE).is_file():
        return False
    before = read_json(folder / DONE).get(MADE_BY)
    if before is not None:
        _compare(folder, before, made)
    return True


def write_done(folder: Path, result: Mapping[str, Any], made: Made) -> None:
    """Note that the run is finished, and what it was made by."""
    text = json.dumps({**result, MADE_BY: made}, default=str)
    write_atomic(folder / DONE, text.encode())


def _model(folder: Path) -> dict[str, str]:
    return {"name": folder.name, "sha256": read_config(folder).sha256}


def _compare(folder: Path, before: Made, made: Made) -> None:
    was, now = _flat(before), _flat(made)
    for key in sorted(was.keys() | now.keys()):
        part = key.split(".")[0]
        if part not in made or (part == "models" and key not in now):
            continue  # not asked about, or a start that is no longer there
        if was.get(key) != now.get(key):
            first, second = (
                f"{key} {found[key]!r}" if key in found else f"no {key}" for found in (was, now)
            )
            raise RunError(
                f"{folder}: finished with {first}, now {second}; take another folder, or move this"
                " one away to run it anew"
            )


def _flat(value: Any, where: str = "") -> dict[str, Any]:
    """Every plain value by its place."""
    if isinstance(value, Mapping):
        pairs = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        pairs = [(str(i), item) for i, item in enumerate(value)]
    else:
        return {where: value}
    return {
        place: plain
        for key, item in pairs
        for place, plain in _flat(item, f"{where}.{key}".removeprefix(".")).items()
    }
