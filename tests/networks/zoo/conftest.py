"""Weights and inputs by rule: what published code makes of them is known to nine digits."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from featherdepth.networks.build import build_network

CHECKPOINTS = Path(__file__).parents[2] / "golden" / "checkpoints"
CONSTANTS = ["encoder3", "encoder5", "encoder7"]
CONSTANTS += [f"prop_layer.{name}" for name in ("w", "b", "w_conf", "aff_scale_const")]


@pytest.fixture(scope="session")
def released_shapes():
    """Names and shapes of the tensors of the released files, by network."""
    return {
        name: json.loads((CHECKPOINTS / f"{name.replace('-', '_')}.json").read_text())
        for name in ("enet", "penet-c2", "nlspn")
    }


@pytest.fixture(scope="session")
def fill_by_rule():
    """Gives every tensor values that follow from its indices and the length of its name."""

    def fill(module: nn.Module) -> nn.Module:
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point() or name in CONSTANTS:
                continue
            index = torch.arange(tensor.numel(), dtype=torch.float64)
            value = index.mul_(0.37).add_(0.11 * len(name)).sin_().reshape(tensor.shape)
            if name.endswith("running_var"):
                value = 1 + 0.5 * value**2
            elif value.ndim > 1:
                value.mul_((3 / value[0].numel()) ** 0.5)
            elif name.endswith("weight"):
                value = 1 + 0.2 * value
            else:
                value = 0.1 * value
            tensor.copy_(value)
        return module.eval()

    return fill


@pytest.fixture(scope="session")
def large():
    """PENet in float64, allocated without drawing 132 million weights, which it shares with ENet.

    Its `encoder*` are left empty: nothing reads them.
    """
    with torch.device("meta"):
        network = build_network("penet-c2").double()
    return network.to_empty(device="cpu")


@pytest.fixture(scope="session")
def scene():
    """RGB 0..255, sparse depth, position and camera of a 64x96 frame."""
    row = torch.arange(64, dtype=torch.float64).reshape(-1, 1).expand(64, 96)
    column = torch.arange(96, dtype=torch.float64).expand(64, 96)
    rgb = torch.stack([127.5 * (1 + torch.sin(0.05 * column + 0.07 * row + c)) for c in range(3)])
    depth = 5 + 2 * torch.sin(0.06 * column - 0.04 * row)
    sparse = torch.where((7 * column + 13 * row) % 11 == 0, depth, 0.0)
    position = torch.stack([2 * column / 95 - 1, 2 * row / 63 - 1])
    camera = torch.tensor([[70.0, 0, 47], [0, 70, 31], [0, 0, 1]], dtype=torch.float64)
    return rgb[None], sparse[None, None], position[None], camera[None]


@pytest.fixture(scope="session")
def statistics():
    def measure(values):
        """Mean, deviation, largest value and its (row, column)."""
        at = divmod(int(values.argmax()), values.shape[-1])
        return values.mean().item(), values.std().item(), values.max().item(), at

    return measure


def digits(*numbers):
    """As written down, with nine digits after the point."""
    return pytest.approx(numbers, abs=6e-10)


@pytest.fixture(scope="session")
def nine_digits():
    return digits
