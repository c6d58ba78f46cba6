"""ChannelMSE compares probabilities, which are tiny on a map of many pixels."""

import pytest
import torch

from featherdepth.losses.channel_mse import ChannelMSE


def channel_mse(
    student: torch.Tensor, teacher: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    valid = torch.ones_like(teacher[:, :1], dtype=torch.bool)
    loss = ChannelMSE(ChannelMSE.Config(temperature=temperature))
    result: torch.Tensor = loss(student, teacher, valid)
    return result


def test_value_equals_the_sum_over_pixels_done_by_hand() -> None:
    teacher = torch.tensor([0.0, 1.0, 2.0, 3.0]).reshape(1, 1, 2, 2)
    student = torch.tensor([0.0, 1.0, 2.0, 2.0]).reshape(1, 1, 2, 2)

    value = channel_mse(student, teacher)

    assert value.item() == pytest.approx(0.0902473, rel=1e-5)


def test_temperature_divides_the_maps_and_nothing_else() -> None:
    student, teacher = torch.rand(2, 1, 4, 5), torch.rand(2, 1, 4, 5)

    value = channel_mse(3 * student, 3 * teacher, temperature=3.0)

    torch.testing.assert_close(value, channel_mse(student, teacher))


def test_channels_are_averaged() -> None:
    student, teacher = torch.rand(1, 2, 4, 5), torch.rand(1, 2, 4, 5)

    value = channel_mse(student, teacher)

    alone = [channel_mse(student[:, c : c + 1], teacher[:, c : c + 1]) for c in range(2)]
    torch.testing.assert_close(value, sum(alone) / 2)


def test_a_shift_changes_nothing() -> None:
    student, teacher = torch.rand(2, 1, 4, 5), torch.rand(2, 1, 4, 5)

    value = channel_mse(student + 7.0, teacher - 3.0)

    torch.testing.assert_close(value, channel_mse(student, teacher), rtol=1e-4, atol=1e-7)


def test_on_a_full_size_map_it_is_practically_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    teacher = torch.randn(1, 1, 448, 448, generator=generator)
    student = torch.randn(1, 1, 448, 448, generator=generator).requires_grad_()

    value = channel_mse(student, teacher)
    value.sum().backward()

    assert 0 < value.item() < 1e-4  # where the mean squared error is 2
    assert student.grad is not None
    assert student.grad.norm().item() < 1e-6  # and the norm of its gradient 6e-3


def test_a_temperature_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature"):
        ChannelMSE.Config(temperature=0.0)
