"""PairwiseNormal asks how surfaces stand to each other, mostly across edges."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from featherdepth.losses.pairwise_normal import (
    PairwiseNormal,
    align,
    cosines,
    depth_edges,
    mean_gap,
    normal_edges,
)
from featherdepth.losses.views import ViewLoss, Views

HEIGHT, WIDTH = 96, 128
FOCAL = 100.0


def corner(height: int = HEIGHT, width: int = WIDTH) -> torch.Tensor:
    """Two walls that meet at a right angle 4 m ahead; Z = 4 / (1 + |x|)."""
    x = (torch.arange(width) - (width - 1) / 2) / FOCAL
    return (4 / (1 + x.abs())).expand(1, 1, height, width).clone()


def views_of(images: torch.Tensor, seed: int = 3, known: bool = True) -> Views:
    count, _, height, width = images.shape
    camera = [FOCAL, FOCAL, (width - 1) / 2, (height - 1) / 2]
    return Views(
        images=images,
        intrinsics=np.array([camera if known else [np.nan] * 4] * count),
        generators=[torch.Generator().manual_seed(seed + i) for i in range(count)],
    )


def loss_of(
    student: torch.Tensor,
    target: torch.Tensor,
    valid: torch.Tensor | None = None,
    views: Views | None = None,
    **config: Any,
) -> torch.Tensor:
    valid = torch.ones_like(target, dtype=torch.bool) if valid is None else valid
    views = (
        views_of(torch.full((len(target), 3, *target.shape[2:]), 0.5)) if views is None else views
    )
    loss = PairwiseNormal(PairwiseNormal.Config(**config))
    result: torch.Tensor = loss(student, target, valid, views)
    return result


def rough(seed: int = 0, count: int = 1) -> torch.Tensor:
    """The corner with smooth bumps."""
    generator = torch.Generator().manual_seed(seed)
    bumps = torch.randn(count, 1, 9, 12, generator=generator)
    bumps = torch.nn.functional.interpolate(bumps, size=(HEIGHT, WIDTH), mode="bicubic")
    return corner() + 0.1 * bumps


def test_a_flat_map_misses_the_corner_and_half_of_the_random_pairs() -> None:
    value = loss_of(torch.full((1, 1, HEIGHT, WIDTH), 7.0), corner())

    # All its cosines are 1. Edge pairs: those across the corner have a true 0 and count 1, those
    # on one wall 0. Random pairs: half lie on two walls.
    assert value.item() == pytest.approx(1 + 0 + 0.5, abs=0.06)


def test_scale_shift_and_sign_of_the_student_change_nothing() -> None:
    target, student = corner(), rough()

    value = loss_of(student, target)

    assert value.item() > 0.05
    torch.testing.assert_close(loss_of(-3 * student + 50, target), value, atol=1e-3, rtol=0)
    assert loss_of(-0.3 * target + 2, target).item() < 1e-3


def test_the_unit_of_the_target_does_not_matter() -> None:
    value = loss_of(rough(), 100 * corner())

    torch.testing.assert_close(value, loss_of(rough(), corner()), atol=1e-3, rtol=0)


def test_bumps_on_a_plane_are_seen_across_the_edges_of_the_photo() -> None:
    # No edge of normals: a wall of one direction. The photo has an edge in its middle.
    x = (torch.arange(WIDTH) - 63.5) / FOCAL
    wall = (3 / (1 + 0.5 * x)).expand(1, 1, HEIGHT, WIDTH).clone()
    bent = wall + 0.5 * (x.abs() < 0.05)
    striped, smooth = torch.zeros(2, 1, 3, HEIGHT, WIDTH)
    striped[..., WIDTH // 2 :] = 1.0
    smooth[..., :, 20:] = 1.0

    middle = loss_of(bent, wall, views=views_of(striped))
    elsewhere = loss_of(bent, wall, views=views_of(smooth))

    assert middle.item() > 1.2 * elsewhere.item()


def test_a_group_is_the_mean_gap_of_its_own_pairs() -> None:
    truth = torch.tensor([[0.1, 0.2, 0.96, 0.5, 0.25], [0.5, 0.5, 0.5, 0.5, 0.5]])
    found = torch.tensor([[0.4, 0.1, 0.0, 0.0, 0.9], [0.0, 0.0, 0.0, 0.0, 0.0]])
    use = torch.tensor([[True, True, True, True, False], [True, True, True, True, False]])

    corners = mean_gap(truth, found, use, above=0.0, below=0.3)
    planes = mean_gap(truth, found, use, above=0.95, below=torch.inf)

    torch.testing.assert_close(corners, torch.tensor([(0.3 + 0.1) / 2, 0.0]))
    torch.testing.assert_close(planes, torch.tensor([0.96, 0.0]))


def test_alignment_is_the_least_squares_fit_over_valid_pixels() -> None:
    student = torch.tensor([[0.0, 1.0], [2.0, 3.0]], dtype=torch.float64).reshape(1, 1, 2, 2)
    target = torch.tensor([[1.0, 3.0], [5.0, 8.0]], dtype=torch.float64).reshape(1, 1, 2, 2)
    valid = torch.ones_like(target, dtype=torch.bool)

    aligned = align(student, target, valid)

    expected = torch.tensor([[0.8, 3.1], [5.4, 7.7]], dtype=torch.float64).reshape(1, 1, 2, 2)
    torch.testing.assert_close(aligned, expected, atol=1e-5, rtol=0)
    valid[..., 1, 1] = False
    fit = align(student, target, valid)  # scale 2, shift 1
    torch.testing.assert_close(fit, 2 * student + 1, atol=1e-4, rtol=0)


def test_a_jump_of_depth_is_an_edge_on_both_of_its_sides() -> None:
    target = torch.tensor([1.0, 1.0, 1.0, 1.15, 1.15, 1.2, 1.2]).reshape(1, 1, 1, 7)

    along = depth_edges(target, 0.1)
    upright = depth_edges(target.mT, 0.1)

    assert along.flatten().tolist() == [False, False, True, True, False, False, False]
    assert torch.equal(upright, along.mT)


def test_what_lies_near_a_depth_edge_is_not_asked() -> None:
    # Two walls facing the camera, one before the other: but for the jump all normals agree.
    target = torch.full((1, 1, HEIGHT, WIDTH), 2.0)
    target[..., 64:] = 4.0
    x = torch.arange(WIDTH)
    blurred = (2 + 2 * ((x - 61) / 5).clamp(0, 1)).expand_as(target).clone()

    value = loss_of(blurred, target)

    assert value.item() < 0.02
    assert loss_of(blurred, target, depth_edge=1.9).item() > 0.05


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0])
def test_invalid_pixels_reach_neither_value_nor_gradient(bad: float) -> None:
    student, target = rough(), corner()
    valid = torch.ones_like(target, dtype=torch.bool)
    valid[..., 20:30, 40:44] = False
    dirty = torch.where(valid, student, bad).requires_grad_()

    value = loss_of(dirty, torch.where(valid, target, bad), valid)
    value.sum().backward()

    assert torch.equal(value, loss_of(student, target, valid))
    assert dirty.grad is not None
    assert torch.isfinite(dirty.grad).all()
    assert (dirty.grad[~valid] == 0).all()
    assert (dirty.grad[valid] != 0).any()


def test_near_an_invalid_pixel_nothing_is_asked() -> None:
    target = 0.25 * corner()  # about 1, as what stands in for a pixel without depth
    valid = torch.ones_like(target, dtype=torch.bool)
    valid[..., ::8] = False  # no square of 13 pixels is whole

    value = loss_of(rough(), target, valid, depth_edge=1.9)

    assert value.item() == 0
    valid[..., 40:60] = True
    assert loss_of(rough(), target, valid, depth_edge=1.9).item() > 0.1


def test_too_few_normals_count_zero_and_keep_the_graph() -> None:
    student = rough(count=2).requires_grad_()
    target = corner().repeat(2, 1, 1, 1)
    valid = torch.ones_like(target, dtype=torch.bool)
    valid[0] = False
    valid[0, :, 30:74, 50:94] = True  # 32 x 32 of these pixels have a normal

    value = loss_of(student, target, valid, min_valid=1025)
    value.sum().backward()

    assert value[0].item() == 0
    assert value[1].item() > 0
    assert student.grad is not None
    assert (student.grad[0] == 0).all()
    assert torch.isfinite(student.grad).all()
    assert loss_of(student, target, valid, min_valid=1024)[0].item() > 0


def test_a_pair_counts_with_two_points_whose_normals_are_known() -> None:
    truth = torch.tensor([[0.0, 0.0, 1.0], [0.6, 0.0, 0.8], [0.0, -0.6, -0.8], [0.0, 0.0, 1.0]])
    truth = truth.T.reshape(1, 3, 1, 4)
    known = torch.tensor([True, True, True, False]).reshape(1, 1, 1, 4)
    pairs = torch.tensor([[[0, 1], [1, 2], [0, 3], [3, 0], [2, 2]]])

    of_truth, of_found, use = cosines(truth, truth.roll(1, dims=3), known, pairs)

    torch.testing.assert_close(of_truth, torch.tensor([[0.8, 0.64, 1.0, 1.0, 1.0]]))
    torch.testing.assert_close(of_found, torch.tensor([[1.0, 0.8, 0.8, 0.8, 1.0]]))
    assert use.tolist() == [[True, True, False, False, False]]


def test_edges_of_normals_point_along_the_component_that_changes_most() -> None:
    truth = torch.tensor([0.0, 0.0, 1.0]).reshape(1, 3, 1, 1).repeat(1, 1, 6, 12)
    truth[..., 5:] = torch.tensor([0.6, 0.0, 0.8]).reshape(3, 1, 1)
    truth[..., 9:] = 0.0  # unknown

    along_x, along_y = normal_edges(truth)

    expected = torch.zeros(1, 1, 6, 12)
    expected[..., 1:-1, 4:6] = 0.6
    torch.testing.assert_close(along_x, expected)
    assert (along_y == 0).all()
    turned_x, turned_y = normal_edges(truth.mT[:, [1, 0, 2]])
    torch.testing.assert_close(turned_y, expected.mT)
    assert (turned_x == 0).all()


def test_each_image_is_judged_alone_by_its_own_generator() -> None:
    student, target = rough(count=2), corner().repeat(2, 1, 1, 1)
    images = torch.rand(2, 3, HEIGHT, WIDTH)

    both = loss_of(student, target, views=views_of(images, seed=5))

    second = loss_of(student[1:], target[1:], views=views_of(images[1:], seed=6))
    torch.testing.assert_close(both[1:], second)
    assert not torch.equal(second, loss_of(student[1:], target[1:], views=views_of(images[1:])))


def test_an_unknown_camera_is_one_of_sixty_degrees_upright() -> None:
    student, target = rough(), corner()
    images = torch.full((1, 3, HEIGHT, WIDTH), 0.5)
    assumed = views_of(images)
    focal = HEIGHT / 2 / math.tan(math.radians(30))
    assumed.intrinsics[0, :2] = focal

    value = loss_of(student, target, views=views_of(images, known=False))

    torch.testing.assert_close(value, loss_of(student, target, views=assumed))


def test_gradient_agrees_with_differences() -> None:
    generator = torch.Generator().manual_seed(1)
    target = corner(20, 24).double()
    images = torch.rand(1, 3, 20, 24, generator=generator)
    modes = torch.rand(10, 20, 24, generator=generator, dtype=torch.float64)
    student = torch.rand(10, generator=generator, dtype=torch.float64, requires_grad=True)

    def value(amplitudes: torch.Tensor) -> torch.Tensor:
        depth = target + 0.05 * torch.einsum("m,mhw->hw", amplitudes, modes)
        views = views_of(images)
        return loss_of(depth, target, views=views, anchors=20, min_valid=1, spacings=(1, 2))

    assert value(student).item() > 0.01
    assert torch.autograd.gradcheck(value, (student,))


def test_half_precision_under_autocast_gives_the_float32_result() -> None:
    student, target = rough().bfloat16(), corner()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss_of(student, target)

    assert value.dtype is torch.float32
    assert torch.equal(value, loss_of(student.float(), target))


def test_following_its_gradient_straightens_the_surfaces() -> None:
    target = corner()
    student = rough().requires_grad_()
    optimizer = torch.optim.Adam([student], lr=0.005)
    before = loss_of(student, target).item()

    for step in range(15):
        optimizer.zero_grad()
        views = views_of(torch.full((1, 3, HEIGHT, WIDTH), 0.5), seed=step)
        loss_of(student, target, views=views).sum().backward()
        optimizer.step()

    assert loss_of(student, target).item() < 0.7 * before


def test_the_objective_recognizes_it() -> None:
    loss = PairwiseNormal(PairwiseNormal.Config())

    assert isinstance(loss, ViewLoss)
    assert not loss.order_only


@pytest.mark.parametrize(
    ("key", "value"),
    [("anchors", 0), ("spacings", (0, 2)), ("depth_edge", 0.0), ("min_valid", 0)],
)
def test_settings_out_of_range_are_refused(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=key):
        PairwiseNormal.Config(**{key: value})
