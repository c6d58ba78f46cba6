"""An exponential moving average of a model's weights and BatchNorm statistics.

    average <- d * average + (1 - d) * model,   d = min(decay, (1 + n) / (10 + n)),  n = updates

The small `d` of the first updates lets the average forget the start quickly. BatchNorm's running
mean and variance are averaged with the weights they belong to (copying the newest ones would pair
old weights with new statistics); counters are copied.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Average:
    """The averaged twin of a model.

    Args:
        decay: in [0, 1); 0 keeps the twin equal to the model.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._twin = AveragedModel(model, multi_avg_fn=self._blend, use_buffers=True)
        self._twin.requires_grad_(False)
        self._twin.eval()

    @property
    def module(self) -> nn.Module:
        """The averaged model, with the parameter names of the original."""
        return self._twin.module

    def update(self, model: nn.Module) -> None:
        """Take the model's present weights into the average."""
        self._twin.update_parameters(model)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates, "module": self.module.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = int(state["updates"])
        self._twin.n_averaged.fill_(self.updates)
        self.module.load_state_dict(state["module"])

    @torch.no_grad()
    def _blend(self, averages: Sequence[Tensor], newest: Sequence[Tensor], _: Tensor | int) -> None:
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(list(averages), list(newest), 1 - decay)  # one kernel for all
        else:
            torch._foreach_copy_(list(averages), list(newest))
