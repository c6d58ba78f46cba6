"""Running means of figures that stay on the device until somebody reads them."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from featherdepth.training.processes import Processes


class Meter:
    """Means over the steps since they were last read; reading is the only wait for the device."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, value: Float[Tensor, ""]) -> None:
        value = value.detach().float()
        self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._counts[name] = self._counts.get(name, 0) + 1

    def read(self, processes: Processes) -> dict[str, float]:
        """Means by name, each summed over the processes; starts anew."""
        if not self._sums:
            return {}
        sums = processes.sum_(torch.stack(list(self._sums.values()))).tolist()
        means = {
            name: value / self._counts[name] for name, value in zip(self._sums, sums, strict=True)
        }
        self._sums, self._counts = {}, {}
        return means

    def broken(self) -> list[str]:
        """Names of figures that are not finite."""
        return sorted(name for name, value in self._sums.items() if not math.isfinite(value.item()))

    def state_dict(self) -> dict[str, Any]:
        return {name: (value.item(), self._counts[name]) for name, value in self._sums.items()}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        self._sums = {
            name: torch.tensor(value, device=device) for name, (value, _) in state.items()
        }
        self._counts = {name: count for name, (_, count) in state.items()}
