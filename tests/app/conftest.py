"""A stand-in for what `make app` fetches, so that these tests need no network."""

import gzip
from pathlib import Path

import pytest

from featherdepth.app import engine
from featherdepth.app.site import Site, gather
from featherdepth.runtime.presets import embedded_folder


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "vendor"
    folder.mkdir()
    for name in engine.read_engine().files:
        packed = gzip.compress(f"the file {name}".encode() * 20)
        (folder / (name + engine.PACKED)).write_bytes(packed)
    monkeypatch.setattr(engine, "FOLDER", folder)
    return folder


@pytest.fixture
def small() -> Path:
    return embedded_folder("small")


@pytest.fixture
def site(vendor: Path, small: Path) -> Site:
    return gather(small)
