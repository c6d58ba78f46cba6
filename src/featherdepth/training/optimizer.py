"""AdamW over named groups: some layers at their own rate, no decay where it does harm."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from featherdepth.errors import UsageError
from featherdepth.training.freezing import fitting_parts, rate_of


def make_optimizer(
    modules: Iterable[nn.Module],
    *,
    lr: float,
    weight_decay: float,
    betas: tuple[float, float],
    rates: Mapping[str, float],
) -> AdamW:
    """AdamW over every trained parameter of `modules`; each group holds its `scale` of the rate.

    Parameters with one axis (norms, biases) are not decayed.

    Args:
        rates: first part of a parameter's name, such as "encoder", to the multiple of `lr` that it
            is trained at. The longest name that fits counts; 0 freezes (what is no parameter:
            `freezing.hold_batchnorm`).

    Raises:
        UsageError: a name in `rates` fits no parameter, or no parameter is trained.
    """
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    unused = set(rates)
    for module in modules:
        for name, parameter in module.named_parameters():
            unused -= set(fitting_parts(name, rates))
            scale = rate_of(name, rates)
            if scale == 0:
                parameter.requires_grad_(False)
            if parameter.requires_grad:
                groups.setdefault((scale, parameter.ndim > 1), []).append(parameter)
    if unused:
        raise UsageError(f"rates: no parameter's name begins with {sorted(unused)[0]!r}")
    if not groups:
        raise UsageError("nothing to train: no parameter asks for a gradient")
    tables = [
        {"params": members, "scale": scale, "weight_decay": weight_decay if decayed else 0.0}
        for (scale, decayed), members in sorted(groups.items(), key=lambda item: item[0])
    ]
    device = next(iter(groups.values()))[0].device.type
    # One kernel over all tensors; float32 master weights, so nothing is lost by it.
    return AdamW(tables, lr=lr, betas=betas, fused=device in ("cpu", "cuda"))


def set_rate(optimizer: AdamW, rate: float) -> None:
    """Give each group its share of `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def trained(optimizer: AdamW) -> list[nn.Parameter]:
    """Every parameter that the optimizer changes, in a fixed order."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def clip_(parameters: list[nn.Parameter], limit: float | None) -> Tensor:
    """Scale all gradients so that their joint norm is at most `limit`; returns the norm before."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if limit is not None:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return norm
