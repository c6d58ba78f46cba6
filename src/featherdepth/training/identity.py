"""Whether a run that lies in a folder is the one that is asked for."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from featherdepth.training.settings import WITHOUT_EFFECT, LoopConfig

FORMAT = "identity_format"
"""Key of an identity: a number that grows when a later version notes more of the data."""


def refusal(before: Mapping[str, Any], now: Mapping[str, Any], config: LoopConfig) -> str:
    """Why a run of identity `before` does not go on as `now`, in words; empty if it does.

    Keys that change no weight may differ.
    """
    free = WITHOUT_EFFECT - ({"validate_every"} if config.watch else set())
    place, words = _first_difference(before, now, "", free)
    if place.rpartition(".")[2] == FORMAT:
        return (
            "cannot resume a run of another version of featherdepth, which told data apart in"
            " another way; finish it with that version, or take another folder"
        )
    return f"cannot resume with another recipe: {place} {words}" if words else ""


def _first_difference(before: Any, now: Any, where: str, free: AbstractSet[str]) -> tuple[str, str]:
    """The first key whose value changed and how; empty if none did but those that are free."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            place = f"{where}.{key}".removeprefix(".")
            if key in free:
                continue
            if key not in before or key not in now:
                return place, f"is {'new' if key in now else 'missing'}"
            found = _first_difference(before[key], now[key], place, free)
            if found[1]:
                return found
        return "", ""
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return _first_difference(dict(enumerate(before)), dict(enumerate(now)), where, free)
    return ("", "") if before == now else (where, f"was {before!r}, now {now!r}")
