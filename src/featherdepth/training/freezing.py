"""What does not train: parts of a model at rate 0, and BatchNorm that keeps its statistics."""

from collections.abc import Mapping

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def rate_of(name: str, rates: Mapping[str, float]) -> float:
    """The multiple of the rate that a part of a model is trained at: of the longest that fits."""
    fitting = fitting_parts(name, rates)
    return rates[max(fitting, key=len)] if fitting else 1.0


def fitting_parts(name: str, rates: Mapping[str, float]) -> list[str]:
    """Every key of `rates` that is the name of a part, or of one that holds it."""
    return [part for part in rates if name == part or name.startswith(f"{part}.")]


def hold_batchnorm(module: nn.Module, rates: Mapping[str, float], *, every: bool) -> None:
    """Let BatchNorm layers of parts at rate 0 keep their running means and variances.

    A layer in train mode moves them at every step, whether its weights are trained or not. Call it
    after each `train()`, which ends it.

    Args:
        rates: as of `optimizer.make_optimizer`.
        every: hold all layers.
    """
    for name, part in module.named_modules():
        if isinstance(part, _BatchNorm) and (every or rate_of(name, rates) == 0):
            part.eval()
