"""The torch backends: BatchNorm folded, and torch's own compiler."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from featherdepth.errors import BackendError
from featherdepth.networks.blocks import ConvBN
from featherdepth.networks.weights import load_model
from featherdepth.runtime.backends.pytorch import folded, run_module
from featherdepth.runtime.model import DepthModel

# torch imports what it deprecates itself.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"),
    pytest.mark.usefixtures("traceable"),
]


def small_network() -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(
        ConvBN(3, 8, 3, act=nn.ReLU()), ConvBN(8, 8, 3, groups=8), nn.Conv2d(8, 1, 1)
    )
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.running_mean, -0.5, 0.5)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
            nn.init.uniform_(norm.weight, 0.5, 2.0)
            nn.init.uniform_(norm.bias, -1.0, 1.0)
    return network.eval()


def norms(module: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


def test_folding_keeps_the_result_and_the_original(small_model: Path) -> None:
    for network in (small_network(), load_model(small_model)[1].eval()):
        images = torch.rand(2, 3, 64, 64)
        before = norms(network)
        with torch.inference_mode():
            expected = network(images)
            found = folded(network)(images)

        assert torch.abs(found - expected).max() < 1e-5 * (expected.max() - expected.min())
        assert norms(folded(network)) == 0 < before == norms(network)


@pytest.mark.slow
def test_the_compiled_network_sees_the_same() -> None:
    network = small_network()
    images = np.random.default_rng(0).random((1, 3, 32, 64), np.float32)

    expected = run_module(network, None, "fp32")(images)
    found = run_module(network, None, "fp32", compiled=True)(images)

    assert np.abs(found - expected).max() < 1e-5 * np.ptp(expected)


def test_without_a_compiler_it_is_one_line(
    small_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (None, "/no/compiler"))
    model = DepthModel.from_pretrained(small_model, backend="torch-compile")
    model.network = run_module(small_network(), None, "fp32", compiled=True)

    with pytest.raises(BackendError, match="'torch-compile': torch cannot compile here") as caught:
        model.infer(np.zeros((64, 64, 3), np.uint8))

    assert "\n" not in str(caught.value)
