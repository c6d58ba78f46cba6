"""SpatialKL reads the channels of each pixel as a distribution."""

import math

import pytest
import torch

from featherdepth.losses.spatial_kl import SpatialKL


def spatial_kl(
    student: torch.Tensor,
    teacher: torch.Tensor,
    valid: torch.Tensor | None = None,
    temperature: float = 1.0,
) -> torch.Tensor:
    valid = torch.ones_like(teacher[:, :1], dtype=torch.bool) if valid is None else valid
    loss = SpatialKL(SpatialKL.Config(temperature=temperature))
    result: torch.Tensor = loss(student, teacher, valid)
    return result


@pytest.mark.parametrize("tau", [1.0, 4.0])
def test_value_is_the_mean_over_pixels_done_by_hand(tau: float) -> None:
    # One pixel (1/4, 3/4) against (1/2, 1/2), one where both agree.
    teacher = torch.tensor([[0.0, 2.0], [tau * math.log(3.0), 1.0]]).reshape(1, 2, 1, 2)
    student = torch.tensor([[5.0, 2.0], [5.0, 1.0]]).reshape(1, 2, 1, 2)

    value = spatial_kl(student, teacher, temperature=tau)

    kl = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    assert value.item() == pytest.approx(tau**2 * kl / 2, rel=1e-5)


def test_the_teachers_distribution_weighs_the_sum() -> None:
    teacher = torch.tensor([0.0, 1.0, 2.0, 3.0]).reshape(1, 4, 1, 1)
    student = torch.tensor([0.0, 1.0, 2.0, 2.0]).reshape(1, 4, 1, 1)

    assert spatial_kl(student, teacher).item() == pytest.approx(0.1213004, rel=1e-5)
    assert spatial_kl(teacher, student).item() == pytest.approx(0.1231276, rel=1e-5)


def test_a_shift_of_all_channels_of_a_pixel_changes_nothing() -> None:
    student, teacher = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)

    value = spatial_kl(student + 4 * torch.rand(2, 1, 4, 5), teacher)

    torch.testing.assert_close(value, spatial_kl(student, teacher), rtol=1e-4, atol=1e-6)


def test_a_shift_of_one_channel_counts() -> None:
    teacher = torch.rand(1, 3, 4, 5)
    student = teacher.clone()
    student[:, 0] += 1

    assert spatial_kl(student, teacher).item() > 0.01


def test_one_channel_is_refused_with_a_sentence() -> None:
    depth = torch.rand(1, 1, 4, 5)

    with pytest.raises(ValueError, match=r"found 1 channel.*use channel_kl on a depth map"):
        spatial_kl(depth, depth)


def test_a_temperature_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature"):
        SpatialKL.Config(temperature=-1.0)
