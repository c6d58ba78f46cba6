"""The divergence behind the KL losses keeps its digits where its two maps nearly agree."""

import pytest
import torch
import torch.nn.functional as F

from featherdepth.losses.softmax_kl import softmax_kl


def direct(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """The poster's formula as it stands, in float64."""
    p = (teacher.double() / temperature).softmax(dim=1)
    q = (student.double() / temperature).softmax(dim=1)
    return (p * (p / q).log()).sum(dim=1)


def kl(student: torch.Tensor, teacher: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    valid = torch.ones_like(student, dtype=torch.bool)
    return softmax_kl(student, teacher, valid, temperature=temperature, dim=1)


def smooth_maps(error: float, count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """A student that is `error` away from a teacher of unit spread, on 448x448 pixels."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(2, count, 1, 14, 14, generator=generator)
    teacher, noise = (
        F.interpolate(part, size=(448, 448), mode="bicubic").flatten(1) for part in coarse
    )
    teacher = (teacher - teacher.mean()) / teacher.std()
    return teacher + error * noise / noise.std(), teacher


@pytest.mark.parametrize("error", [0.03, 0.1, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_float32_agrees_with_the_direct_formula(error: float, temperature: float) -> None:
    student, teacher = smooth_maps(error)

    value = kl(student, teacher, temperature)

    expected = direct(student, teacher, temperature)
    torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("error", [0.1, 1.0])
def test_float64_agrees_with_the_direct_formula(error: float) -> None:
    student, teacher = (x.double() for x in smooth_maps(error))

    torch.testing.assert_close(
        kl(student, teacher), direct(student, teacher, 1), rtol=1e-10, atol=0
    )


def test_a_divergence_is_never_below_zero() -> None:
    student, teacher = smooth_maps(1e-5)

    assert (kl(student, teacher) >= 0).all()


def test_probabilities_that_vanish_leave_value_and_gradient_finite() -> None:
    student, teacher = smooth_maps(1.0)
    student = (1000 * student).requires_grad_()

    value = kl(student, 30 * teacher)
    value.sum().backward()

    assert torch.isfinite(value).all()
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()
    torch.testing.assert_close(student.grad.sum(dim=1), torch.zeros(2), atol=1e-5, rtol=0)


def test_gradients_flow_through_a_weight_on_the_value() -> None:
    student, teacher = torch.randn(3, 8, requires_grad=True), torch.randn(3, 8)
    weights = torch.tensor([1.0, 0.0, -2.0])

    (weights * kl(student, teacher, 2.0)).sum().backward()

    difference = (student / 2).softmax(dim=1) - (teacher / 2).softmax(dim=1)
    assert student.grad is not None
    torch.testing.assert_close(student.grad, weights[:, None] * difference.detach() / 2)
