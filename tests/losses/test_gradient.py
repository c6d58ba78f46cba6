"""Multi-scale gradient matching counts the steps of the difference to the target."""

import math

import pytest
import torch

from featherdepth.losses.gradient import MultiScaleGradient


def gradient(
    student: torch.Tensor,
    teacher: torch.Tensor,
    valid: torch.Tensor | None = None,
    scales: int = 1,
    min_valid: int = 1,
) -> torch.Tensor:
    valid = torch.ones_like(teacher, dtype=torch.bool) if valid is None else valid
    config = MultiScaleGradient.Config(scales=scales, min_valid=min_valid)
    result: torch.Tensor = MultiScaleGradient(config)(student, teacher, valid)
    return result


def test_value_equals_the_sum_done_by_hand() -> None:
    # Steps over two pixels in a 2 x 4 map: |1-4| |3-8| / |0-0| |0-2|: (3 + 5 + 0 + 2) / 4.
    student = torch.tensor([[1.0, 3.0, 4.0, 8.0], [0.0, 0.0, 0.0, 2.0]]).reshape(1, 1, 2, 4)

    value = gradient(student, torch.zeros_like(student))

    assert value.item() == pytest.approx(10 / 4)


def test_rows_and_columns_share_one_mean() -> None:
    student = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [5.0, 0.0, 0.0]]).reshape(1, 1, 3, 3)

    value = gradient(student, torch.zeros_like(student))

    # Along rows 1, 0, 5; along columns 5, 0, 1; six pairs.
    assert value.item() == pytest.approx(12 / 6)


def test_a_pair_needs_both_of_its_ends() -> None:
    student = torch.tensor([7.0, 0.0, 1.0, 4.0, 9.0]).reshape(1, 1, 1, 5)
    valid = torch.tensor([False, True, True, True, False]).reshape(1, 1, 1, 5)

    value = gradient(student, torch.zeros_like(student), valid)

    assert value.item() == pytest.approx(4.0)  # (1, 3) alone; (0, 2) and (2, 4) lack an end


def test_coarser_scales_see_every_second_pixel() -> None:
    student = torch.zeros(1, 1, 1, 9)
    student[..., 4:] = 1.0
    few = torch.zeros_like(student, dtype=torch.bool)
    few[..., ::2] = True  # five valid: not standardized

    value = gradient(student, torch.zeros_like(student), few, scales=2)

    # Scale 0: pairs (0,2) (2,4) (4,6) (6,8): one step of four. Scale 1, pixels 0 2 4 6 8: pairs
    # (0,4) (2,6) (4,8): two steps of three.
    assert value.item() == pytest.approx(1 / 4 + 2 / 3)


def test_a_shift_of_the_student_and_scale_and_shift_of_the_target_change_nothing() -> None:
    student, teacher = torch.rand(2, 1, 20, 21), torch.rand(2, 1, 20, 21)

    value = gradient(student + 4.0, 3.0 * teacher - 1.0, scales=4)

    expected = gradient(student, teacher, scales=4)
    torch.testing.assert_close(value, expected, atol=1e-4, rtol=1e-4)


def test_the_standardized_target_itself_costs_nothing() -> None:
    teacher = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)

    value = gradient((teacher - 10.5) / 4.760952, teacher, scales=2)

    assert value.item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_invalid_pixels_reach_neither_value_nor_gradient(bad: float) -> None:
    student, teacher = torch.rand(1, 1, 8, 9), torch.rand(1, 1, 8, 9)
    valid = torch.rand(1, 1, 8, 9) > 0.2
    dirty = torch.where(valid, student, bad).requires_grad_()

    value = gradient(dirty, torch.where(valid, teacher, bad), valid, scales=2)
    value.sum().backward()

    assert torch.equal(value, gradient(student, teacher, valid, scales=2))
    assert dirty.grad is not None
    assert torch.isfinite(dirty.grad).all()
    assert (dirty.grad[~valid] == 0).all()


def test_too_few_valid_pixels_count_zero_and_keep_the_graph() -> None:
    student = torch.rand(1, 1, 10, 10, requires_grad=True)

    value = gradient(student, torch.rand(1, 1, 10, 10), min_valid=101)
    value.sum().backward()

    assert value.item() == 0
    assert student.grad is not None
    assert (student.grad == 0).all()


def test_gradient_agrees_with_differences() -> None:
    student = torch.rand(1, 1, 6, 7, dtype=torch.float64, requires_grad=True)
    teacher = torch.rand(1, 1, 6, 7, dtype=torch.float64)

    assert torch.autograd.gradcheck(lambda s: gradient(s, teacher, scales=2), (student,))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="scales"):
        MultiScaleGradient.Config(scales=0)
    with pytest.raises(ValueError, match="min_valid"):
        MultiScaleGradient.Config(min_valid=0)
