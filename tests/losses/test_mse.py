"""MSE fixes every value of the student to the teacher's."""

import pytest
import torch

from featherdepth.losses.mse import MSE


def test_value_is_the_mean_over_valid_pixels_and_channels() -> None:
    student = torch.tensor([[[[1.0, 2.0, 9.0]], [[0.0, 4.0, 9.0]]]])
    valid = torch.tensor([True, True, False]).reshape(1, 1, 1, 3)

    value = MSE(MSE.Config())(student, torch.zeros_like(student), valid)

    assert value.item() == pytest.approx((1 + 4 + 0 + 16) / 4)


def test_a_shift_costs_its_square() -> None:
    teacher = torch.rand(2, 1, 4, 5)
    valid = torch.ones_like(teacher, dtype=torch.bool)

    value = MSE(MSE.Config())(teacher + 0.5, teacher, valid)

    torch.testing.assert_close(value, torch.full((2,), 0.25))
