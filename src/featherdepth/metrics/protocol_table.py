"""The tables of `protocols.toml`: keys of every protocol, and alignments behind a plus."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from featherdepth.config import read_toml

TABLE = "protocols.toml"
SUFFIXES = "alignments"
"""The table that is no protocol."""


def tables() -> dict[str, dict[str, Any]]:
    """Protocol -> its keys, over those of the one that it `extends`."""
    named = {name: table for name, table in _document().items() if name != SUFFIXES}
    return {name: _inherited(table, named) for name, table in named.items()}


def alignments() -> dict[str, dict[str, str]]:
    """Alignments that a name may end in -> fields of the protocol that they set."""
    found: dict[str, dict[str, str]] = _document()[SUFFIXES]
    return found


@cache
def _document() -> dict[str, Any]:
    return read_toml(Path(__file__).with_name(TABLE))


def _inherited(table: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in table.items() if key != "extends"}
    if "extends" not in table:
        return own
    return {**_inherited(named[table["extends"]], named), **own}
