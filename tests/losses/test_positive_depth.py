"""Raw maps become positive depth by a map that the teacher alone decides."""

import math

import pytest
import torch

from featherdepth.losses.positive_depth import FARTHEST, PositiveDepth, fit_positive
from featherdepth.types import DepthKind

DEPTH = DepthKind.AFFINE_INVARIANT
DISPARITY = DepthKind.AFFINE_INVARIANT_DISPARITY
METRIC = DepthKind.METRIC
KINDS = list(DepthKind)


def ramp() -> torch.Tensor:
    """-50, -49 ... 50: the 2 % and 98 % quantiles are -48 and 48."""
    return torch.arange(-50.0, 51.0).reshape(1, 1, 1, 101)


def fitted(
    teacher: torch.Tensor, kind: DepthKind = DEPTH, valid: torch.Tensor | None = None
) -> PositiveDepth:
    valid = torch.ones_like(teacher, dtype=torch.bool) if valid is None else valid
    return fit_positive(teacher, valid, kind=kind, epsilon=0.1)


def row(*values: float) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float32)


def test_affine_depth_puts_the_quantiles_at_epsilon_and_one() -> None:
    depth = fitted(ramp())(row(-48, 48, 0, -50))

    torch.testing.assert_close(depth, row(0.1, 1.0, 0.55, 0.1 - 0.9 * 2 / 96))


def test_affine_disparity_puts_the_nearest_at_epsilon_and_the_farthest_at_one() -> None:
    depth = fitted(ramp(), DISPARITY)(row(48, -48, 0))

    torch.testing.assert_close(depth, row(0.1, 1.0, 0.1 / 0.55))


@pytest.mark.parametrize("kind", [METRIC, DepthKind.SCALE_INVARIANT])
def test_kinds_with_a_true_zero_are_only_scaled(kind: DepthKind) -> None:
    to_depth = fitted(ramp() + 50, kind)  # 0 .. 100: the 98 % quantile is 98

    torch.testing.assert_close(to_depth(row(49, 98, 0, -98)), row(0.5, 1.0, 0.0, -1.0))


def test_quantiles_between_two_values_are_interpolated() -> None:
    teacher = torch.tensor([3.0, 1.0, 2.0, 0.0]).reshape(1, 1, 2, 2)  # ranks 0.06 and 2.94

    to_depth = fitted(teacher)

    torch.testing.assert_close(to_depth.zero, torch.tensor([0.06]))
    torch.testing.assert_close(to_depth.span, torch.tensor([2.88]))


def test_quantiles_of_a_large_map_are_those_of_all_its_values() -> None:
    generator = torch.Generator().manual_seed(0)
    teacher = torch.randn(1, 1, 448, 448, generator=generator)

    to_depth = fitted(teacher)

    exact = teacher.flatten().quantile(torch.tensor([0.02, 0.98]))
    assert to_depth.zero.item() == pytest.approx(exact[0].item(), abs=0.05)
    assert to_depth.span.item() == pytest.approx((exact[1] - exact[0]).item(), abs=0.1)


def test_quantiles_of_a_large_striped_map_do_not_follow_one_stripe() -> None:
    teacher = (torch.arange(512) % 4 > 0).float().expand(1, 1, 512, 512)

    to_depth = fitted(teacher)

    assert (to_depth.zero.item(), to_depth.span.item()) == (0, 1)


def test_disparity_beyond_the_far_end_follows_the_tangent() -> None:
    to_depth = fitted(ramp(), DISPARITY)
    knee = -48 - 0.05 / 0.9 * 96  # t = eps / 2
    raw = row(knee - 5, knee, knee + 1e-3).double().requires_grad_()

    depth = to_depth(raw)
    (slope,) = torch.autograd.grad(depth.sum(), raw)

    # At the knee z = 2 and dz/dt = -eps / (eps / 2)^2 = -40; dt/draw = 0.9 / 96.
    assert depth[0, 1].item() == pytest.approx(2.0, abs=1e-5)
    assert slope[0, 0].item() == pytest.approx(-40 * 0.9 / 96, rel=1e-5)
    assert slope[0, 2].item() == pytest.approx(slope[0, 0].item(), rel=1e-2)
    assert depth[0, 0].item() == pytest.approx(2.0 + 40 * 0.9 / 96 * 5, rel=1e-5)


