"""What the engine asks of a method: batches, named losses, validation. It knows no depth.

The three callables below are all that `featherdepth.training.loop.run` is given beside the model.

How losses are averaged. A loss is a mean over the images (or pixels) of the *global* batch, and
with several processes no process sees them all. The average of each process's mean is another
number as soon as the counts differ, so an objective hands over values or sums, never a mean:

    {"ilnr": weight * per_image, "gradient": ..., "teacher_pixels": Term(sum, count)}

- a tensor of shape `n` (one weighted value an image): the loss is its sum over all processes,
  divided by the number of values over all processes. An image without a valid pixel counts as 0,
  as the losses room returns it.
- a `Term` where something else is counted, such as only the images that hold truth, or pixels:
  `Term.over(values, kept)` or `Term(sum, count)`. A count of 0 everywhere gives a loss of 0.
- a `Term` with `minimized=False` for a figure that is told in the journal and not minimized.

A scalar tensor is refused: what it is a mean of can no longer be known. The total that is
minimised is the plain sum of the named losses, so weights are multiplied in by the objective.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One loss as sum and count of this process's share; the loss is the ratio of global sums."""

    sum: Float[Tensor, ""]
    """Weighted, with gradient."""
    count: Tensor | float
    """How many images or pixels `sum` runs over, without gradient; 0 is allowed."""
    minimized: bool = True
    """False for a figure that is only told, such as the spread of the outputs."""

    @staticmethod
    def over(values: Float[Tensor, " n"], kept: Bool[Tensor, " n"]) -> "Term":
        """The mean of `values` over those that are kept; the others may hold NaN."""
        return Term(torch.where(kept, values, 0).sum(), kept.sum())


Losses = Mapping[str, Tensor | Term]


@runtime_checkable
class Objective(Protocol):
    """Weighted losses of one batch by name; the total is their sum (see the module's docstring).

    `model` is the trained network behind a thin wrapper: `model(...)` and its methods, such as
    `model.features(...)`, run in the precision of the run and return float32. Losses therefore
    run in float32 and no objective mentions autocast. Call the model freely, several times too.

    An objective that owns trained layers (projectors) is an `nn.Module`: its parameters with
    `requires_grad` are trained and stored beside the model's. A teacher must not be registered in
    it (keep it in a tuple): the engine puts modules into train mode and stores what it finds.

    Random numbers: torch's own generators are seeded by (seed, step, rank) before each step, so
    dropout may draw from them; anything else draws from `rng.derive(seed, name, step)`.
    """

    def __call__(self, model: nn.Module, batch: Any, /) -> Losses: ...


@runtime_checkable
class Batches(Protocol):
    """The batch of a step: a pure function of its arguments, so that a resumed run sees the same.

    `batches(step, rank, world)` returns this process's share of the *global* batch of that step;
    the shares of `world` processes together are what `batches(step, 0, 1)` returns. Draw all
    random numbers of the global batch first (from `rng.generator(seed, ..., step)`, or one stream
    an image: `rng.generator(seed, ..., step, index)`), then take `[rank::world]`.

    Tensors may lie on any device and in any nesting of dict, list and tuple; the engine moves them
    to the device of the run. It does nothing for tensors that are there already.
    """

    @property
    def size(self) -> int:
        """Images in a global batch; only for the images a second of the journal."""
        ...

    def __call__(self, step: int, rank: int, world: int, /) -> Any: ...


@runtime_checkable
class Validation(Protocol):
    """Figures of a model on held-out data, by name. It gets the averaged model, in eval mode."""

    def __call__(self, model: nn.Module, /) -> Mapping[str, float]: ...


@runtime_checkable
class Save(Protocol):
    """Writes the model as a folder people can use. Called by the first process only, with the
    averaged model in eval mode, the steps done, and the newest validation figures (or none).
    """

    def __call__(self, model: nn.Module, step: int, figures: Mapping[str, float], /) -> None: ...


def as_term(name: str, loss: Tensor | Term) -> Term:
    """The sum and count that a loss stands for.

    Raises:
        ValueError: the loss is a scalar tensor, or has more than one axis.
    """
    if isinstance(loss, Term):
        return loss
    if loss.ndim != 1:
        raise ValueError(
            f"loss {name!r} has shape {tuple(loss.shape)}; expected one value an image (n,),"
            " or a Term(sum, count)"
        )
    return Term(loss.sum(), float(loss.shape[0]))
