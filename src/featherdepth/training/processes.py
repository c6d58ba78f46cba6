"""One run over one or several processes: who am I, and sums over all of us.

Gradients are summed in one buffer after the backward pass instead of by a wrapper around the model:
for networks of a few million parameters that costs next to nothing, parameter names stay as they
are, objectives may call any method of the model, and the sum is exact (an objective divides by
global counts; averaging means of unequal shares would be another number).

Processes are started by `accelerate launch` or, on CPUs (where that starts only one), `torchrun`.
Alone, every sum is what it was.
"""

import atexit
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed
import torch.distributed.nn  # before a group is made: its defaults would keep one, with its threads
from accelerate.state import PartialState
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from featherdepth.networks.devices import find_device


class Processes:
    """This process among its fellows.

    Args:
        device: where to run; by default what accelerate finds, one accelerator a process.

    Raises:
        UsageError: `device` is no name of one.
        BackendError: torch does not see it.
    """

    def __init__(self, device: str | None = None) -> None:
        asked = None if device is None else find_device(device)
        state: Any = PartialState(cpu=True) if device == "cpu" else PartialState()
        self.rank: int = state.process_index
        self.world: int = state.num_processes
        self.device = asked if self.world == 1 and asked is not None else state.device
        if self.world > 1:
            atexit.unregister(_leave)
            atexit.register(_leave)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def sum_(self, values: Tensor) -> Tensor:
        """Replace `values` by their sum over all processes."""
        if self.world > 1:
            torch.distributed.all_reduce(values)
        return values

    def sum_counts(self, counts: Sequence[Tensor | float]) -> Sequence[Tensor | float]:
        """The sum of each count over all processes, without waiting for the device."""
        if self.world == 1:
            return counts
        tensors = [torch.as_tensor(n, dtype=torch.float32, device=self.device) for n in counts]
        return list(self.sum_(torch.stack(tensors)))

    def any(self, flag: bool) -> bool:
        """Whether any process says yes."""
        if self.world == 1:
            return flag
        return bool(self.sum_(torch.tensor(float(flag), device=self.device)).item())

    def equalize(self, modules: Sequence[nn.Module]) -> None:
        """Give every process the weights and buffers of the first."""
        if self.world == 1:
            return
        with torch.no_grad():
            for module in modules:
                for tensor in [*module.parameters(), *module.buffers()]:
                    # In logical order: memory formats may differ, and broadcast copies raw memory.
                    plain = tensor.contiguous()
                    torch.distributed.broadcast(plain, src=0)
                    tensor.copy_(plain)

    @torch.no_grad()
    def sum_gradients(
        self, parameters: Sequence[nn.Parameter], statistics: Sequence[Tensor], total: Tensor
    ) -> Tensor:
        """Sum all gradients and `total` over the processes; average the BatchNorm `statistics`.

        A parameter that no process used keeps `grad = None`. Returns the sum of `total`.
        """
        if self.world == 1:
            return total
        used = torch.tensor([float(p.grad is not None) for p in parameters], device=self.device)
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        shares = [*gradients, *statistics, used, total]
        flat = self.sum_(torch.cat([t.detach().reshape(-1).float() for t in shares]))
        parts = torch.split(flat, [t.numel() for t in shares])
        for parameter, gradient, part, users in zip(
            parameters, gradients, parts, parts[-2], strict=False
        ):
            if parameter.grad is not None or users.item() > 0:
                parameter.grad = gradient.copy_(part.view_as(gradient))
        for statistic, part in zip(statistics, parts[len(gradients) :], strict=False):
            statistic.copy_(part.view_as(statistic) / self.world)
        return parts[-1].reshape(())


def _leave() -> None:
    """Leave the group in order: its threads, torn down with the interpreter, may abort it."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def running_statistics(modules: Sequence[nn.Module]) -> list[Tensor]:
    """Running means and variances that this step will move (BatchNorm in train mode)."""
    norms = [m for top in modules for m in top.modules() if isinstance(m, _BatchNorm)]
    pairs = [(m.running_mean, m.running_var) for m in norms if m.training]
    return [t for pair in pairs for t in pair if t is not None]
