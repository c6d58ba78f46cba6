"""The page's files, with a stand-in for the engine."""

from pathlib import Path

import pytest

from engine_files import stand_in
from featherdepth.app import engine
from featherdepth.app.site import Site, gather
from featherdepth.runtime.presets import embedded_folder


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = stand_in(tmp_path / "vendor")
    monkeypatch.setattr(engine, "FOLDER", folder)
    return folder


@pytest.fixture
def small() -> Path:
    return embedded_folder("small")


@pytest.fixture
def site(vendor: Path, small: Path) -> Site:
    return gather(small)
