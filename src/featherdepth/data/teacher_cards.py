"""Whose maps a cache holds: the card of a teacher, and cache.json, which repeats it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featherdepth.config import read_json
from featherdepth.errors import InputError, RunError
from featherdepth.geometry.resize import Size
from featherdepth.types import DepthKind

ABOUT = "cache.json"
FORMAT = "featherdepth-maps-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherCard:
    """What is known about a teacher without opening it; its student's card repeats it, too."""

    name: str
    """For people: a model's name, or the reference it was opened with."""
    kind: DepthKind
    """What its numbers mean; its student inherits it."""
    digest: str
    """Changes whenever the same photo could give another map: of weights and preprocessing."""
    license: str
    """Of the weights; empty if nobody states one."""
    materials: tuple[dict[str, Any], ...]
    """Bill of materials: one table an ingredient (name, class, terms, use); itself included."""
    params: int | None = None

    @property
    def commercial(self) -> bool:
        """Whether every ingredient's terms are known and allow commercial use (no class C)."""
        return bool(self.license) and all(m.get("class") != "C" for m in self.materials)


def stated(card: TeacherCard, size: int | Size | None) -> dict[str, Any]:
    """What cache.json holds."""
    return {
        "format": FORMAT,
        "size": None if size is None else list(size) if isinstance(size, tuple) else size,
        "teacher": {
            "digest": card.digest,
            "kind": card.kind.value,
            "license": card.license,
            "materials": list(card.materials),
            "name": card.name,
            "params": card.params,
        },
    }


def read_about(folder: Path) -> tuple[TeacherCard, int | Size | None]:
    """Teacher and size of the cache in a folder.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = folder / ABOUT
    if not path.is_file():
        raise InputError(
            f"{folder}: no cache of maps here ({ABOUT}); make one with featherdepth label"
        )
    try:
        about = read_json(path)
        said, size = about["teacher"], about["size"]
        card = TeacherCard(
            name=str(said["name"]),
            kind=DepthKind(said["kind"]),
            digest=str(said["digest"]),
            license=str(said["license"]),
            materials=tuple(dict(row) for row in said["materials"]),
            params=said["params"],
        )
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']!r}")
    except (InputError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged, or not of a cache of maps: {error}") from error
    return card, tuple(size) if isinstance(size, list) else size


def check_empty(folder: Path, ours: tuple[str, ...]) -> None:
    """Refuse a folder that holds something else than a cache begins with.

    Args:
        ours: names of the folders of a cache.

    Raises:
        RunError: it does, or cannot be read.
    """
    try:
        names = [path.name for path in folder.iterdir()]
        others = [name for name in names if not name.startswith(".") and name not in ours]
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"{folder}: cannot be a cache: {error.strerror or error}") from error
    # Another process may have begun the cache since we looked.
    if others and ABOUT not in others:
        raise RunError(
            f"{folder}: holds {sorted(others)[0]} and no {ABOUT}; expected a cache of maps, or a"
            " new or empty folder"
        )


def check_same(path: Path, about: Mapping[str, Any]) -> None:
    """Refuse the cache.json of another teacher, kind or size.

    Raises:
        RunError: it is one, or damaged.
    """
    try:
        found = read_json(path)
        teacher = found["teacher"]
        theirs = {key: teacher[key] for key in ("digest", "kind")}
        name, size, form = str(teacher["name"]), found["size"], found["format"]
    except (InputError, LookupError, TypeError) as error:
        raise RunError(
            f"{path}: damaged, or not of a cache of maps ({error}); choose another folder"
        ) from error
    if form != about["format"]:
        raise RunError(f"{path}: format {form!r}; expected {FORMAT!r}: choose another folder")
    wanted = about["teacher"]
    for key, value in theirs.items():
        if value != wanted[key]:
            raise RunError(
                f"{path.parent}: maps of teacher {name!r} ({key} {value[:16]}), not of"
                f" {wanted['name']!r} ({wanted[key][:16]}); choose another folder for these maps"
            )
    if size != about["size"]:
        raise RunError(
            f"{path.parent}: maps asked for at size {_shown(size)}, not {_shown(about['size'])};"
            " choose another folder for these maps, or that size"
        )


def _shown(size: Any) -> str:
    if size is None:
        return "of the teacher's own choice"
    return "x".join(map(str, size)) if isinstance(size, list) else str(size)
