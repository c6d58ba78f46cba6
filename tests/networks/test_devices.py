"""A device that is not there ends in one line, before anything is read."""

from pathlib import Path

import pytest
import torch

from featherdepth import api
from featherdepth.errors import BackendError, FeatherDepthError, UsageError
from featherdepth.networks.devices import find_device
from featherdepth.training.processes import Processes

RECIPE = """
network = "fast"
size = [64, 96]
batch = 2
steps = 3
losses = [{name = "ilnr"}]
data = [{name = "manifest", root = "nowhere", split = "val"}]
"""


def test_a_device_that_is_there_is_taken() -> None:
    assert find_device("cpu") == Processes("cpu").device == torch.device("cpu")


@pytest.mark.parametrize("name", ["banana", "", "cpu:x", "meta"])
def test_what_is_no_device_is_refused_with_what_is_one(name: str) -> None:
    with pytest.raises(UsageError, match="expected cpu, cuda or cuda:0"):
        Processes(name)


@pytest.mark.parametrize("name", ["cuda:99", "xpu"])
def test_a_device_that_torch_does_not_see_is_refused(name: str) -> None:
    with pytest.raises(BackendError, match=f"device '{name}': torch sees no such device here"):
        Processes(name)


@pytest.mark.parametrize("name", ["banana", "cuda:99"])
def test_training_refuses_a_device_before_it_looks_for_data(name: str, tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(RECIPE)

    with pytest.raises(FeatherDepthError, match=f"device '{name}'"):
        api.train(recipe, tmp_path / "run", device=name)
    assert not (tmp_path / "run").exists()
