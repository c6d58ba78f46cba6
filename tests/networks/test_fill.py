"""A sparse map is filled from what is near, and says how far that was."""

import pytest
import torch

from featherdepth.networks.fill import FARTHEST, pull_push


def test_a_cell_with_a_sample_keeps_it_and_lies_at_no_distance() -> None:
    values, weight = torch.rand(1, 2, 16, 24), (torch.rand(1, 1, 16, 24) < 0.1).float()

    filled = pull_push(values, weight)

    here = weight[0, 0] > 0
    assert torch.allclose(filled.values[0, :, here], values[0, :, here])
    assert filled.distance[0, 0, here].max() == 0
    assert filled.distance[0, 0, ~here].min() > 0


def test_one_sample_fills_everything() -> None:
    values, weight = torch.full((1, 1, 32, 32), 7.0), torch.zeros(1, 1, 32, 32)
    weight[..., 3, 5] = 1

    filled = pull_push(values, weight)

    assert torch.allclose(filled.values, torch.full_like(values, 7))
    assert filled.distance.max() <= 1 and filled.distance[..., -1, -1] > filled.distance[..., 4, 6]


def test_neighbors_share_their_mean() -> None:
    values, weight = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    values[..., 0, 0], weight[..., 0, 0] = 2.0, 1
    values[..., 1, 1], weight[..., 1, 1] = 4.0, 1

    filled = pull_push(values, weight)

    # All that is known is in one cell of 2x2; its mean is 3, and so is all that lies far away.
    assert filled.values[..., -1, -1].item() == pytest.approx(3)
    assert filled.distance[..., 0, 1].item() <= 2 / FARTHEST


def test_what_lies_where_nothing_was_measured_is_not_read() -> None:
    values, weight = torch.full((1, 1, 8, 8), 1e6), torch.zeros(1, 1, 8, 8)
    values[..., 2, 2], weight[..., 2, 2] = 1.0, 1

    assert pull_push(values, weight).values.max() == 1
