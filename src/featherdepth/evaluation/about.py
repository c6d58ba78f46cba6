"""Whose predictions a folder holds, said once beside them: predictions.json."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from featherdepth.config import read_json
from featherdepth.errors import InputError, RunError
from featherdepth.images.atomic import PARTIAL, make_folder, write_json

ABOUT = "predictions.json"
FORMAT = "featherdepth-predictions-1"
MAPS = ("sha256", "precision", "size")
"""What folders of older versions do not say."""
UNSAID = {"size": "the model's own size", "split": "no split"}
"""What None means."""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """Whose predictions a folder holds."""

    model: str
    data: str
    split: str | None
    protocol: str
    sha256: str | None = None
    """Of the weights; empty where there are none, None where the folder does not say it."""
    precision: str | None = None
    size: int | tuple[int, int] | None = None
    """Of the network's input as it was asked for; None is the model's own."""


def begin_folder(folder: Path, about: About) -> About:
    """Take a folder that is new, empty, or of the same About; returns what the folder says.

    Several processes may begin one at once.

    Raises:
        InputError: its file is damaged.
        RunError: it holds something else, or cannot be written.
    """
    path = folder / ABOUT
    if not path.exists():
        # Another process may have begun it since: with its file all that is there is known.
        if _holds_others(folder) and not path.exists():
            raise RunError(f"{folder}: holds something else; name a new or empty folder")
        make_folder(folder)
        said = {"format": FORMAT, **asdict(about)}
        write_json(path, said)
    found = read_about(folder)
    for field in fields(About):
        if field.name in MAPS and found.sha256 is None:
            continue
        here, asked = getattr(found, field.name), getattr(about, field.name)
        if here != asked:
            unsaid = UNSAID.get(field.name, "None")
            there = unsaid if here is None else f"{field.name} {here!r}"
            wanted = unsaid if asked is None else repr(asked)
            raise RunError(f"{folder}: predictions of {there}, not {wanted}; name another folder")
    return found


def read_about(folder: Path) -> About:
    """What a folder says of its predictions.

    Raises:
        InputError: not a folder of predictions, or its file is damaged.
    """
    path = folder / ABOUT
    if not path.is_file():
        raise InputError(f"{folder}: no {ABOUT}; expected a folder of evaluate --save-predictions")
    said: dict[str, Any] = read_json(path)
    if said.get("format") != FORMAT:
        raise InputError(f"{path}: format {said.get('format')!r}; expected {FORMAT!r}")
    known = {field.name: said.get(field.name) for field in fields(About)}
    empty = {"split", *MAPS}
    size = known.pop("size")
    texts = [text for key, text in known.items() if not (key in empty and text is None)]
    if isinstance(size, list) and len(size) == 2:
        size = (size[0], size[1])
    sides = size if isinstance(size, tuple) else () if size is None else (size,)
    if not (all(isinstance(t, str) for t in texts) and all(isinstance(s, int) for s in sides)):
        raise InputError(f"{path}: damaged: {known | {'size': size}}")
    return About(**known, size=size)  # type: ignore[arg-type]


def _holds_others(folder: Path) -> bool:
    """Whether something is there that is no half-written file, of a process at work or killed."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return True
    except OSError as error:
        raise RunError(f"{folder}: cannot look into it: {error.strerror}") from error
    return not all(name.startswith(".") and name.endswith(PARTIAL) for name in names)
