"""One training step, and all the state that the next one depends on."""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate.utils.operations import send_to_device
from torch import Tensor, nn

from featherdepth.rng import derive
from featherdepth.training.average import Average
from featherdepth.training.freezing import hold_batchnorm
from featherdepth.training.meter import Meter
from featherdepth.training.objective import Batches, Objective, Term, as_term
from featherdepth.training.optimizer import clip_, make_optimizer, set_rate, trained
from featherdepth.training.precision import Lowered, choose_precision
from featherdepth.training.processes import Processes, running_statistics
from featherdepth.training.schedule import rate_factor
from featherdepth.training.settings import LoopConfig


class Trainer:
    """A model in training: `advance` makes one step, `state_dict` holds all there is to resume.

    Moves `model` (and an objective that is a module) to the device and into train mode.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        batches: Batches,
        config: LoopConfig,
        processes: Processes,
        *,
        seed: int,
    ) -> None:
        self.model, self.config, self.processes = model, config, processes
        self.batches, self.objective, self.seed = batches, objective, seed
        self.step = 0
        """Steps done."""
        self.meter = Meter()
        device = processes.device
        self._modules = [model, objective] if isinstance(objective, nn.Module) else [model]
        for module in self._modules:
            module.to(device).train()
            hold_batchnorm(module, config.rates, every=config.freeze_batchnorm)
        if config.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(
            self._modules,
            lr=config.lr,
            weight_decay=config.weight_decay,
            betas=config.betas,
            rates=config.rates,
        )
        processes.equalize(self._modules)
        self.average = Average(model, config.ema)
        self._parameters = trained(self.optimizer)
        self._statistics = running_statistics(self._modules)
        self.precision = choose_precision(config.precision, device)
        self._lowered = Lowered(
            model, device, bf16=self.precision == "bf16", channels_last=config.channels_last
        )
        self._finite = torch.ones((), dtype=torch.bool, device=device)
        self._last_finite = torch.zeros((), dtype=torch.int64, device=device)

    def advance(self) -> None:
        """Make one step.

        Raises:
            FloatingPointError: a loss or gradient is not finite. On a CPU at once, before any
                weight changes; on other devices when `check_finite` is called.
        """
        config, processes = self.config, self.processes
        # Dropout draws from torch's own generators: they, too, are a function of the step.
        torch.manual_seed(derive(self.seed, "torch", self.step, processes.rank))
        batch = self.batches(self.step, processes.rank, processes.world)
        batch = send_to_device(batch, processes.device, non_blocking=True)  # type: ignore[no-untyped-call]
        losses, watched = self._shares(self.objective(self._lowered, batch))
        share = torch.stack(list(losses.values())).sum()
        share.backward()  # type: ignore[no-untyped-call]
        total = processes.sum_gradients(self._parameters, self._statistics, share.detach())
        norm = clip_(self._parameters, config.clip)
        self._note(losses, watched, total, norm)
        factor = rate_factor(
            self.step, steps=config.steps, warmup=config.warmup, final=config.final
        )
        set_rate(self.optimizer, config.lr * factor)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update(self.model)
        self.step += 1

    def check_finite(self) -> None:
        """Look whether every step so far was finite.

        Raises:
            FloatingPointError: one was not; the message names it.
        """
        if not self._finite.item():
            broken = ", ".join(self.meter.broken()) or "the loss"
            raise FloatingPointError(
                f"step {int(self._last_finite.item()) + 1}: {broken} not finite;"
                " lower lr, or look at the data of that step"
            )

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"] / self.optimizer.param_groups[0]["scale"])

    def state_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "modules": [module.state_dict() for module in self._modules],
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "meter": self.meter.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.step = int(state["step"])
        for module, weights in zip(self._modules, state["modules"], strict=True):
            module.load_state_dict(weights)
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.meter.load_state_dict(state["meter"], self.processes.device)
        self._last_finite.fill_(self.step)

    def _shares(
        self, losses: Mapping[str, Tensor | Term]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """This process's share of what is minimized and of what is told.

        A share is a sum over the count of all processes.
        """
        terms = {name: as_term(name, loss) for name, loss in losses.items()}
        counts = self.processes.sum_counts([term.count for term in terms.values()])
        minimized, told = {}, {}
        for (name, term), count in zip(terms.items(), counts, strict=True):
            share = term.sum.float() / _at_least_one(count)
            if term.minimized:
                minimized[name] = share
            else:
                told[name] = share.detach()
        return minimized, told

    def _note(
        self,
        losses: Mapping[str, Tensor],
        watched: Mapping[str, Tensor],
        total: Tensor,
        norm: Tensor,
    ) -> None:
        for name, share in losses.items():
            self.meter.add(f"losses/{name}", share)
        for name, share in watched.items():
            self.meter.add(f"watched/{name}", share)
        # These two are equal everywhere; the meter sums over processes.
        self.meter.add("total", total if self.processes.first else torch.zeros_like(total))
        self.meter.add("grad_norm", norm if self.processes.first else torch.zeros_like(norm))
        self._finite = self._finite & torch.isfinite(total) & torch.isfinite(norm)
        self._last_finite = torch.where(self._finite, self.step + 1, self._last_finite)
        if self.processes.device.type == "cpu":
            self.check_finite()


def _at_least_one(count: Tensor | float) -> Tensor | float:
    # Where nothing was counted the sum is 0, and so is the loss.
    return torch.where(count > 0, count, 1) if isinstance(count, Tensor) else count or 1.0
