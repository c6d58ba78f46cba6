"""Losses of completion by hand, and what does not count."""

import math

import pytest
import torch
from torch import Tensor, nn

from featherdepth.completion.learning.objective import CompletionObjective
from featherdepth.completion.learning.views import CompletionBatch
from featherdepth.networks.completion import Parts
from featherdepth.networks.poisson import Edges
from featherdepth.training.objective import Term

ONES = {"depth": 1.0, "rms": 1.0, "gradient": 1.0, "relief": 1.0, "trust": 1.0, "spread": 1.0}


class Says(nn.Module):
    """A network that says what it is told."""

    def __init__(self, log_depth: Tensor, log_spread: float = 0.0, confidence: float = 0.0) -> None:
        super().__init__()
        self.log_depth, self.log_spread, self.confidence = log_depth, log_spread, confidence

    def look(self, inputs: Tensor) -> Parts:
        batch, _, height, width = inputs.shape
        maps = [torch.zeros(batch, 1, height // 4 >> i, width // 4 >> i) for i in range(3)]
        return Parts(
            log_depth=self.log_depth,
            log_spread=torch.full_like(self.log_depth, self.log_spread),
            confidence=torch.full_like(maps[0], self.confidence),
            relief=[Edges(m, m) for m in maps],
            solved=maps[0],
        )


def batch_of(truth: Tensor, points: Tensor | None = None) -> CompletionBatch:
    inputs = torch.zeros(truth.shape[0], 5, *truth.shape[2:])
    if points is not None:
        inputs[:, 4:5] = points
    return CompletionBatch(inputs=inputs, truth=truth, valid=truth > 0)


def values(model: Says, batch: CompletionBatch) -> dict[str, float]:
    found = CompletionObjective(ONES)(model, batch)
    terms = {name: term for name, term in found.items() if isinstance(term, Term)}
    return {name: float(t.sum.detach()) / max(float(t.count), 1) for name, t in terms.items()}


def test_a_uniform_factor_by_hand() -> None:
    # 10 % too far everywhere: no step is wrong, the log is off by log 1.1.
    truth = torch.full((1, 1, 32, 32), 2.0)
    model = Says(torch.full_like(truth, math.log(2.2)), log_spread=math.log(0.5))

    found = values(model, batch_of(truth))

    off = math.log(1.1)
    assert found["depth"] == pytest.approx(off, abs=1e-6)
    assert found["rms"] == pytest.approx(off, rel=1e-3)
    assert found["spread"] == pytest.approx(off / 0.5 + math.log(0.5), abs=1e-6)
    assert found["gradient"] == pytest.approx(0, abs=1e-6)
    assert found["relief"] == 0


def test_pixels_without_truth_do_not_count() -> None:
    truth = torch.full((1, 1, 32, 32), 2.0)
    truth[..., :16] = 0
    logs = torch.full_like(truth, math.log(2.0))
    logs[..., :16] = 9.0

    found = values(Says(logs), batch_of(truth))

    assert all(abs(found[name]) < 1e-3 for name in ("depth", "rms", "gradient", "relief", "spread"))


def test_a_step_that_was_asked_for_wrongly_costs_its_height() -> None:
    # Truth: log depth rises by 0.1 from cell to cell of 4 pixels; the solve was asked for none.
    columns = 0.1 * (torch.arange(32) // 4)
    truth = columns.exp().expand(1, 1, 32, 32).contiguous()

    found = CompletionObjective(ONES)(Says(truth.log()), batch_of(truth))["relief"]

    # 8x7 edges to the right of 0.1; at 1/8: 4x3 of 0.2; at 1/16: 2x1 of 0.4. As many downward.
    assert isinstance(found, Term)
    assert float(found.sum) == pytest.approx(56 * 0.1 + 12 * 0.2 + 2 * 0.4, rel=1e-4)
    assert float(found.count) == 2 * (56 + 12 + 2)


def test_trust_is_asked_of_cells_with_points_alone() -> None:
    truth = torch.full((1, 1, 32, 32), 2.0)
    points = torch.zeros_like(truth)
    points[..., 0, 0] = 2.0  # right
    points[..., 8, 8] = 3.0  # wrong

    found = CompletionObjective(ONES)(Says(truth.log(), confidence=2.0), batch_of(truth, points))

    trust = found["trust"]
    assert isinstance(trust, Term) and float(trust.count) == 2
    right, wrong = math.log1p(math.exp(-2.0)), math.log1p(math.exp(2.0))
    assert float(trust.sum) == pytest.approx(right + wrong, rel=1e-5)


def test_the_expected_error_does_not_move_the_depth() -> None:
    truth = torch.full((1, 1, 32, 32), 2.0)
    logs = torch.full_like(truth, 1.0).requires_grad_()

    spread = CompletionObjective(ONES)(Says(logs), batch_of(truth))["spread"]

    assert isinstance(spread, Term) and not spread.sum.requires_grad


def test_a_view_without_truth_gives_no_nan() -> None:
    truth = torch.zeros(2, 1, 32, 32)
    truth[1] = 2.0

    found = values(Says(torch.full_like(truth, math.log(2.0)).requires_grad_()), batch_of(truth))

    assert all(math.isfinite(value) for value in found.values())
