"""What the rows of a benchmark call their models."""

import os
from collections.abc import Sequence
from pathlib import Path

from featherdepth.errors import UsageError
from featherdepth.runtime.presets import DEFAULT
from featherdepth.runtime.reference import resolve


def references(models: Sequence[str | Path | None]) -> list[str | None]:
    """The models as text: a path stays one, where an embedded model has the same name."""
    return [None if model is None else _text(model) for model in models]


def row_names(models: Sequence[str | None]) -> list[str]:
    """A name for each: the last part of its path, or as many as tell it from the others.

    Raises:
        UsageError: an unknown model, or one thing that is named twice.
        WeightsError: a file or folder that is not there or is no model.
    """
    places: dict[tuple[str, str | None], str] = {}
    for model in models:
        text, found = model or "default", resolve(model, files=True)
        place = (os.path.realpath(found.path), found.network)
        if place in places:
            raise UsageError(f"{text}: is the same model as {places[place]}; name each once")
        places[place] = text
    parts = [Path(model or DEFAULT).parts for model in models]
    return [
        _shortest(own, [*parts[:i], *parts[i + 1 :]]) or models[i] or DEFAULT
        for i, own in enumerate(parts)
    ]


def _text(model: str | Path) -> str:
    bare = isinstance(model, Path) and len(model.parts) == 1
    return f"./{model}" if bare else str(model)


def _shortest(own: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str | None:
    """The shortest end of a path that no other has; None if another ends in all of it."""
    for count in range(1, len(own) + 1):
        end = own[-count:]
        if all(other[-count:] != end for other in others):
            return str(Path(*end))
    return None
