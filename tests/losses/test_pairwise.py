"""Pairwise compares which places look alike, not the features themselves."""

import math

import pytest
import torch

from featherdepth.losses.pairwise import Pairwise


def pairwise(
    student: torch.Tensor,
    teacher: torch.Tensor,
    valid: torch.Tensor | None = None,
    nodes: int = 28,
    detach_norm: bool = False,
) -> torch.Tensor:
    valid = torch.ones_like(teacher[:, :1], dtype=torch.bool) if valid is None else valid
    loss = Pairwise(Pairwise.Config(nodes=nodes, detach_norm=detach_norm))
    result: torch.Tensor = loss(student, teacher, valid)
    return result


def columns(*vectors: tuple[float, ...]) -> torch.Tensor:
    """One pixel a vector, in a row."""
    return torch.tensor(vectors).T.reshape(1, len(vectors[0]), 1, len(vectors))


@pytest.mark.parametrize("length", [1.0, 10.0])
def test_value_equals_the_sum_done_by_hand(length: float) -> None:
    teacher = columns((1.0, 0.0), (0.0, 1.0))
    student = length * columns((1.0, 0.0), (1.0, 1.0))

    value = pairwise(student, teacher)

    assert value.item() == pytest.approx(0.25, rel=1e-5)  # 2 * 0.5 over 2^2 pairs


def test_student_and_teacher_may_differ_in_channels() -> None:
    teacher = columns((1.0, 0.0, 0.0), (0.0, 0.6, 0.8))
    student = columns((1.0, 0.0), (1.0, 1.0))

    assert pairwise(student, teacher).item() == pytest.approx(0.25, rel=1e-5)


def test_a_rotation_and_a_factor_change_nothing() -> None:
    teacher, student = torch.randn(2, 4, 5, 6), torch.randn(2, 3, 5, 6)
    rotation, _ = torch.linalg.qr(torch.randn(3, 3))

    turned = 2 * torch.einsum("dc,bchw->bdhw", rotation, student)

    torch.testing.assert_close(
        pairwise(turned, teacher), pairwise(student, teacher), rtol=1e-4, atol=1e-6
    )


def test_nodes_are_means_over_their_valid_pixels() -> None:
    teacher, student = torch.randn(1, 4, 4, 6), torch.randn(1, 3, 4, 6)
    valid = torch.ones(1, 1, 4, 6, dtype=torch.bool)
    valid[..., 0, 0] = False  # of the first of 2 x 2 nodes

    value = pairwise(student, teacher, valid, nodes=2)

    def means(features: torch.Tensor) -> torch.Tensor:
        nodes = features.unflatten(2, (2, 2)).unflatten(4, (2, 3)).mean(dim=(3, 5))
        first = features[..., :2, :3].flatten(2)[..., 1:].mean(dim=2)
        nodes[..., 0, 0] = first
        return nodes

    torch.testing.assert_close(value, pairwise(means(student), means(teacher)))


def test_a_node_without_a_valid_pixel_is_not_counted() -> None:
    teacher = columns((1.0, 0.0), (0.0, 1.0), (3.0, 4.0))
    student = columns((1.0, 0.0), (1.0, 1.0), (5.0, 2.0))
    valid = torch.tensor([True, True, False]).reshape(1, 1, 1, 3)

    assert pairwise(student, teacher, valid).item() == pytest.approx(0.25, rel=1e-5)


def test_features_of_zeros_leave_value_and_gradient_finite() -> None:
    student = torch.zeros(1, 3, 4, 4, requires_grad=True)

    value = pairwise(student, torch.rand(1, 3, 4, 4))
    value.sum().backward()

    assert math.isfinite(value.item())
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()


def test_a_detached_norm_changes_the_gradient_alone() -> None:
    teacher = torch.randn(1, 3, 4, 4)
    students = [torch.ones(1, 3, 4, 4).cumsum(3).requires_grad_() for _ in range(2)]

    values = [
        pairwise(student, teacher, detach_norm=detach)
        for student, detach in zip(students, (False, True), strict=True)
    ]
    for value in values:
        value.sum().backward()

    torch.testing.assert_close(values[0], values[1])
    free, held = (student.grad for student in students)
    assert free is not None
    assert held is not None
    # Along the feature itself nothing changes: the full gradient knows, the other does not.
    assert (free * students[0]).sum(dim=1).abs().max() < 1e-6
    assert (held * students[1]).sum(dim=1).abs().max() > 1e-4


def test_a_large_map_stays_within_its_nodes() -> None:
    features = torch.rand(1, 2, 60, 90)

    assert pairwise(features, features, nodes=4).item() == 0
    assert pairwise(features, torch.rand(1, 2, 60, 90)).item() > 0


def test_nodes_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="nodes"):
        Pairwise.Config(nodes=0)
