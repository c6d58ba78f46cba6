"""The anchor holds the mean and the spread of the student's map, and nothing else."""

import math

import pytest
import torch

from featherdepth.losses.anchor import Anchor


def anchor(
    student: torch.Tensor,
    teacher: torch.Tensor,
    valid: torch.Tensor | None = None,
    std_floor: float = 1e-6,
) -> torch.Tensor:
    valid = torch.ones_like(teacher, dtype=torch.bool) if valid is None else valid
    result: torch.Tensor = Anchor(Anchor.Config(std_floor=std_floor))(student, teacher, valid)
    return result


def map_of(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def test_value_equals_the_sum_done_by_hand() -> None:
    # Teacher: mean 3, deviation 2. Student: mean 4, deviation 6.
    value = anchor(map_of(-2.0, 10.0), map_of(1.0, 5.0))

    assert value.item() == pytest.approx((1 / 2) ** 2 + math.log(3) ** 2, rel=1e-5)


def test_half_the_spread_costs_as_much_as_twice_the_spread() -> None:
    teacher = torch.randn(1, 1, 8, 9)
    teacher -= teacher.mean()

    halved, doubled = anchor(0.5 * teacher, teacher), anchor(2 * teacher, teacher)

    torch.testing.assert_close(halved, doubled, rtol=1e-4, atol=0)
    assert halved.item() == pytest.approx(math.log(2) ** 2, rel=1e-4)


def test_a_map_with_the_same_mean_and_spread_costs_nothing() -> None:
    teacher = torch.randn(1, 1, 8, 9)

    assert anchor(teacher.flip(3), teacher).item() == pytest.approx(0, abs=1e-9)


def test_the_unit_and_the_origin_of_both_maps_do_not_matter() -> None:
    student, teacher = torch.randn(2, 1, 8, 9), torch.randn(2, 1, 8, 9)

    value = anchor(100 * student + 50, 100 * teacher + 50)

    torch.testing.assert_close(value, anchor(student, teacher), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("flat", ["student", "teacher", "both"])
def test_flat_maps_leave_value_and_gradient_finite(flat: str) -> None:
    student = torch.full((1, 1, 4, 5), 0.5) if flat != "teacher" else torch.randn(1, 1, 4, 5)
    teacher = torch.zeros(1, 1, 4, 5) if flat != "student" else torch.randn(1, 1, 4, 5)
    student.requires_grad_()

    value = anchor(student, teacher, std_floor=0.01)
    value.sum().backward()

    assert math.isfinite(value.item())
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()


def test_the_floor_is_added_to_both_spreads() -> None:
    value = anchor(map_of(-2.0, 10.0), map_of(1.0, 5.0), std_floor=3.0)

    expected = 1 / (4 + 9) + (0.5 * math.log((36 + 9) / (4 + 9))) ** 2
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_following_its_gradient_brings_a_drifted_output_back() -> None:
    teacher = torch.randn(1, 1, 8, 9, generator=torch.Generator().manual_seed(0))
    scale, shift = torch.tensor(4.0, requires_grad=True), torch.tensor(9.0, requires_grad=True)
    optimizer = torch.optim.Adam([scale, shift], lr=0.1)

    for _ in range(400):
        optimizer.zero_grad()
        anchor(scale * teacher + shift, teacher).sum().backward()
        optimizer.step()

    assert scale.item() == pytest.approx(1, abs=0.05)
    assert shift.item() == pytest.approx(0, abs=0.05)


def test_a_floor_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="std_floor"):
        Anchor.Config(std_floor=0.0)
