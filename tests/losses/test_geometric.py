"""The geometric loss compares clouds of the same pixels, as points and by their features."""

import math

import numpy as np
import pytest
import torch

from featherdepth.config import build
from featherdepth.errors import UsageError
from featherdepth.losses import LOSSES
from featherdepth.losses.channel_kl import ChannelKL
from featherdepth.losses.geometric import Geometric, feature_error, point_error
from featherdepth.losses.pointnet import load_trunk
from featherdepth.losses.positive_depth import fit_positive
from featherdepth.types import DepthKind

DEPTH = DepthKind.AFFINE_INVARIANT
DISPARITY = DepthKind.AFFINE_INVARIANT_DISPARITY
KINDS = list(DepthKind)
UNKNOWN = [math.nan] * 4


def geometric(
    kind: DepthKind = DEPTH, points: int = 64, trunk: str = "random", epsilon: float = 0.1
) -> Geometric:
    table = {"name": "geometric", "points": points, "trunk": trunk, "epsilon": epsilon}
    table |= {"lambda_in": 1.0, "lambda_feat": 1.0}
    made: Geometric = build(LOSSES, table, "losses[0]", kind=kind)
    return made


def maps(count: int = 2, height: int = 20, width: int = 24, seed: int = 0) -> torch.Tensor:
    """Smooth, positive, about 1 to 5: fit for every kind."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 1 + 4 * torch.rand(count, 1, 4, 5, generator=generator)
    return torch.nn.functional.interpolate(
        coarse, (height, width), mode="bilinear", align_corners=False
    )


def streams(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed + k) for k in range(count)]


def terms(
    loss: Geometric,
    student: torch.Tensor,
    teacher: torch.Tensor,
    valid: torch.Tensor | None = None,
    camera: list[float] | None = None,
) -> dict[str, torch.Tensor]:
    """As the distiller calls it."""
    valid = torch.ones_like(teacher, dtype=torch.bool) if valid is None else valid
    pixels = loss.draw_pixels(teacher, valid, streams(len(teacher)))
    intrinsics = np.array([camera or UNKNOWN] * len(teacher))
    rays = loss.rays_at(intrinsics, (teacher.shape[2], teacher.shape[3]), pixels)
    result: dict[str, torch.Tensor] = loss(student, teacher, valid, rays, pixels)
    return result


def gradient(values: dict[str, torch.Tensor], of: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(torch.stack(list(values.values())).sum(), of)[0]


# Rays and points


def test_points_of_a_known_camera_are_those_done_by_hand() -> None:
    depth = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    pixels = torch.tensor([[0, 1, 2, 3]])

    rays = Geometric.rays_at(np.array([[2.0, 2.0, 0.5, 0.5]]), (2, 2), pixels)

    expected = [[-0.25, -0.25, 1], [0.5, -0.5, 2], [-0.75, 0.75, 3], [1, 1, 4]]
    torch.testing.assert_close(depth[..., None] * rays, torch.tensor([expected]))


def test_point_error_of_a_shift_is_the_one_done_by_hand() -> None:
    rays = Geometric.rays_at(np.array([[2.0, 2.0, 0.5, 0.5]]), (2, 2), torch.tensor([[0, 1, 2, 3]]))
    depth = torch.tensor([[1.0, 2.0, 3.0, 4.0]])[..., None]

    value = point_error((depth + 0.1) * rays, depth * rays, torch.ones(1, 4, dtype=torch.bool))

    # |ray|^2 = 1 + 1/16 + 1/16 everywhere: 0.01 * 1.125 / 3.
    assert value.item() == pytest.approx(0.00375, rel=1e-5)


def test_the_weight_of_a_pixel_is_the_square_of_its_ray() -> None:
    size = (448, 448)
    pixels = torch.arange(448 * 448)[None]

    weight = Geometric.rays_at(np.array([UNKNOWN]), size, pixels).square().sum(dim=2)[0]

    grid = weight.view(size)
    assert grid[223, 223].item() == pytest.approx(1.0, abs=1e-4)
    assert grid[0, 0].item() == pytest.approx(1.664, abs=1e-3)
    assert weight.mean().item() == pytest.approx(1.222, abs=1e-3)


def test_an_unknown_camera_has_sixty_degrees_from_top_to_bottom() -> None:
    cameras = np.array([UNKNOWN, [100.0, 50.0, 3.0, 2.0], [100.0, math.nan, 3.0, 2.0]])
    pixels = torch.tensor([[0, 8]] * 3)  # the first two of the left column, 8 wide

    rays = Geometric.rays_at(cameras, (6, 8), pixels)

    focal = 3 / math.tan(math.radians(30))
    assert rays[0, 0].tolist() == pytest.approx([-3.5 / focal, -2.5 / focal, 1])
    assert rays[1].flatten().tolist() == pytest.approx([-0.03, -0.04, 1, -0.03, -0.02, 1])
    assert torch.equal(rays[2], rays[0])


def test_a_mirrored_picture_with_a_mirrored_camera_gives_the_mirrored_cloud() -> None:
    height, width = 6, 9
    pixels = torch.arange(height * width)[None]
    column, row = pixels % width, pixels // width
    mirrored = row * width + (width - 1 - column)
    camera = np.array([[10.0, 11.0, 2.5, 3.0]])
    flipped = np.array([[10.0, 11.0, width - 1 - 2.5, 3.0]])

    rays = Geometric.rays_at(camera, (height, width), pixels)
    others = Geometric.rays_at(flipped, (height, width), mirrored)

    torch.testing.assert_close(others, rays * torch.tensor([-1.0, 1.0, 1.0]))


def test_the_loss_of_mirrored_maps_is_that_of_the_maps() -> None:
    teacher, student = maps(1), maps(1, seed=1)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    loss = geometric(trunk="none")
    pixels = loss.draw_pixels(teacher, valid, streams(1))
    mirrored = pixels // 24 * 24 + 23 - pixels % 24
    camera, flipped = np.array([[20.0, 20.0, 9.0, 8.0]]), np.array([[20.0, 20.0, 14.0, 8.0]])

    value = loss(student, teacher, valid, loss.rays_at(camera, (20, 24), pixels), pixels)
    other = loss(
        student.flip(3), teacher.flip(3), valid, loss.rays_at(flipped, (20, 24), mirrored), mirrored
    )

    torch.testing.assert_close(value, other)


# Pixels


def test_each_cell_of_the_grid_gives_one_pixel() -> None:
    teacher = maps(1, 32, 64)
    loss = geometric(points=32, trunk="none")  # 4 x 8 cells of 8 x 8 pixels

    pixels = loss.draw_pixels(teacher, torch.ones_like(teacher, dtype=torch.bool), streams(1))

    row, column = pixels // 64, pixels % 64
    cells = (row // 8 * 8 + column // 8).flatten()
    assert torch.equal(cells.sort().values, torch.arange(32))
    assert len({(int(r) % 8, int(c) % 8) for r, c in zip(row[0], column[0], strict=True)}) > 8


@pytest.mark.parametrize("size", [(20, 24), (448, 448), (7, 300), (300, 7), (1, 5), (3, 3)])
@pytest.mark.parametrize("points", [1, 37, 4096])
def test_the_number_of_pixels_never_changes(size: tuple[int, int], points: int) -> None:
    teacher = maps(2, *size)
    loss = geometric(points=points, trunk="none")

    pixels = loss.draw_pixels(teacher, torch.ones_like(teacher, dtype=torch.bool), streams(2))

    assert pixels.shape == (2, points)
    assert pixels.min() >= 0
    assert pixels.max() < size[0] * size[1]


def test_only_usable_pixels_are_drawn_however_few_there_are() -> None:
    teacher = maps(2, 64, 64)
    valid = torch.zeros_like(teacher, dtype=torch.bool)
    valid[0, 0, 40:, 50:] = True
    valid[1, 0, 5, 10:30] = True
    spoiled = torch.where(valid, teacher, math.nan)
    spoiled[0, 0, 63, 63] = math.nan
    loss = geometric(points=256, trunk="none")

    pixels = loss.draw_pixels(spoiled, valid, streams(2))

    usable = valid & spoiled.isfinite()
    assert usable.flatten(1).gather(1, pixels).all()
    # Refilled over all of them, not by one of them.
    assert len(pixels[0].unique()) > 128
    assert len(pixels[1].unique()) > 15


def test_the_student_has_no_say_in_what_is_drawn_and_a_generator_decides_all() -> None:
    teacher = maps(2, 64, 64)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    loss = geometric(trunk="none")

    first, again = (loss.draw_pixels(teacher, valid, streams(2)) for _ in range(2))
    alone = loss.draw_pixels(teacher[1:], valid[1:], streams(1, seed=1))
    other = loss.draw_pixels(teacher, valid, streams(2, seed=7))

    assert torch.equal(first, again)
    assert torch.equal(first[1:], alone)
    assert not torch.equal(first, other)


# The terms


@pytest.mark.parametrize("kind", KINDS)
def test_points_are_a_depth_error_weighted_by_the_rays(kind: DepthKind) -> None:
    teacher, student = maps(), maps(seed=1)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    loss = geometric(kind, trunk="none")
    pixels = loss.draw_pixels(teacher, valid, streams(2))
    rays = loss.rays_at(np.array([UNKNOWN] * 2), (20, 24), pixels)

    value = loss(student, teacher, valid, rays, pixels)["geometric_points"]

    to_depth = fit_positive(teacher, valid, kind=kind, epsilon=0.1)
    ours, theirs = (to_depth(m.flatten(1).gather(1, pixels)) for m in (student, teacher))
    expected = (rays.square().sum(2) * (ours - theirs).square()).mean(dim=1) / 3
    torch.testing.assert_close(value, expected)


def test_features_are_the_mean_squares_of_both_sorts() -> None:
    trunk = load_trunk("random")
    ours, theirs = torch.rand(2, 2, 30, 3)

    value = feature_error(trunk, ours, theirs, torch.ones(2, 30, dtype=torch.bool))

    a, b = trunk(ours), trunk(theirs)
    expected = (a.points - b.points).square().mean((1, 2)) + (a.pooled - b.pooled).square().mean(1)
    torch.testing.assert_close(value, expected)


def test_weights_of_the_recipe_multiply_the_terms() -> None:
    teacher, student = maps(), maps(seed=1)
    plain = terms(geometric(), student, teacher)
    weighted = Geometric(Geometric.Config(points=64, trunk="random"), kind=DEPTH)

    value = terms(weighted, student, teacher)

    torch.testing.assert_close(value["geometric_points"], 30 * plain["geometric_points"])
    torch.testing.assert_close(value["geometric_features"], 0.0125 * plain["geometric_features"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trunk", ["trained", "random", "none"])
def test_a_student_like_its_teacher_costs_nothing_and_is_not_moved(
    kind: DepthKind, trunk: str
) -> None:
    teacher = maps()
    student = teacher.clone().requires_grad_()

    values = terms(geometric(kind, trunk=trunk), student, teacher)

    assert set(values) == {"geometric_points"} | (
        set() if trunk == "none" else {"geometric_features"}
    )
    for value in values.values():
        assert value.tolist() == [0.0, 0.0]
    assert (gradient(values, student) == 0).all()


def test_a_shift_that_the_channel_loss_cannot_see_costs() -> None:
    teacher = maps()
    valid = torch.ones_like(teacher, dtype=torch.bool)

    values = terms(geometric(), teacher + 1.0, teacher)

    blind = ChannelKL(ChannelKL.Config())(teacher + 1.0, teacher, valid)
    assert blind.abs().max() < 1e-5
    assert (values["geometric_points"] > 1e-3).all()
    assert (values["geometric_features"] > 1e-3).all()


def test_the_order_of_the_points_changes_nothing() -> None:
    teacher, student = maps(), maps(seed=1)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    loss = geometric()
    pixels = loss.draw_pixels(teacher, valid, streams(2))
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    shuffled = pixels[:, order]
    cameras = np.array([UNKNOWN] * 2)

    value = loss(student, teacher, valid, loss.rays_at(cameras, (20, 24), pixels), pixels)
    other = loss(student, teacher, valid, loss.rays_at(cameras, (20, 24), shuffled), shuffled)

    torch.testing.assert_close(value, other)


@pytest.mark.parametrize("kind", [DEPTH, DISPARITY])
def test_scale_and_shift_of_both_maps_change_nothing(kind: DepthKind) -> None:
    teacher, student = maps(), maps(seed=1)

    value = terms(geometric(kind), 3 * student - 5, 3 * teacher - 5)

    torch.testing.assert_close(
        value, terms(geometric(kind), student, teacher), atol=1e-5, rtol=1e-4
    )


def test_scale_of_both_maps_changes_nothing_where_depth_has_a_zero() -> None:
    teacher, student = maps(), maps(seed=1)
    loss = geometric(DepthKind.SCALE_INVARIANT)

    torch.testing.assert_close(
        terms(loss, 3 * student, 3 * teacher), terms(loss, student, teacher), atol=1e-5, rtol=1e-4
    )


def test_a_batch_of_one_is_that_image_of_a_larger_batch() -> None:
    teacher, student = maps(3), maps(3, seed=1)

    all_of_them, alone = (terms(geometric(), student[:k], teacher[:k]) for k in (3, 1))

    for name, value in alone.items():
        torch.testing.assert_close(value, all_of_them[name][:1])


# What must not matter


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_holes_of_the_teacher_reach_neither_value_nor_gradient(bad: float, kind: DepthKind) -> None:
    teacher, student = maps(1), maps(1, seed=1)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    hole = torch.zeros_like(valid)
    hole[..., 3:9, 5:20] = True
    spoiled = torch.where(hole, bad, teacher)
    dirty = torch.where(hole, bad, student).requires_grad_()
    loss = geometric(kind)
    # Pixels of the hole as well: a caller may draw its own.
    pixels = torch.arange(480)[None]
    rays = loss.rays_at(np.array([UNKNOWN]), (20, 24), pixels)

    values = loss(dirty, spoiled, valid, rays, pixels)
    masked = loss(student, teacher, valid & ~hole, rays, pixels)

    slope = gradient(values, dirty)
    torch.testing.assert_close(values, masked)
    assert slope.isfinite().all()
    assert (slope[hole] == 0).all()
    assert (slope[~hole] != 0).float().mean() > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_teacher_is_finite(kind: DepthKind) -> None:
    student = maps().requires_grad_()

    values = terms(geometric(kind), student, torch.full((2, 1, 20, 24), 3.0))

    assert all(value.isfinite().all() for value in values.values())
    assert gradient(values, student).isfinite().all()


@pytest.mark.parametrize("known", [0, 15])
def test_an_image_with_few_usable_pixels_counts_zero_and_keeps_the_graph(known: int) -> None:
    teacher, student = maps(), maps(seed=1).requires_grad_()
    valid = torch.ones_like(teacher, dtype=torch.bool)
    valid[0] = (torch.arange(480) < known).view(1, 20, 24)

    values = terms(geometric(), student, teacher, valid)

    slope = gradient(values, student)
    for value in values.values():
        assert value[0] == 0
        assert value[1] > 0
    assert (slope[0] == 0).all()
    assert (slope[1] != 0).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_student_far_off_has_a_finite_gradient_that_leads_back(kind: DepthKind) -> None:
    teacher = maps()
    student = (teacher - 100).requires_grad_()

    slope = gradient(terms(geometric(kind), student, teacher), student)

    assert slope.isfinite().all()
    assert (slope <= 0).all()  # too small everywhere: a step down the slope raises it
    assert (slope < 0).any()


def test_no_gradient_reaches_the_teacher() -> None:
    teacher = maps().requires_grad_()
    student = maps(seed=1).requires_grad_()

    total = torch.stack(list(terms(geometric(), student, teacher).values())).sum()
    total.backward()

    assert teacher.grad is None
    assert student.grad is not None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_and_autocast_does_not_enter(dtype: torch.dtype) -> None:
    teacher, student = maps().to(dtype), maps(seed=1).to(dtype)
    loss = geometric()
    expected = terms(loss, student.float(), teacher.float())

    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = terms(loss, student, teacher)

    for name, value in values.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, expected[name])


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_the_points_agrees_with_differences(kind: DepthKind) -> None:
    teacher = maps(1, 5, 6).double()
    student = (maps(1, 5, 6, seed=1).double() - 1).requires_grad_()

    def total(values: torch.Tensor) -> torch.Tensor:
        return terms(geometric(kind, trunk="none"), values, teacher)["geometric_points"]

    assert torch.autograd.gradcheck(total, (student,))


def test_train_mode_and_checkpoints_do_not_concern_it() -> None:
    teacher, student = maps(), maps(seed=1)
    loss = geometric()
    before = terms(loss, student, teacher)

    loss.train()

    torch.testing.assert_close(terms(loss, student, teacher), before, atol=0, rtol=0)
    assert not loss.state_dict()
    assert not list(loss.parameters())


def test_it_belongs_at_the_depth_map() -> None:
    assert Geometric.places == ("depth",)


@pytest.mark.parametrize(
    ("key", "value"),
    [("lambda_in", -1.0), ("lambda_feat", math.nan), ("points", 0), ("epsilon", 1.0)],
)
def test_settings_out_of_range_are_refused(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=key):
        Geometric.Config(**{key: value})  # type: ignore[arg-type]


def test_an_unknown_trunk_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'trained', 'random', 'none'"):
        geometric(trunk="mine")
