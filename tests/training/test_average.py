"""The average follows weights and BatchNorm statistics alike."""

import pytest
import torch
from torch import nn

from featherdepth.training.average import Average


def constant_net(value: float) -> nn.Module:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    set_all(net, value)
    return net


def set_all(net: nn.Module, value: float) -> None:
    for tensor in net.state_dict().values():
        tensor.fill_(value)


def test_values_equal_those_done_by_hand_for_weights_and_statistics() -> None:
    net = constant_net(4.0)
    average = Average(net, decay=0.15)
    average.update(net)  # the first update copies

    set_all(net, 8.0)
    average.update(net)  # d = min(0.15, 2 / 11) = 0.15

    state = average.module.state_dict()
    for name in ("0.weight", "0.bias", "1.weight", "1.running_mean", "1.running_var"):
        assert state[name].flatten()[0].item() == pytest.approx(0.15 * 4 + 0.85 * 8), name
    assert state["1.num_batches_tracked"].item() == 8  # a count has no average


def test_the_start_is_forgotten_quickly() -> None:
    net = constant_net(0.0)
    average = Average(net, decay=0.9)
    average.update(net)

    set_all(net, 1.0)
    average.update(net)

    weight = average.module.state_dict()["0.weight"].flatten()[0].item()
    assert weight == pytest.approx(1 - 2 / 11)


def test_without_decay_the_average_is_the_model() -> None:
    net = constant_net(0.1)
    average = Average(net, decay=0.0)
    for value in (0.1, 0.7, 0.3):
        set_all(net, value)
        average.update(net)

    for ours, theirs in zip(
        average.module.state_dict().values(), net.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_names_are_the_models_own_and_the_twin_is_not_in_training() -> None:
    net = constant_net(1.0)

    average = Average(net, decay=0.9)

    assert average.module.state_dict().keys() == net.state_dict().keys()
    assert not any(part.training for part in average.module.modules())
    assert net.training


def test_a_stored_average_goes_on_where_it_was() -> None:
    net, other = constant_net(0.0), constant_net(0.0)
    first, second = Average(net, 0.9), Average(other, 0.9)
    first.update(net)
    second.load_state_dict(first.state_dict())
    set_all(net, 1.0)

    first.update(net)
    second.update(net)

    assert torch.equal(
        first.module.state_dict()["0.weight"], second.module.state_dict()["0.weight"]
    )
