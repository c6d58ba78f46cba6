"""What every loss between a student's and a teacher's map keeps to."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from featherdepth.config import build
from featherdepth.losses import LOSSES

NAMES = ["anchor", "channel_kl", "channel_mse", "mse", "pairwise", "spatial_kl"]
every_loss = pytest.mark.parametrize("name", NAMES)


def make(name: str, **settings: Any) -> nn.Module:
    loss: nn.Module = build(LOSSES, {"name": name, **settings}, "losses")
    return loss


def maps(
    name: str, *, batch: int = 2, size: tuple[int, int] = (5, 6), wide: bool = False
) -> tuple[torch.Tensor, ...]:
    """Student, teacher, valid: features where the loss takes them, else a depth map."""
    generator = torch.Generator().manual_seed(7)
    channels = 3 if "features" in LOSSES.load(name).places else 1
    dtype = torch.float64 if wide else torch.float32
    shape = (batch, channels, *size)
    student, teacher = (torch.randn(shape, generator=generator, dtype=dtype) for _ in range(2))
    return student, teacher, torch.rand(batch, 1, *size, generator=generator) > 0.3


@every_loss
def test_the_teacher_itself_costs_nothing_and_pulls_nowhere(name: str) -> None:
    student, teacher, valid = maps(name)
    student = teacher.clone().requires_grad_()

    value = make(name)(student, teacher, valid)
    value.sum().backward()

    assert (value == 0).all()
    assert student.grad is not None
    assert student.grad.abs().max() < 1e-7


@every_loss
def test_another_map_costs_something(name: str) -> None:
    assert (make(name)(*maps(name)) > 1e-3).all()


@every_loss
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30])
def test_invalid_pixels_reach_neither_value_nor_gradient(name: str, bad: float) -> None:
    student, teacher, valid = maps(name)
    dirty = torch.where(valid, student, bad).requires_grad_()

    value = make(name)(dirty, torch.where(valid, teacher, bad), valid)
    value.sum().backward()

    expected = make(name)(
        torch.where(valid, student, 0.3), torch.where(valid, teacher, -9.0), valid
    )
    torch.testing.assert_close(value.detach(), expected)
    assert dirty.grad is not None
    assert torch.isfinite(dirty.grad).all()
    assert (dirty.grad.masked_fill(valid, 0) == 0).all()
    assert (dirty.grad.abs().sum(dim=1, keepdim=True)[valid] > 0).any()


@every_loss
def test_only_valid_pixels_are_counted(name: str) -> None:
    student, teacher, _ = maps(name)
    left = torch.zeros(2, 1, 5, 6, dtype=torch.bool)
    left[..., :4] = True

    value = make(name)(student, teacher, left)

    alone = make(name)(student[..., :4], teacher[..., :4], left[..., :4])
    torch.testing.assert_close(value, alone)


@every_loss
def test_an_image_without_a_valid_pixel_counts_zero_and_keeps_the_graph(name: str) -> None:
    student, teacher, valid = maps(name)
    valid[0] = False
    student[0], teacher[0] = math.nan, math.inf
    student.requires_grad_()

    value = make(name)(student, teacher, valid)
    value.sum().backward()

    assert value[0].item() == 0
    assert value[1].item() > 0
    assert student.grad is not None
    assert (student.grad[0] == 0).all()
    assert torch.isfinite(student.grad).all()


@every_loss
def test_each_image_is_judged_alone(name: str) -> None:
    student, teacher, valid = maps(name)

    both = make(name)(student, teacher, valid)

    for i in range(2):
        alone = make(name)(student[i : i + 1], teacher[i : i + 1], valid[i : i + 1])
        torch.testing.assert_close(both[i : i + 1], alone)


@every_loss
def test_no_gradient_reaches_the_teacher(name: str) -> None:
    student, teacher, valid = maps(name)
    student.requires_grad_()
    teacher.requires_grad_()

    make(name)(student, teacher, valid).sum().backward()

    assert student.grad is not None
    assert teacher.grad is None


@every_loss
def test_gradient_agrees_with_differences(name: str) -> None:
    student, teacher, valid = maps(name, wide=True)
    student.requires_grad_()

    assert torch.autograd.gradcheck(lambda s: make(name)(s, teacher, valid), (student,))


@every_loss
def test_float64_stays_float64(name: str) -> None:
    assert make(name)(*maps(name, wide=True)).dtype is torch.float64


@every_loss
def test_half_precision_under_autocast_gives_the_float32_result(name: str) -> None:
    student, teacher, valid = maps(name, size=(40, 40))
    student, teacher = student.bfloat16(), teacher.bfloat16()
    low = student.clone().requires_grad_()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = make(name)(low, teacher, valid)
    value.sum().backward()

    full = student.float().requires_grad_()
    expected = make(name)(full, teacher.float(), valid)
    expected.sum().backward()
    assert torch.equal(value, expected)
    assert low.grad is not None
    assert full.grad is not None
    assert torch.equal(low.grad, full.grad.bfloat16())


@every_loss
def test_memory_order_of_the_maps_does_not_matter(name: str) -> None:
    student, teacher, valid = maps(name)

    value = make(name)(student.contiguous(memory_format=torch.channels_last), teacher, valid)

    torch.testing.assert_close(value, make(name)(student, teacher, valid))
