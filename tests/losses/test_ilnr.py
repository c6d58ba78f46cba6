"""Image-level normalized regression compares a map with its z-scored target."""

import math

import pytest
import torch

from featherdepth.losses.ilnr import ImageLevelRegression


def ilnr(
    student: torch.Tensor,
    teacher: torch.Tensor,
    valid: torch.Tensor | None = None,
    min_valid: int = 1,
) -> torch.Tensor:
    valid = torch.ones_like(teacher, dtype=torch.bool) if valid is None else valid
    loss = ImageLevelRegression(ImageLevelRegression.Config(min_valid=min_valid))
    result: torch.Tensor = loss(student, teacher, valid)
    return result


def test_a_zero_map_against_one_to_twenty_gives_the_value_done_by_hand() -> None:
    teacher = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)

    value = ilnr(torch.zeros_like(teacher), teacher)

    assert value.item() == pytest.approx(1.0607114, abs=2e-6)  # 1.0502101 + 0.0105013


def test_only_valid_pixels_count_and_both_tanh_are_flat() -> None:
    # Five valid pixels are not standardized: |d - g| = 20 for each, tanh(0.3) - tanh(0.1).
    valid = torch.zeros(1, 1, 2, 5, dtype=torch.bool)
    valid[:, :, 0] = True

    value = ilnr(torch.full((1, 1, 2, 5), 30.0), torch.full((1, 1, 2, 5), 10.0), valid)

    assert value.item() == pytest.approx(20 + math.tanh(0.3) - math.tanh(0.1), rel=1e-6)


def test_scale_and_shift_of_the_target_change_nothing() -> None:
    student, teacher = torch.rand(2, 1, 6, 7), torch.rand(2, 1, 6, 7)

    value = ilnr(student, 5.0 * teacher + 2.0)

    torch.testing.assert_close(value, ilnr(student, teacher), atol=1e-4, rtol=1e-4)


def test_images_do_not_mix() -> None:
    student, teacher = torch.rand(2, 1, 6, 7), torch.rand(2, 1, 6, 7)

    both = ilnr(student, teacher)

    torch.testing.assert_close(both[1:], ilnr(student[1:], teacher[1:]))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_invalid_pixels_reach_neither_value_nor_gradient(bad: float) -> None:
    student, teacher = torch.rand(1, 1, 4, 5), torch.rand(1, 1, 4, 5)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    valid[..., 0] = False
    dirty_student, dirty_teacher = student.clone(), teacher.clone()
    dirty_student[..., 0] = bad
    dirty_teacher[..., 0] = bad
    dirty_student.requires_grad_()

    value = ilnr(dirty_student, dirty_teacher, valid)
    value.sum().backward()

    assert torch.equal(value, ilnr(student, teacher, valid))
    assert dirty_student.grad is not None
    assert torch.isfinite(dirty_student.grad).all()
    assert (dirty_student.grad[..., 0] == 0).all()


def test_too_few_valid_pixels_count_zero_and_keep_the_graph() -> None:
    student = torch.rand(1, 1, 10, 10, requires_grad=True)
    valid = torch.ones(1, 1, 10, 10, dtype=torch.bool)

    value = ilnr(student, torch.rand(1, 1, 10, 10), valid, min_valid=101)
    value.sum().backward()

    assert value.item() == 0
    assert student.grad is not None
    assert (student.grad == 0).all()


def test_an_image_without_a_valid_pixel_counts_zero() -> None:
    student = torch.full((1, 1, 4, 4), math.nan, requires_grad=True)

    value = ilnr(student, student.detach(), torch.zeros(1, 1, 4, 4, dtype=torch.bool))
    value.sum().backward()

    assert value.item() == 0


def test_half_precision_enters_no_sum() -> None:
    student, teacher = torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8)

    value = ilnr(student.bfloat16(), teacher)

    assert value.dtype == torch.float32
    torch.testing.assert_close(value, ilnr(student.bfloat16().float(), teacher))


def test_gradient_agrees_with_differences() -> None:
    student = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    teacher = torch.rand(1, 1, 4, 5, dtype=torch.float64)

    assert torch.autograd.gradcheck(lambda s: ilnr(s, teacher), (student,))


def test_a_threshold_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="min_valid"):
        ImageLevelRegression.Config(min_valid=0)
