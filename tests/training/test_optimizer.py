"""Groups of AdamW, and the joint norm of the gradients."""

import pytest
import torch
from torch import nn

from featherdepth.errors import UsageError
from featherdepth.training.optimizer import clip_, make_optimizer, set_rate, trained


def optimizer_of(net: nn.Module, rates: dict[str, float]) -> torch.optim.AdamW:
    return make_optimizer([net], lr=1.0, weight_decay=0.1, betas=(0.9, 0.999), rates=rates)


def settings(net: nn.Module, optimizer: torch.optim.AdamW) -> dict[str, tuple[float, float]]:
    groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    named = {name: groups[id(p)] for name, p in net.named_parameters() if id(p) in groups}
    return {name: (group["lr"], group["weight_decay"]) for name, group in named.items()}


def test_each_part_has_its_rate_and_vectors_do_not_decay(tiny) -> None:
    net = tiny.new_net()
    optimizer = optimizer_of(net, {"encoder": 0.5, "encoder.0": 0.25})

    set_rate(optimizer, 2.0)

    assert settings(net, optimizer) == {
        "encoder.0.weight": (0.5, 0.1),
        "encoder.0.bias": (0.5, 0.0),
        "encoder.1.weight": (1.0, 0.0),
        "encoder.1.bias": (1.0, 0.0),
        "decoder.weight": (2.0, 0.1),
        "decoder.bias": (2.0, 0.0),
        "ballast": (2.0, 0.1),
    }


def test_a_rate_of_zero_freezes(tiny) -> None:
    net = tiny.new_net()

    optimizer = optimizer_of(net, {"encoder": 0.0})

    assert not any(p.requires_grad for p in net.encoder.parameters())
    assert len(trained(optimizer)) == 3


def test_a_rate_for_nothing_is_refused(tiny) -> None:
    with pytest.raises(UsageError, match="begins with 'encodr'"):
        optimizer_of(tiny.new_net(), {"encodr": 0.5})
    with pytest.raises(UsageError, match="begins with 'enc'"):  # a part of a name is not a name
        optimizer_of(tiny.new_net(), {"enc": 0.5})


def test_a_model_without_trained_parameters_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to train"):
        optimizer_of(nn.Linear(2, 2).requires_grad_(False), {})


@pytest.mark.parametrize(("limit", "left"), [(1.0, 1.0), (10.0, 5.0), (None, 5.0)])
def test_the_joint_norm_is_clipped_to_the_limit(limit: float | None, left: float) -> None:
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(3)]
    for parameter, value in zip(parameters[:2], (3.0, 4.0), strict=True):
        parameter.grad = torch.tensor([value])

    norm = clip_(parameters, limit)

    gradients = torch.tensor([p.grad.item() for p in parameters[:2] if p.grad is not None])
    assert norm.item() == pytest.approx(5.0)
    assert gradients.norm().item() == pytest.approx(left, rel=1e-5)
