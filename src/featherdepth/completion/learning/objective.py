"""Losses of completion, all of log depth, each a mean over the pixels (or cells) that have truth.

depth       |log D - log T|
rms         root mean square of log D - log T over a view: what is far off counts more
gradient    |step(log D - log T)| at 4 scales
relief      |asked step - step(log T)| at the three scales of the solve
trust       BCE(confidence of a cell, whether its points are within 5 % of the truth)
spread      |log D - log T| / b + log b     Laplace; b is the expected error, D is held fixed:
            depth is not fitted worse where it is hard
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.completion.learning.views import CompletionBatch
from featherdepth.networks.completion import CELL, Parts
from featherdepth.networks.poisson import Edges, steps_of
from featherdepth.training.objective import Losses, Term

RIGHT = 0.05
"""|log point - log truth| up to which a point counts as right."""
FARTHEST_STEP = 0.5
"""A larger step of the truth is an edge of this height: nothing is asked to fit it better."""
SCALES = 4


class CompletionObjective:
    """Weighted losses of a batch.

    Args:
        weights: of the losses by name; 0 leaves one out.
    """

    def __init__(self, weights: dict[str, float]) -> None:
        self._weights = weights

    def __call__(self, model: nn.Module, batch: CompletionBatch) -> Losses:
        found: Parts = model.look(batch.inputs)  # type: ignore[operator]
        valid = batch.valid
        truth = torch.where(valid, batch.truth, 1.0).log()
        error = torch.where(valid, (found.log_depth - truth).abs(), 0.0)
        expected = found.log_spread
        spread = torch.where(valid, error.detach() / expected.exp() + expected, 0.0)
        count = valid.sum(dim=(1, 2, 3))
        square = error.square().sum(dim=(1, 2, 3)) / count.clamp(min=1)
        weight = self._weights
        terms: dict[str, Tensor | Term] = {
            "depth": Term(weight["depth"] * error.sum(), valid.sum()),
            "rms": Term.over(weight["rms"] * (square + 1e-8).sqrt(), count > 0),
            "spread": Term(weight["spread"] * spread.sum(), valid.sum()),
            "gradient": _gradient(found.log_depth, truth, valid, weight["gradient"]),
        }
        cells, known = _cells(truth, valid)
        if weight["relief"]:
            terms["relief"] = _relief(found.relief, cells, known, weight["relief"])
        if weight["trust"]:
            terms["trust"] = _trust(found.confidence, batch, truth, weight["trust"])
        return terms


def _gradient(
    found: Float[Tensor, "b 1 h w"], truth: Float[Tensor, "b 1 h w"], valid: Tensor, weight: float
) -> Term:
    """Steps of the difference, at 4 scales; as one sum over the pixels of the finest."""
    share = valid.to(found.dtype)
    error = (found - truth) * share
    total = found.new_zeros(())
    for scale in range(SCALES):
        if scale:
            count = F.avg_pool2d(share, 2)
            error = F.avg_pool2d(error * share, 2) / torch.where(count > 0, count, 1.0)
            share = (count > 0.5).to(found.dtype)
            error = error * share
        across = (error[..., :, 1:] - error[..., :, :-1]).abs()
        down = (error[..., 1:, :] - error[..., :-1, :]).abs()
        across = across * share[..., :, 1:] * share[..., :, :-1]
        down = down * share[..., 1:, :] * share[..., :-1, :]
        # A coarse pixel stands for 4^scale of the finest.
        total = total + (across.sum() + down.sum()) * 4**scale / 2**scale
    return Term(weight * total / SCALES, valid.sum())


def _cells(truth: Float[Tensor, "b 1 h w"], valid: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Log truth and whether it is known, at the three scales of the solve."""
    share = F.avg_pool2d(valid.to(truth.dtype), CELL)
    total = F.avg_pool2d(truth * valid, CELL)
    values, known = [total / torch.where(share > 0, share, 1.0)], [share > 0.5]
    for _ in range(2):
        total, share = F.avg_pool2d(total, 2), F.avg_pool2d(share, 2)
        values.append(total / torch.where(share > 0, share, 1.0))
        known.append(share > 0.5)
    return values, known


def _relief(asked: list[Edges], truth: list[Tensor], known: list[Tensor], weight: float) -> Term:
    total, count = truth[0].new_zeros(()), truth[0].new_zeros(())
    for steps, values, here in zip(asked, truth, known, strict=True):
        true = steps_of(values)
        right = here[..., :, 1:] & here[..., :, :-1]
        down = here[..., 1:, :] & here[..., :-1, :]
        aim_right = true.right.clamp(-FARTHEST_STEP, FARTHEST_STEP)[..., :, :-1]
        aim_down = true.down.clamp(-FARTHEST_STEP, FARTHEST_STEP)[..., :-1, :]
        error_right = (steps.right[..., :, :-1] - aim_right).abs()
        error_down = (steps.down[..., :-1, :] - aim_down).abs()
        total = total + torch.where(right, error_right, 0.0).sum()
        total = total + torch.where(down, error_down, 0.0).sum()
        count = count + right.sum() + down.sum()
    return Term(weight * total, count)


def _trust(
    confidence: Float[Tensor, "b 1 h4 w4"], batch: CompletionBatch, truth: Tensor, weight: float
) -> Term:
    points = batch.inputs[:, 4:5]
    scored = (points > 0) & batch.valid
    off = (torch.where(scored, points, 1.0).log() - truth).abs()
    count = F.avg_pool2d(scored.to(truth.dtype), CELL)
    worst = F.max_pool2d(torch.where(scored, off, 0.0), CELL)
    cells = count > 0
    value = F.binary_cross_entropy_with_logits(
        confidence, (worst < RIGHT).to(truth.dtype), reduction="none"
    )
    return Term(weight * torch.where(cells, value, 0.0).sum(), cells.sum())
