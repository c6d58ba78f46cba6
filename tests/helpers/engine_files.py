"""A stand-in for what `make app` fetches, so that most tests need no network."""

import gzip
from pathlib import Path

import pytest

from featherdepth.app import engine

FETCHED = all((engine.FOLDER / (n + engine.PACKED)).is_file() for n in engine.read_engine().files)
needs_engine = pytest.mark.skipif(not FETCHED, reason="make app has not fetched the page's engine")


def stand_in(folder: Path) -> Path:
    """Write a file for each that the page names, gzipped, with its name in it."""
    folder.mkdir()
    for name in engine.read_engine().files:
        packed = gzip.compress(f"the file {name}".encode() * 20)
        (folder / (name + engine.PACKED)).write_bytes(packed)
    return folder
