"""The completion network: metric scale comes from the points alone, and it begins as the solve."""

import pytest
import torch
from torch import Tensor

from featherdepth.networks.build import build_network
from featherdepth.networks.completion import MOST_DELTA, PARTS, PoissonLite
from featherdepth.networks.counting import count_params


def room(height: int = 64, width: int = 96, share: float = 0.02, batch: int = 2) -> Tensor:
    """A prior with relief, and points that lie 20 % behind it."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.rand(batch, 5, height, width, generator=draw)
    columns = torch.arange(width) / width
    inputs[:, 3] = 2 + torch.sin(6 * columns)
    known = torch.rand(batch, height, width, generator=draw) < share
    inputs[:, 4] = torch.where(known, 1.2 * inputs[:, 3], 0)
    return inputs


def trained(**settings: object) -> PoissonLite:
    """A network whose last layers say something, as after training."""
    torch.manual_seed(0)
    network = PoissonLite(**settings)  # type: ignore[arg-type]
    for name, parameter in network.named_parameters():
        if name.split(".")[0] in ("stiffness", "belief", "keep", "step", "head"):
            torch.nn.init.normal_(parameter, std=0.2)
    return network.eval()


def test_its_size_is_that_of_the_list() -> None:
    assert count_params(build_network("completion")) == 586432
    assert count_params(build_network("completion", {"size": "s"})) == 1686720


@pytest.mark.parametrize("factor", [0.01, 1.0, 100.0])
def test_multiples_of_the_points_give_multiples_of_the_depth(factor: float) -> None:
    network, inputs = trained(), room()
    scaled = inputs.clone()
    scaled[:, 3:] *= factor

    with torch.no_grad():
        depth, spread = network(inputs).unbind(1)
        found, found_spread = network(scaled).unbind(1)

    assert depth.std() > 0.1  # not a constant
    assert torch.allclose(found, factor * depth, rtol=1e-4, atol=0)
    assert torch.allclose(found_spread, spread, rtol=1e-3)


def test_untrained_it_is_the_training_free_solve() -> None:
    inputs = room()
    torch.manual_seed(0)
    free = PoissonLite(parts=()).eval()
    torch.manual_seed(0)
    untrained = PoissonLite(parts=("w", "c", "delta")).eval()
    # Points are believed by sigmoid(3) and not by 1: the only difference.
    untrained.belief.bias.data.fill_(100)

    with torch.no_grad():
        assert torch.allclose(untrained(inputs)[:, 0], free(inputs)[:, 0], rtol=1e-5)


def test_a_prior_that_is_off_by_a_factor_is_put_right() -> None:
    inputs = room()

    with torch.no_grad():
        depth = PoissonLite(parts=()).eval()(inputs)[:, 0]

    assert torch.allclose(depth, 1.2 * inputs[:, 3], rtol=2e-3)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_moves_the_result_and_learns(part: str) -> None:
    inputs = room()
    inputs[:, 4] *= 1 + 0.3 * torch.rand(
        inputs[:, 4].shape, generator=torch.Generator().manual_seed(1)
    )
    free = trained(parts=())
    network = trained(parts=(part,))
    network.load_state_dict(free.state_dict(), strict=False)

    moved = (network(inputs)[:, 0] - free(inputs)[:, 0]).abs().max().item()
    network(inputs)[:, 0].sum().backward()
    own = {"w": "stiffness", "c": "belief", "g": "keep", "delta": "head"}[part]
    weight = network.get_submodule(own).get_parameter("weight")

    assert moved > 1e-4
    assert weight.grad is not None and weight.grad.abs().max() > 0


def test_delta_is_bounded() -> None:
    network = trained(parts=("delta",))
    network.head.bias.data.fill_(1e3)
    free = trained(parts=())

    with torch.no_grad():
        change = (network(room())[:, 0] / free(room())[:, 0]).log()

    assert torch.allclose(change, torch.full_like(change, MOST_DELTA), atol=1e-4)


def test_without_points_the_prior_stays() -> None:
    inputs = room()
    inputs[:, 4] = 0

    with torch.no_grad():
        depth = PoissonLite(parts=()).eval()(inputs)[:, 0]

    assert torch.allclose(depth, inputs[:, 3], rtol=1e-4)


def test_pictures_of_a_batch_do_not_see_each_other() -> None:
    network, inputs = trained(), room(batch=2)
    inputs[1, 4] *= 3

    with torch.no_grad():
        both, first = network(inputs), network(inputs[:1])

    assert torch.allclose(both[:1], first, rtol=1e-4)


def test_a_size_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        PoissonLite()(torch.ones(1, 5, 64, 80))


@pytest.mark.parametrize(
    "settings", [{"size": "xl"}, {"parts": ["v"]}, {"steps": [1, 1]}, {"steps": [1, 0, 1]}]
)
def test_settings_that_do_not_exist_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"sizes:|expected 3 numbers"):
        PoissonLite(**settings)  # type: ignore[arg-type]
