"""Views are crops of the pool, resized as the geometry room does it, and the camera follows."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from featherdepth.geometry.resize import resize_map, resize_pixels, resize_truth
from featherdepth.training.plan import Plan, ViewConfig, draw_plan
from featherdepth.training.pool import Pool
from featherdepth.training.views import Batch, cut_images, cut_maps, inside, render
from featherdepth.types import DepthKind, Intrinsics

PLAIN = ViewConfig(
    brightness=0.0,
    contrast=0.0,
    saturation=0.0,
    tint=0.0,
    gamma=0.0,
    gray=0.0,
    blur=0.0,
    noise=0.0,
)


def pool_of(
    frames: list[np.ndarray],
    depths: list[np.ndarray],
    *,
    boxes: list[tuple[int, int, int, int]] | None = None,
    members: tuple[list[int], ...] | None = None,
    shares: tuple[float, ...] = (1.0,),
) -> Pool:
    height, width = (max(f.shape[i] for f in frames) for i in (0, 1))
    images = np.zeros((len(frames), 3, height, width), np.uint8)
    maps = np.zeros((len(frames), 1, height, width), np.float16)
    for i, (frame, depth) in enumerate(zip(frames, depths, strict=True)):
        h, w = depth.shape
        images[i, :, :h, :w] = frame.transpose(2, 0, 1)
        maps[i, 0, :h, :w] = depth
    return Pool(
        images=torch.from_numpy(images),
        depths=torch.from_numpy(maps),
        sizes=np.array([d.shape for d in depths], np.int64),
        boxes=np.array(boxes or [(0, 0, *d.shape) for d in depths], np.int64),
        intrinsics=np.tile([50.0, 60.0, 20.25, 14.5], (len(frames), 1)),
        ranking_only=np.zeros(len(frames), np.bool_),
        kinds=(DepthKind.METRIC,) * len(frames),
        keys=tuple(str(i) for i in range(len(frames))),
        members=tuple(np.array(m) for m in members or [list(range(len(frames)))]),
        shares=np.array(shares),
        sha256="",
    )


def noise_frame(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def plan_of(*boxes: tuple[int, int, int, int], flip: bool = False) -> Plan:
    """Of the first frame, without jitter."""
    count = len(boxes)
    return Plan(
        index=np.zeros(count, np.int64),
        box=np.array(boxes, np.int64),
        flip=np.full(count, flip),
        blur=np.ones(count),
        color=np.ones((count, 6)),
        noise=np.zeros(count),
        seeds=np.zeros(count, np.int64),
        border=np.zeros((count, 4)),
        paint=np.zeros((count, 3)),
    )


def levels(batch: Batch, i: int = 0) -> np.ndarray:
    return batch.images[i].permute(1, 2, 0).numpy() * 255


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("box", [(0, 0, 60, 80), (3, 7, 50, 66), (20, 30, 17, 23)])
def test_pixels_equal_those_of_the_geometry_room_within_one_grey_level(
    box: tuple[int, int, int, int], flip: bool
) -> None:
    frame = noise_frame(60, 80)
    pool = pool_of([frame], [np.ones((60, 80))])
    top, left, height, width = box

    view = levels(render(pool, plan_of(box, flip=flip), (32, 48)))

    expected = resize_pixels(frame[top : top + height, left : left + width], (32, 48))
    expected = expected[:, ::-1] if flip else expected
    assert np.abs(view - expected).max() <= 1.0


def test_half_precision_stays_near_one_grey_level() -> None:
    frame = noise_frame(60, 80)
    pool = pool_of([frame], [np.ones((60, 80))])
    plan = plan_of((0, 0, 60, 80), (5, 9, 40, 53))

    half, full = (render(pool, plan, (64, 96), half=half).images * 255 for half in (True, False))

    assert (half - full).abs().max() <= 1.5
    assert (half - full).abs().mean() <= 0.25


@pytest.mark.parametrize("flip", [False, True])
def test_depth_is_picked_as_the_geometry_room_picks_it(flip: bool) -> None:
    depth = np.random.default_rng(1).uniform(0.5, 9, (40, 50)).astype(np.float16)
    depth[::3] = 0  # unknown
    pool = pool_of([noise_frame(40, 50)], [depth])
    top, left, height, width = box = (4, 6, 32, 41)  # rows halve: every centre lies between two

    view = render(pool, plan_of(box, flip=flip), (16, 64))

    crop = depth[top : top + height, left : left + width].astype(np.float32)
    values, valid = resize_truth(crop, crop > 0, (16, 64))
    values, valid = (m[:, ::-1] if flip else m for m in (values, valid))
    assert np.array_equal(view.depth[0, 0].numpy(), values)
    assert np.array_equal(view.valid[0, 0].numpy(), valid)


def test_image_depth_and_camera_move_together() -> None:
    # A ramp: color and depth both say in which stored column a point lies.
    column = np.arange(80, dtype=np.float32)
    ramp = np.broadcast_to(column + 1, (60, 80))
    frame = np.repeat(np.round(3 * ramp).astype(np.uint8)[..., None], 3, axis=2)
    pool = pool_of([frame], [ramp])
    plan = draw_plan(pool, PLAIN, seed=5, step=0, batch=16, size=(32, 64))

    views = render(pool, plan, (32, 64))

    assert plan.flip.any()
    assert not plan.flip.all()
    inner = slice(4, -4)  # the filter is cut off at the ends of a crop
    from_color = views.images[:, 0, :, inner] * 255 / 3
    scale = plan.box[:, 3].max() / 64
    assert (from_color - views.depth[:, 0, :, inner]).abs().max() <= 0.5 * scale + 0.6
    fx, _, cx, _ = views.intrinsics.T
    rays = (np.arange(64)[None] - cx[:, None]) / fx[:, None]
    stored = (column[views.depth[:, 0, 0].long().numpy() - 1] - 20.25) / 50
    stored = np.where(plan.flip[:, None], -stored, stored)  # a mirrored point has a mirrored ray
    assert np.abs(rays - stored).max() <= 0.51 * max(1, scale) / 50 + 0.01


def test_cameras_follow_the_rules_of_intrinsics() -> None:
    pool = pool_of([noise_frame(40, 50)], [np.ones((40, 50))])
    top, left, height, width = box = (3, 8, 30, 36)

    view = render(pool, plan_of(box, flip=True), (64, 96))

    given = Intrinsics(fx=50.0, fy=60.0, cx=20.25, cy=14.5, width=50, height=40, source="given")
    moved = given.cropped(top, left, height, width).resized(64, 96).flipped()
    assert view.intrinsics[0] == pytest.approx([moved.fx, moved.fy, moved.cx, moved.cy])


def test_nothing_outside_the_usable_box_is_seen() -> None:
    frame = np.full((60, 80, 3), 255, np.uint8)
    frame[10:50, 12:70] = 100
    depth = np.full((60, 80), 9.0)
    depth[10:50, 12:70] = 2.0
    pool = pool_of([frame], [depth], boxes=[(10, 12, 40, 58)])
    plan = draw_plan(pool, replace(PLAIN, blur=1.0), seed=0, step=0, batch=32, size=(32, 64))

    views = render(pool, plan, (32, 64))

    assert (views.images * 255 - 100).abs().max() < 0.01
    assert (views.depth == 2).all()


def test_a_step_alone_decides_its_views() -> None:
    pool = pool_of([noise_frame(40, 50, i) for i in range(9)], [np.ones((40, 50))] * 9)

    def views(step: int) -> Batch:
        plan = draw_plan(pool, ViewConfig(), seed=1, step=step, batch=6, size=(32, 64))
        return render(pool, plan, (32, 64))

    alone = views(7).images
    for step in range(7):
        views(step)

    assert torch.equal(views(7).images, alone)
    assert not torch.equal(views(6).images, alone)


def test_shares_of_processes_are_together_the_batch_of_one() -> None:
    pool = pool_of([noise_frame(40, 50, i) for i in range(9)], [np.ones((40, 50))] * 9)
    config = ViewConfig(noise=1.0)
    plan = draw_plan(pool, config, seed=1, step=3, batch=6, size=(32, 64))

    whole = render(pool, plan, (32, 64))
    parts = [render(pool, plan.part(rank, 2), (32, 64)) for rank in (0, 1)]

    for rank, part in enumerate(parts):
        torch.testing.assert_close(part.images, whole.images[rank::2], atol=1e-5, rtol=0)
        assert np.array_equal(part.seeds, whole.seeds[rank::2])


def test_every_batch_holds_each_data_set_by_its_share() -> None:
    pool = pool_of(
        [noise_frame(32, 32)] * 10,
        [np.ones((32, 32))] * 10,
        members=([0, 1, 2], [3, 4, 5, 6, 7, 8, 9]),
        shares=(0.7, 0.3),
    )

    counts = [
        (draw_plan(pool, PLAIN, seed=0, step=s, batch=16, size=(32, 32)).index < 3).sum()
        for s in range(200)
    ]

    assert set(counts) == {11, 12}
    assert np.mean(counts) == pytest.approx(0.7 * 16, abs=0.1)


def test_a_batch_does_not_repeat_a_frame_without_need() -> None:
    pool = pool_of([noise_frame(32, 32)] * 8, [np.ones((32, 32))] * 8)

    index = draw_plan(pool, PLAIN, seed=0, step=0, batch=8, size=(32, 32)).index

    assert sorted(index) == list(range(8))


def test_crops_keep_to_the_fractions_asked_for() -> None:
    pool = pool_of([noise_frame(96, 128)], [np.ones((96, 128))])

    plan = draw_plan(pool, PLAIN, seed=0, step=0, batch=2000, size=(96, 128))

    heights, widths = plan.box[:, 2] / 96, plan.box[:, 3] / 128
    assert 0.44 <= heights.min() <= 0.5
    assert heights.max() == 1.0
    assert np.abs(np.log(widths / heights)).max() <= np.log(1.2) + 0.03
    assert (plan.box[:, 0] + plan.box[:, 2] <= 96).all()
    assert (plan.box[:, 1] + plan.box[:, 3] <= 128).all()


def jittered(color: list[float], frame: np.ndarray) -> np.ndarray:
    plan = replace(plan_of((0, 0, *frame.shape[:2])), color=np.array([color], np.float64))
    return levels(render(pool_of([frame], [np.ones(frame.shape[:2])]), plan, frame.shape[:2]))


def test_no_saturation_makes_gray_of_the_same_luma() -> None:
    frame = noise_frame(32, 32)

    view = jittered([1, 1, 1, 1, 0, 1], frame)

    luma = frame @ np.array([0.299, 0.587, 0.114])
    assert np.abs(view - luma[..., None]).max() < 0.1


def test_contrast_turns_about_the_mean_and_gains_and_gamma_follow() -> None:
    frame = np.full((32, 32, 3), 100, np.uint8)
    frame[:16] = 120

    softer = jittered([1, 1, 1, 0.5, 1, 1], frame)
    redder = jittered([1.2, 1, 1, 1, 1, 1], frame)
    darker = jittered([1, 1, 1, 1, 1, 2], frame)

    assert softer[0, 0] == pytest.approx([115] * 3, abs=0.1)
    assert softer[31, 0] == pytest.approx([105] * 3, abs=0.1)
    assert redder[0, 0] == pytest.approx([144, 120, 120], abs=0.1)
    assert darker[0, 0] == pytest.approx([120**2 / 255] * 3, abs=0.1)


def test_images_stay_in_range_under_the_strongest_jitter() -> None:
    pool = pool_of([noise_frame(40, 50)], [np.ones((40, 50))])
    config = ViewConfig(
        brightness=1.0, contrast=1.0, saturation=1.0, noise=1.0, noise_level=1.0, gamma=1.0
    )
    plan = draw_plan(pool, config, seed=0, step=0, batch=16, size=(32, 64))

    images = render(pool, plan, (32, 64)).images

    assert torch.isfinite(images).all()
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize(
    "setting",
    [
        {"crop": (0.0, 1.0)},
        {"crop": (0.9, 0.5)},
        {"aspect": 0.5},
        {"aspect": math.inf},
        {"blur_factor": math.inf},
        {"gamma": -1.0},
        {"gamma": math.inf},
        {"flip": 2.0},
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        ViewConfig(**setting)  # type: ignore[arg-type]


def test_a_clean_view_has_the_crop_and_flip_of_the_jittered_one_and_its_own_size() -> None:
    pool = pool_of([noise_frame(60, 80, seed=i) for i in range(3)], [np.ones((60, 80))] * 3)
    plan = draw_plan(pool, ViewConfig(), seed=1, step=0, batch=4, size=(32, 64))
    still = replace(plan, blur=np.ones(4), noise=np.zeros(4), color=np.ones_like(plan.color))

    clean = cut_images(pool.images, plan, (64, 96), clean=True)

    torch.testing.assert_close(clean, render(pool, still, (64, 96)).images, atol=2e-4, rtol=0)
    assert (clean - cut_images(pool.images, plan, (64, 96))).abs().mean() > 0.01


def test_dense_maps_are_cut_as_the_geometry_room_resizes_them() -> None:
    dense = np.random.default_rng(0).normal(0, 3, (60, 80)).astype(np.float16)
    maps = torch.from_numpy(dense)[None, None]

    view = cut_maps(maps, plan_of((3, 7, 50, 66), flip=True), (32, 48))

    expected = resize_map(dense[3:53, 7:73].astype(np.float32), (32, 48))[:, ::-1]
    np.testing.assert_allclose(view[0, 0].numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("flip", [False, True])
def test_a_border_holds_its_color_no_depth_and_the_crop_between_it(flip: bool) -> None:
    frame, depth = noise_frame(60, 80), np.random.default_rng(0).uniform(1, 5, (60, 80))
    pool = pool_of([frame], [depth])
    inner = plan_of((3, 7, 50, 66), flip=flip)
    plan = replace(
        inner,
        border=np.array([[2 / 32, 5 / 48, 1 / 32, 3 / 48]]),
        paint=np.array([[1.0, 0.5, 0.0]]),
    )

    view, alone = render(pool, plan, (32, 48)), render(pool, inner, (29, 40))

    left = 3 if flip else 5  # what is at the left is at the right of a mirrored view
    place = (slice(2, 31), slice(left, left + 40))
    assert torch.allclose(view.images[0][:, *place], alone.images[0], atol=1e-6)
    assert torch.equal(view.depth[0, 0][place], alone.depth[0, 0])
    outside = torch.ones(32, 48, dtype=torch.bool)
    outside[place] = False
    assert torch.equal(view.images[0][:, outside].T.unique(dim=0), torch.tensor([[1.0, 0.5, 0.0]]))
    assert not view.valid[0, 0][outside].any() and view.valid[0, 0][place].all()
    maps = torch.from_numpy(depth.astype(np.float16))[None, None]
    assert torch.equal(cut_maps(maps, plan, (32, 48))[0, 0].isfinite(), torch.ones(32, 48) > 0)
    assert torch.equal(~inside(plan, (32, 48), torch.device("cpu"))[0, 0], outside)
    expected = alone.intrinsics[0] + [0, 0, left, 2]
    assert view.intrinsics[0] == pytest.approx(expected, nan_ok=True)


def test_borders_leave_all_else_that_is_drawn_as_it_was() -> None:
    pool = pool_of([noise_frame(60, 80)], [np.ones((60, 80))])
    drawn = [
        draw_plan(pool, ViewConfig(border=p), seed=1, step=2, batch=64, size=(32, 48))
        for p in (0.0, 0.5)
    ]

    without, some = drawn
    assert np.array_equal(without.box, some.box) and np.array_equal(without.seeds, some.seeds)
    bordered = some.border.any(axis=1)
    assert not without.border.any() and 16 < bordered.sum() < 48
    assert (some.border <= 0.08).all() and np.median(some.border[bordered]) < 0.03