def test_disparity_whose_line_meets_zero_has_the_slope_of_the_tangent() -> None:
    one = torch.ones(1)
    to_depth = PositiveDepth(zero=0 * one, span=one, kind=DISPARITY, epsilon=0.5)
    raw = row(-1.0).requires_grad_()  # t = 0.5 - 0.5

    depth = to_depth(raw)
    (slope,) = torch.autograd.grad(depth, raw)

    assert depth.item() == 4
    assert slope.item() == -4


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_has_a_finite_depth_in_order_with_a_gradient(kind: DepthKind) -> None:
    raw = torch.linspace(-1e4, 1e4, 2001, dtype=torch.float64)[None].requires_grad_()

    depth = fitted(ramp(), kind)(raw)
    (slope,) = torch.autograd.grad(depth.sum(), raw)

    sign = -1 if kind is DISPARITY else 1
    assert depth.isfinite().all()
    assert (sign * depth.diff() > 0).all()
    assert (sign * slope > 0).all()


@pytest.mark.parametrize("kind", [DEPTH, DISPARITY])
def test_scale_and_shift_of_both_maps_change_nothing(kind: DepthKind) -> None:
    student = torch.rand(1, 30)

    moved = fitted(3 * ramp() + 7, kind)(3 * student + 7)

    torch.testing.assert_close(moved, fitted(ramp(), kind)(student), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_the_teacher_does_not_know_decides_nothing_and_is_not_used(bad: float) -> None:
    teacher = ramp()
    spoiled = torch.cat([teacher, torch.full((1, 1, 1, 40), bad)], dim=3)

    to_depth = fitted(spoiled)

    assert torch.equal(to_depth.zero, fitted(teacher).zero)
    assert torch.equal(to_depth.span, fitted(teacher).span)
    usable = to_depth.usable(spoiled, torch.ones_like(spoiled, dtype=torch.bool))
    assert not usable[0, 101:].any()
    assert usable[0, :101].all()


def test_invalid_pixels_decide_nothing_and_are_not_used() -> None:
    teacher = torch.cat([ramp(), torch.full((1, 1, 1, 40), 1e6)], dim=3)
    valid = teacher < 1e5

    to_depth = fitted(teacher, valid=valid)

    assert torch.equal(to_depth.span, fitted(ramp()).span)
    assert torch.equal(to_depth.usable(teacher, valid)[0], valid.flatten())


@pytest.mark.parametrize(
    ("kind", "lowest"), [(DEPTH, 0.05), (DISPARITY, 0.05), (METRIC, 0.0)], ids=str
)
def test_usable_is_what_lies_between_the_bounds(kind: DepthKind, lowest: float) -> None:
    teacher = torch.cat([ramp() + 50, torch.tensor([-3.0, -40.0, 190.0]).view(1, 1, 1, 3)], dim=3)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    to_depth = fitted(ramp() + 50, kind)

    usable = to_depth.usable(teacher, valid)

    depth = to_depth(teacher.flatten(1))
    assert torch.equal(usable, (depth > lowest) & (depth < FARTHEST))
    assert not usable.all()


@pytest.mark.parametrize(("known", "used"), [(15, 0), (16, 16)])
def test_fewer_than_sixteen_usable_pixels_are_none(known: int, used: int) -> None:
    teacher = torch.linspace(1.0, 2.0, 30).reshape(1, 1, 5, 6)
    valid = (torch.arange(30) < known).reshape(1, 1, 5, 6)

    assert fitted(teacher, METRIC, valid).usable(teacher, valid).sum() == used


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 5.0, -5.0])
def test_a_constant_teacher_has_a_finite_map(kind: DepthKind, value: float) -> None:
    depth = fitted(torch.full((1, 1, 8, 8), value), kind)(row(value, value + 1))

    assert depth.isfinite().all()


def test_an_image_without_a_known_pixel_has_a_finite_map_and_uses_nothing() -> None:
    teacher = torch.full((1, 1, 8, 8), math.nan)
    valid = torch.zeros_like(teacher, dtype=torch.bool)
    to_depth = fitted(teacher, valid=valid)

    assert to_depth(row(1.0)).isfinite().all()
    assert not to_depth.usable(teacher, valid).any()


def test_images_of_a_batch_have_maps_of_their_own_without_gradient() -> None:
    teacher = torch.cat([ramp(), 2 * ramp()]).requires_grad_()

    to_depth = fitted(teacher)

    torch.testing.assert_close(to_depth.zero, torch.tensor([-48.0, -96.0]))
    assert not to_depth.zero.requires_grad
    assert not to_depth.span.requires_grad
