"""Losses are handed over as values or sums, so that a global mean can be taken."""

import math

import pytest
import torch

from featherdepth.training.objective import Batches, Objective, Term, as_term


def test_a_value_an_image_stands_for_its_sum_and_count() -> None:
    term = as_term("square", torch.tensor([1.0, 2.0, 6.0]))

    assert (term.sum.item(), term.count) == (9.0, 3.0)


def test_only_kept_values_reach_sum_and_gradient() -> None:
    values = torch.tensor([1.0, math.nan, 6.0, 50.0], requires_grad=True)

    term = Term.over(values, torch.tensor([True, False, True, False]))
    term.sum.backward()

    assert (term.sum.item(), int(term.count)) == (7.0, 2)
    assert values.grad is not None
    assert values.grad.tolist() == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_a_mean_is_refused_because_its_count_is_lost(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"'square' has shape .* expected one value an image"):
        as_term("square", torch.zeros(shape))


def test_the_protocols_know_their_kind(tiny) -> None:
    assert isinstance(tiny.Batches(), Batches)
    assert isinstance(tiny.objective, Objective)
    assert not isinstance(lambda step, rank, world: None, Batches)  # it has no size
