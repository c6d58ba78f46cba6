"""A teacher of our own with random weights, and runs of a few steps on small photos."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.networks.build import build_network

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


@pytest.fixture(scope="session")
def encoder_file(
    tmp_path_factory: pytest.TempPathFactory, randomize: Callable[[nn.Module], nn.Module]
) -> Path:
    """Random weights of EfficientNet-lite0 under the names of the released file."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        encoder = randomize(build_network("efficientnet-lite0"))
    state = {}
    for key, tensor in encoder.state_dict().items():
        name = key.replace("stem.conv", "_conv_stem").replace("stem.bn", "_bn0")
        for i, part in enumerate(("expand", "depthwise", "project")):
            name = name.replace(f".{part}.conv.", f"._{part}_conv.")
            name = name.replace(f".{part}.bn.", f"._bn{i}.")
        state[name.replace("blocks.", "_blocks.")] = tensor
    path = tmp_path_factory.mktemp("imagenet") / "lite0.pth"
    torch.save(state, path)
    return path
