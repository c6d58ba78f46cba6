"""The ranking loss asks which of two points is farther."""

import math

import pytest
import torch

from featherdepth.losses.ranking import Ranking


def map_of(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def pairs_of(*pairs: tuple[int, int]) -> torch.Tensor:
    return torch.tensor([pairs])


def ranking(
    student: torch.Tensor,
    teacher: torch.Tensor,
    pairs: torch.Tensor,
    valid: torch.Tensor | None = None,
    min_valid: int = 1,
) -> torch.Tensor:
    valid = torch.ones_like(teacher, dtype=torch.bool) if valid is None else valid
    result: torch.Tensor = Ranking(Ranking.Config(min_valid=min_valid))(
        student, teacher, valid, pairs
    )
    return result


def test_an_ordered_pair_costs_the_logistic_of_its_gap() -> None:
    student, teacher = map_of(0.5, -0.25), map_of(2.0, 1.0)

    right, wrong = pairs_of((0, 1)), pairs_of((0, 1))

    assert ranking(student, teacher, right).item() == pytest.approx(math.log1p(math.exp(-0.75)))
    assert ranking(-student, teacher, wrong).item() == pytest.approx(math.log1p(math.exp(0.75)))


def test_a_pair_and_its_mirror_cost_the_same() -> None:
    student, teacher = map_of(0.5, -0.25), map_of(2.0, 1.0)

    value = ranking(student, teacher, pairs_of((1, 0)))

    torch.testing.assert_close(value, ranking(student, teacher, pairs_of((0, 1))))


def test_equal_depths_cost_the_squared_gap_and_means_are_added() -> None:
    student, teacher = map_of(0.0, 0.5, 2.0, 3.0), map_of(1.0, 1.02, 2.0, 1.0)

    value = ranking(student, teacher, pairs_of((0, 1), (2, 3), (3, 2)))

    assert value.item() == pytest.approx(0.25 + math.log1p(math.exp(1.0)))


@pytest.mark.parametrize(("second", "equal"), [(1.029, True), (1.031, False), (1 / 1.031, False)])
def test_three_percent_divides_equal_from_ordered(second: float, equal: bool) -> None:
    value = ranking(map_of(0.0, 0.0), map_of(1.0, second), pairs_of((0, 1)))

    assert value.item() == pytest.approx(0.0 if equal else math.log(2))


def test_a_scale_of_the_target_and_a_shift_of_the_student_change_nothing() -> None:
    student, teacher = torch.rand(2, 1, 4, 5), torch.rand(2, 1, 4, 5) + 0.5
    pairs = torch.randint(0, 20, (2, 30, 2))

    value = ranking(student + 3.0, 10.0 * teacher, pairs)

    torch.testing.assert_close(value, ranking(student, teacher, pairs), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0])
def test_pairs_with_an_invalid_end_reach_neither_value_nor_gradient(bad: float) -> None:
    student = map_of(1.0, 2.0, bad).requires_grad_()
    valid = torch.tensor([True, True, False]).reshape(1, 1, 1, 3)

    value = ranking(student, map_of(2.0, 1.0, bad), pairs_of((0, 1), (1, 2), (2, 2)), valid)
    value.sum().backward()

    expected = ranking(map_of(1.0, 2.0), map_of(2.0, 1.0), pairs_of((0, 1)))
    torch.testing.assert_close(value.detach(), expected)
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()
    assert student.grad[..., 2].item() == 0


def test_too_few_valid_pixels_count_zero_and_keep_the_graph() -> None:
    student = torch.rand(1, 1, 10, 10, requires_grad=True)

    value = ranking(
        student, torch.rand(1, 1, 10, 10), torch.randint(0, 100, (1, 9, 2)), min_valid=101
    )
    value.sum().backward()

    assert value.item() == 0
    assert student.grad is not None
    assert (student.grad == 0).all()


def test_gradient_agrees_with_differences() -> None:
    student = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    teacher = torch.rand(1, 1, 4, 5, dtype=torch.float64) + 0.5
    pairs = torch.randint(0, 20, (1, 30, 2))

    assert torch.autograd.gradcheck(lambda s: ranking(s, teacher, pairs), (student,))


def draw(images: torch.Tensor, seed: int = 3, anchors: int = 200) -> torch.Tensor:
    loss = Ranking(Ranking.Config(anchors=anchors))
    generators = [torch.Generator().manual_seed(seed + i) for i in range(len(images))]
    return loss.draw_pairs(images, generators)


def test_half_of_the_pairs_lie_across_the_edges_of_the_photo() -> None:
    images = torch.zeros(2, 3, 64, 96)
    images[..., 48:] = 1.0  # one vertical edge between columns 47 and 48

    pairs = draw(images)

    across, random = pairs[:, :600], pairs[:, 600:]
    x, y = across % 96, across // 96
    middle = x[:, 1::3]  # the two nearest points of an anchor, one on each side
    assert ((middle.amin(2) <= 46) & (middle.amax(2) >= 49)).all()
    assert (y[..., 0] == y[..., 1]).all()  # the gradient is horizontal
    assert (x - 47.5).abs().max() <= 31
    assert random.shape == (2, 600, 2)
    assert random.min() >= 0
    assert random.max() < 64 * 96
    assert (random % 96).float().std() > 20  # everywhere


def test_the_same_generator_draws_the_same_pairs() -> None:
    images = torch.rand(1, 3, 32, 40)

    assert torch.equal(draw(images, seed=1), draw(images, seed=1))
    assert not torch.equal(draw(images, seed=1), draw(images, seed=2))


def test_a_photo_without_edges_still_gives_pairs_inside() -> None:
    pairs = draw(torch.full((1, 3, 16, 16), 0.5))

    assert pairs.min() >= 0
    assert pairs.max() < 256


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="anchors"):
        Ranking.Config(anchors=0)
    with pytest.raises(ValueError, match="ratio"):
        Ranking.Config(ratio=1.0)
