"""Small exported files, made once: recording a graph takes many seconds."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from filelock import FileLock

from featherdepth.export import single_file as single_file_room
from featherdepth.export.single_file import single_file
from featherdepth.export.source import Source, open_source
from sharing import shared_folder
from tracing import no_shape_checks


@pytest.fixture(scope="session")
def source(make_model: Callable[..., Path]) -> Source:
    """The network `small` with random weights, at an everyday size of 128."""
    materials = ({"name": "noise", "class": "A"},)
    folder = make_model("small", graph=False, size=128, materials=materials)
    return open_source(folder)


@pytest.fixture(scope="session")
def recorded(source: Source, tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    """Its float graph of open size; not to be changed."""
    shared = shared_folder(tmp_path_factory) / "recorded.onnx"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            with no_shape_checks():
                onnx.save(single_file(source.module, multiple=64), shared)
    return onnx.load(shared)


@pytest.fixture
def quick(recorded: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Exports of open size take the graph that is recorded already."""

    def graph(module: Any, *, multiple: int, size: Any = None) -> onnx.ModelProto:
        assert size is None and multiple == 64
        return copy.deepcopy(recorded)

    monkeypatch.setattr(single_file_room, "single_file", graph)
    yield
