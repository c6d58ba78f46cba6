"""Shared by the tests of the networks."""

import pytest
import torch
from torch import nn


@pytest.fixture
def randomized():
    """Makes a module float64 and eval, with weights and statistics that make every term count."""

    def randomize(module: nn.Module, seed: int = 0) -> nn.Module:
        generator = torch.Generator().manual_seed(seed)
        module = module.double().eval()
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2, generator=generator)
            elif tensor.is_floating_point():
                tensor.normal_(0, 0.5, generator=generator)
        return module

    return randomize


@pytest.fixture
def noise():
    """Normal float64 values of a shape, the same in every run."""
    generator = torch.Generator().manual_seed(7)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    return draw
