"""A teacher of our own with random weights, and runs of a few steps on small photos."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher

SCRIPT = Path(__file__).with_name("distilling.py")


@pytest.fixture(scope="session")
def distilling() -> ModuleType:
    """The tiny distillation as a module; it is also a script."""
    spec = importlib.util.spec_from_file_location("distilling", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def teacher_folder(make_model: Callable[..., Path]) -> Path:
    """The folder of a random network that sees photos at 64x64; not to be written into."""
    return make_model("fast", graph=False, size=64, multiple=32)


@pytest.fixture(scope="session")
def own_teacher(teacher_folder: Path) -> Teacher:
    return open_teacher(teacher_folder)
