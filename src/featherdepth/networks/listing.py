"""The shipped list of all networks with their sizes, readable without torch."""

import json
from pathlib import Path
from typing import TypedDict, cast

LISTING = Path(__file__).with_name("networks.json")
"""Written by `python -m featherdepth.networks.counting`."""


class NetworkRow(TypedDict):
    """One network."""

    name: str
    params: int
    macs: int
    """At 448x448, in the thop convention."""


def list_networks() -> list[NetworkRow]:
    """All networks, sorted by name."""
    return cast(list[NetworkRow], json.loads(LISTING.read_text(encoding="utf-8")))
