"""A widened network says what it said before, and what is new in it can learn."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tools.widen import main, widen

from featherdepth.networks.completion import SIZES, PoissonLite
from featherdepth.networks.folder import read_config
from featherdepth.networks.weights import load_model, save_model
from featherdepth.runtime.presets import embedded_folder


@pytest.fixture
def small() -> PoissonLite:
    """As training leaves it: no layer is silent, and statistics are those of some views."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = PoissonLite(size="xs")
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.02 * torch.randn_like(parameter))
        for _ in range(20):
            network(torch.rand(2, 5, 64, 96) + 0.5)
    return network.eval()


@pytest.fixture
def inputs() -> torch.Tensor:
    values = torch.rand(2, 5, 64, 96, generator=torch.Generator().manual_seed(0)) + 0.5
    values[:, 4] *= torch.rand(2, 64, 96, generator=torch.Generator().manual_seed(1)) < 0.02
    return values


def test_a_wider_network_says_the_same(small: PoissonLite, inputs: torch.Tensor) -> None:
    wide = widen(small, "s")

    assert sum(p.numel() for p in wide.parameters()) > 2 * sum(
        p.numel() for p in small.parameters()
    )
    with torch.inference_mode():
        torch.testing.assert_close(wide(inputs), small(inputs), rtol=1e-4, atol=1e-5)


def test_what_is_new_can_learn(small: PoissonLite, inputs: torch.Tensor) -> None:
    wide = widen(small, "s").train()

    for _ in range(4):  # what is behind a zero hears of it once the zero has moved
        wide.zero_grad()
        wide.look(inputs).log_depth.square().sum().backward()
        torch.optim.SGD(wide.parameters(), lr=1e-6).step()

    before = dict(small.named_parameters())
    added = {
        name: p.grad[len(before[name]) :] if name in before else p.grad
        for name, p in wide.named_parameters()
    }
    still = [name for name, grad in added.items() if len(grad) and not grad.any()]
    assert still == []


def test_a_narrower_size_is_refused() -> None:
    with pytest.raises(ValueError, match="narrower"):
        widen(PoissonLite(size="s"), "xs")


def test_the_command_writes_a_model_folder(
    tmp_path: Path, small: PoissonLite, monkeypatch: pytest.MonkeyPatch, inputs: torch.Tensor
) -> None:
    preset = replace(read_config(embedded_folder("completion")), settings={"size": "xs"})
    save_model(tmp_path / "xs", preset, small, "card")
    command = ["widen", str(tmp_path / "xs"), "--size", "s", "-o", str(tmp_path / "wide")]
    monkeypatch.setattr("sys.argv", command)

    main()

    preset, network = load_model(tmp_path / "wide")
    assert preset.settings == {"size": "s"} and "s" in SIZES
    assert preset.params == sum(p.numel() for p in network.parameters())
    assert torch.isfinite(network(inputs)).all()
