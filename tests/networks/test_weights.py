"""Weights survive the folder within the rounding of fp16, and only fit their own network."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from featherdepth.errors import UsageError, WeightsError
from featherdepth.networks.build import build_network
from featherdepth.networks.folder import read_tensors
from featherdepth.networks.weights import load_into, load_model, save_model
from featherdepth.types import DepthKind, Preset

PRESET = Preset(
    name="toy",
    network="small",
    kind=DepthKind.AFFINE_INVARIANT,
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    params=0,
    macs=0,
    license="Apache-2.0",
)


@pytest.fixture(scope="module")
def module() -> nn.Module:
    torch.manual_seed(0)
    return build_network("small", mean=PRESET.mean, std=PRESET.std)


@pytest.fixture(scope="module")
def folder(module: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "toy"
    save_model(path, PRESET, module, "# toy\n")
    return path


def test_matrices_are_fp16_and_everything_else_float32(folder: Path, module: nn.Module) -> None:
    preset, tensors = read_tensors(folder)

    matrices = {k for k, p in module.named_parameters() if p.ndim >= 2}
    assert {k for k, v in tensors.items() if v.dtype == np.float16} == matrices
    assert {v.dtype.name for k, v in tensors.items() if k not in matrices} == {"float32"}
    assert "normalize.mean" in tensors and not any("num_batches" in k for k in tensors)
    assert preset.params == 3_456_977


def test_what_is_loaded_is_what_was_stored(folder: Path, module: nn.Module) -> None:
    preset, loaded = load_model(folder)

    assert preset.sha256 and not loaded.training
    state = loaded.state_dict()
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        half = tensor.ndim >= 2 and not name.startswith("normalize.")
        expected = tensor.half().float() if half else tensor
        torch.testing.assert_close(state[name], expected, rtol=0, atol=0)


def test_loading_into_a_module_equals_building_it(folder: Path) -> None:
    other = build_network("small", mean=PRESET.mean, std=PRESET.std)

    load_into(other, folder)

    for mine, loaded in zip(other.parameters(), load_model(folder)[1].parameters(), strict=True):
        assert torch.equal(mine, loaded)


def test_weights_of_another_network_are_refused_with_the_keys(folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"does not fit network 'small': misses .+ and \d+ more"):
        load_into(build_network("efficientnet-lite0"), folder)


def test_another_width_is_refused_with_both_shapes(folder: Path) -> None:
    wide = build_network("small", {"widths": [64, 96, 128]}, mean=PRESET.mean, std=PRESET.std)

    with pytest.raises(WeightsError, match=r"is \(.+\) where the network has \(.+\)"):
        load_into(wide, folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e5])
def test_what_fp16_cannot_hold_is_not_written(value: float, tmp_path: Path) -> None:
    module = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        module.weight[0, 0] = value

    with pytest.raises(WeightsError, match=r"weight: .*nothing was written"):
        save_model(tmp_path / "bad", PRESET, module, "")
    assert not (tmp_path / "bad").exists()


def test_config_and_weights_must_agree_on_the_mean(module: nn.Module, tmp_path: Path) -> None:
    save_model(tmp_path, replace(PRESET, mean=(0.4, 0.5, 0.5)), module, "")

    with pytest.raises(WeightsError, match=r"mean in config\.json is"):
        load_model(tmp_path)


def test_a_network_that_does_not_exist_is_named(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"network": "smal"}))

    with pytest.raises(UsageError, match="unknown network 'smal'; did you mean 'small'"):
        load_model(tmp_path)
