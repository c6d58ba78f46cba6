"""ChannelKL reads each channel as a distribution over its pixels."""

import math

import pytest
import torch
import torch.nn.functional as F

from featherdepth.losses.channel_kl import ChannelKL


def map_of(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def channel_kl(
    student: torch.Tensor,
    teacher: torch.Tensor,
    valid: torch.Tensor | None = None,
    temperature: float = 1.0,
) -> torch.Tensor:
    valid = torch.ones_like(teacher[:, :1], dtype=torch.bool) if valid is None else valid
    loss = ChannelKL(ChannelKL.Config(temperature=temperature))
    result: torch.Tensor = loss(student, teacher, valid)
    return result


def smooth(seed: int, size: int = 448) -> torch.Tensor:
    """A smooth map of mean 0 and unit spread."""
    coarse = torch.randn(1, 1, 14, 14, generator=torch.Generator().manual_seed(seed))
    fine = F.interpolate(coarse, size=(size, size), mode="bicubic").double()
    return (fine - fine.mean()) / fine.std(correction=0)


@pytest.mark.parametrize("tau", [1.0, 2.0])
def test_value_equals_the_sum_done_by_hand(tau: float) -> None:
    # softmax((0, tau ln 3) / tau) = (1/4, 3/4); a flat student is (1/2, 1/2).
    expected = tau**2 * (0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5))

    value = channel_kl(map_of(5.0, 5.0), map_of(0.0, tau * math.log(3.0)), temperature=tau)

    assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("tau", "forward", "reversed_"), [(1.0, 0.1213004, 0.1231276), (2.0, 0.1209367, 0.1167695)]
)
def test_the_teachers_distribution_weighs_the_sum(
    tau: float, forward: float, reversed_: float
) -> None:
    teacher, student = map_of(0.0, 1.0, 2.0, 3.0), map_of(0.0, 1.0, 2.0, 2.0)

    value = channel_kl(student, teacher, temperature=tau)

    assert value.item() == pytest.approx(forward, rel=1e-5)
    swapped = channel_kl(teacher, student, temperature=tau)
    assert swapped.item() == pytest.approx(reversed_, rel=1e-5)


def test_pixels_are_summed_and_channels_averaged() -> None:
    teacher, student = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)

    value = channel_kl(student, teacher)

    alone = [channel_kl(student[:, c : c + 1], teacher[:, c : c + 1]) for c in range(3)]
    torch.testing.assert_close(value, sum(alone) / 3)


def test_a_shift_of_either_map_changes_nothing() -> None:
    student, teacher = torch.rand(2, 1, 4, 5), torch.rand(2, 1, 4, 5)

    shifted = channel_kl(student + 7.0, teacher - 3.0)

    torch.testing.assert_close(shifted, channel_kl(student, teacher), rtol=1e-4, atol=1e-6)


def test_a_shift_is_free_and_a_scale_is_not() -> None:
    teacher = smooth(1).float()

    assert abs(channel_kl(teacher + 3, teacher).item()) < 1e-8
    assert 0.005 < channel_kl(1.2 * teacher, teacher).item() < 0.05


def test_the_gradient_entries_sum_to_zero() -> None:
    student = torch.rand(1, 1, 6, 7, requires_grad=True)

    channel_kl(student, torch.rand(1, 1, 6, 7)).sum().backward()

    assert student.grad is not None
    assert student.grad.sum().item() == pytest.approx(0, abs=1e-6)
    assert student.grad.abs().sum().item() > 0.01


def test_a_large_temperature_gives_half_the_shift_free_squared_error() -> None:
    teacher = smooth(1)
    student = teacher + 0.3 * smooth(2)
    half = 0.5 * (student - teacher).var(correction=0)

    ratio = channel_kl(student, teacher, temperature=16.0) / half

    assert 0.98 < ratio.item() < 1.02
    far = channel_kl(student, teacher, temperature=1000.0) / half
    assert far.item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_real_map_agrees_with_the_formula_evaluated_directly(dtype: torch.dtype) -> None:
    teacher = smooth(1)
    student = (teacher + 0.1 * smooth(2)).to(dtype)
    phi_s, phi_t = (x.double().flatten().softmax(0) for x in (student, teacher.to(dtype)))
    expected = (phi_t * (phi_t / phi_s).log()).sum().item()

    value = channel_kl(student, teacher.to(dtype))

    assert 0.002 < expected < 0.01
    relative = 1e-5 if dtype is torch.float32 else 1e-10
    assert value.item() == pytest.approx(expected, rel=relative)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_a_masked_pixel_is_as_if_it_were_not_there(bad: float) -> None:
    valid = torch.tensor([True, True, False]).reshape(1, 1, 1, 3)

    value = channel_kl(map_of(1.0, 2.0, bad), map_of(2.0, 1.0, bad), valid)

    torch.testing.assert_close(value, channel_kl(map_of(1.0, 2.0), map_of(2.0, 1.0)))


def test_bfloat16_maps_keep_a_float32_result_at_full_size() -> None:
    teacher = smooth(1).bfloat16()
    student = (smooth(1) + 0.5 * smooth(2)).bfloat16()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = channel_kl(student, teacher)

    assert value.dtype is torch.float32
    exact = channel_kl(student.double(), teacher.double())
    assert value.item() == pytest.approx(exact.item(), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_out_of_range_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        ChannelKL.Config(temperature=temperature)
