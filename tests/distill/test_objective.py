"""The distiller compares what it says, trains what it owns, and never touches the teacher."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.objective import Distiller
from featherdepth.distill.recipe import parse_recipe
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.distill.views import DistillBatch
from featherdepth.errors import RunError, UsageError
from featherdepth.losses.channel_mse import ChannelMSE
from featherdepth.networks.build import build_network
from featherdepth.networks.token_transformer import DropPath
from featherdepth.networks.weights import load_model, save_model
from featherdepth.training.loop import LoopConfig
from featherdepth.training.loop import run as train
from featherdepth.training.objective import Term, as_term
from featherdepth.types import DepthKind, Preset

DEPTH, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY
POSTER = [
    {"name": "channel_kl"},
    {"name": "geometric", "trunk": "random", "points": 256},
    {"name": "anchor", "weight": 0.01},
]
FEATURES = [
    {"name": "mse"},
    {"name": "channel_kl", "features": ["enc8", "dec4"], "temperature": 4.0, "weight": 2.0},
    {"name": "pairwise", "features": ["enc16"]},
]


class Mirror(nn.Module):
    """A student that gives the map it was made of."""

    def __init__(self, maps: Tensor) -> None:
        super().__init__()
        self.maps = nn.Parameter(maps)

    def forward(self, images: Tensor) -> Tensor:
        return self.maps * torch.ones_like(images[:, :1])


class Gives:
    """A teacher that gives the maps it was made of."""

    card = TeacherCard(name="gives", kind=DEPTH, digest="0" * 64, license="CC0", materials=())

    def __init__(self, maps: Tensor) -> None:
        self.maps = maps

    def input_size(self, height: int, width: int, size: Any = None) -> tuple[int, int]:
        return height, width

    def prepare(self, pixels: Any, size: Any = None) -> Any:
        raise NotImplementedError

    def __call__(self, images: Tensor) -> Tensor:
        return self.maps

    def features(self, images: Tensor) -> Any:
        raise NotImplementedError

    def to(self, device: Any) -> None:
        pass


def distiller(
    losses: list[dict[str, Any]],
    *,
    teacher: Teacher | None = None,
    student: nn.Module | None = None,
    kind: DepthKind = DEPTH,
    **options: Any,
) -> Distiller:
    table = {"student": "fast", "size": [64, 64], "batch": 2, "steps": 1, "losses": losses}
    placed = parse_recipe(table, "r").losses
    student = student or nn.Identity()
    return Distiller(placed, teacher=teacher, kind=kind, student=student, **options)


def batch_of(
    maps: Tensor | None = None, clean: Tensor | None = None, *, step: int = 0, edge: int = 64
) -> DistillBatch:
    shown = maps if maps is not None else clean
    assert shown is not None
    count = len(shown)
    generator = torch.Generator().manual_seed(step)
    size = (edge, edge) if maps is None else maps.shape[-2:]
    return DistillBatch(
        step=step,
        images=torch.rand(count, 3, *size, generator=generator),
        clean=clean,
        maps=maps,
        shown=torch.ones(count, 1, *size, dtype=torch.bool),
        intrinsics=np.full((count, 4), 50.0),
        keys=tuple(f"{i}.jpg" for i in range(count)),
        seeds=np.arange(count) + 100 * step,
    )


def clean_views(edge: int = 64) -> Tensor:
    return torch.rand(2, 3, edge, edge, generator=torch.Generator().manual_seed(5))


def total(losses: dict[str, Tensor | Term]) -> Tensor:
    """What the engine minimizes."""
    terms = [as_term(name, loss) for name, loss in losses.items()]
    return torch.stack([t.sum / t.count for t in terms if t.minimized]).sum()


def told(losses: dict[str, Tensor | Term], name: str) -> float:
    term = losses[name]
    assert isinstance(term, Term) and not term.minimized
    return float(term.sum / term.count)


def smooth(count: int = 2, edge: int = 64, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 1, 5, 5, generator=generator)
    return F.interpolate(coarse, (edge, edge), mode="bicubic")


@contextmanager
def fixed_seed(seed: int = 0) -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


# What is compared


def test_a_student_that_equals_its_teacher_loses_nothing() -> None:
    target = smooth()
    target = (target - target.mean()) / target.std()

    losses = distiller(POSTER, kind=DEPTH, standardize=False)(Mirror(target), batch_of(target))

    names = {"channel_kl", "geometric_points", "geometric_features", "anchor"}
    assert names == {name for name, loss in losses.items() if not isinstance(loss, Term)}
    assert all(losses[name].abs().max() < 1e-6 for name in names)
    assert told(losses, "mean") == pytest.approx(0, abs=1e-5)
    assert told(losses, "spread") == pytest.approx(1, abs=1e-5)


def test_under_a_border_nothing_is_compared_and_nothing_is_refused() -> None:
    maps, student = smooth(seed=1), Mirror(smooth(seed=2))
    shown = torch.ones_like(maps, dtype=torch.bool)
    shown[:, :, :9] = False
    bordered = replace(batch_of(maps), shown=shown)
    otherwise = replace(bordered, maps=torch.where(shown, maps, 99.0))
    chosen = distiller(POSTER)

    with fixed_seed():
        first = chosen(student, bordered)
    with fixed_seed():
        second = chosen(student, otherwise)

    torch.testing.assert_close(total(first), total(second))
    assert not torch.isclose(total(first), total(chosen(student, batch_of(maps))))
    assert chosen.refusals.photos == {}


def test_weights_multiply_and_every_view_has_its_own_value() -> None:
    target = torch.zeros(3, 1, 2, 2)
    student = Mirror(torch.tensor([1.0, 2.0, 3.0])[:, None, None, None].expand(3, 1, 2, 2))
    rows = [{"name": "mse", "weight": 0.5}]

    losses = distiller(rows, kind=DepthKind.METRIC)(student, batch_of(target))

    assert losses["mse"].tolist() == [0.5, 2.0, 4.5]


def test_affine_maps_are_standardized_and_then_scale_and_shift_do_not_count() -> None:
    maps, student = smooth(seed=1), Mirror(smooth(seed=2))
    near, far = batch_of(maps), batch_of(maps * 37 - 5)

    for kind in (DEPTH, DISPARITY):
        chosen = distiller(POSTER, kind=kind)
        first, second = total(chosen(student, near)), total(chosen(student, far))
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)
    for kind in (DepthKind.METRIC, DepthKind.SCALE_INVARIANT):
        chosen = distiller([{"name": "mse"}], kind=kind)
        assert total(chosen(student, far)) > 100 * total(chosen(student, near))


def test_a_crop_of_a_whole_photos_map_is_the_map_of_the_crop_once_standardized() -> None:
    whole = smooth(1, 96)
    crop = whole[:, :, :64, 16:80]
    asked = (crop - crop.mean()) * 3 + 1  # as a teacher that sees the crop alone might give it
    student = Mirror(smooth(1, seed=3))

    cached, online = (batch_of(maps.contiguous()) for maps in (crop, asked))

    on = distiller([{"name": "mse"}])
    torch.testing.assert_close(total(on(student, cached)), total(on(student, online)))
    off = distiller([{"name": "mse"}], standardize=False)
    assert abs(total(off(student, cached)) - total(off(student, online))) > 0.5


def test_maps_of_another_size_are_brought_to_the_students_without_gradient() -> None:
    large = smooth(2, 128).requires_grad_()
    student = Mirror(F.interpolate(large.detach(), (64, 64), mode="bilinear", antialias=True))

    losses = distiller([{"name": "mse"}], kind=DepthKind.METRIC, teacher=Gives(large))(
        student, batch_of(clean=clean_views())
    )

    assert float(losses["mse"].detach().max()) < 1e-10
    losses["mse"].sum().backward()
    assert large.grad is None


def test_the_geometric_loss_is_told_the_kind() -> None:
    maps, student = smooth(seed=1), Mirror(smooth(seed=2))
    rows = [{"name": "geometric", "trunk": "none"}]

    depth, disparity = (
        total(distiller(rows, kind=kind)(student, batch_of(maps))) for kind in (DEPTH, DISPARITY)
    )

    assert abs(depth - disparity) > 0.01


def test_the_pixels_of_the_geometric_loss_are_drawn_by_the_seeds_of_the_views() -> None:
    maps, student = smooth(seed=1), Mirror(smooth(seed=2))
    chosen = distiller([{"name": "geometric", "trunk": "none", "points": 64}])

    first, again = (total(chosen(student, batch_of(maps, step=1))) for _ in range(2))
    other = batch_of(maps, step=1)
    other.seeds[:] += 1

    assert first == again
    assert total(chosen(student, other)) != first


# The teacher that is asked


def test_an_asked_teacher_sees_the_clean_view_and_its_map_counts(own_teacher: Teacher) -> None:
    clean = clean_views()
    student = Mirror(own_teacher(clean))

    losses = distiller([{"name": "mse"}], teacher=own_teacher, standardize=False)(
        student, batch_of(clean=clean)
    )

    assert losses["mse"].tolist() == [0.0, 0.0]


def checksum(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


class Views:
    """Batches for the engine: two clean views a step."""

    size = 2

    def __call__(self, step: int, rank: int, world: int) -> DistillBatch:
        generator = torch.Generator().manual_seed(step)
        return batch_of(clean=torch.rand(2, 3, 64, 64, generator=generator), step=step)


def trained(
    folder: Path, teacher: Teacher, steps: int = 1, **options: Any
) -> tuple[nn.Module, Distiller]:
    with fixed_seed():
        student = build_network("fast")
    losses = FEATURES + POSTER[1:]
    objective = distiller(losses, teacher=teacher, student=student, **options)
    config = LoopConfig(steps=steps, lr=0.01, ema=0.0, precision="fp32", tensorboard=False)
    train(student, objective, Views(), config, folder, device="cpu")
    return student, objective


@pytest.fixture(scope="module")
def one_step(
    own_teacher: Teacher, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, nn.Module, Distiller, Distiller, str]:
    """A run of one step: folder, student, distiller before and after, teacher's checksum before."""
    folder = tmp_path_factory.mktemp("one_step")
    module = own_teacher.module  # type: ignore[attr-defined]
    before = checksum(module)
    with fixed_seed():
        student = build_network("fast")
    fresh = distiller(FEATURES + POSTER[1:], teacher=own_teacher, student=student)
    student, after = trained(folder, own_teacher)
    return folder, student, fresh, after, before


def test_projections_are_trained(one_step: Any) -> None:
    _, _, fresh, after, _ = one_step

    before, now = (dict(d.projections.named_parameters()) for d in (fresh, after))
    # The pairwise loss needs none, however wide its maps are.
    assert sorted(now) == ["dec4.bias", "dec4.weight", "enc8.bias", "enc8.weight"]
    assert all(p.requires_grad for p in now.values())
    for name in ("enc8.weight", "dec4.weight"):
        # By 1e-4 each, Adam's first step at this rate; decay alone would be a hundredth of it.
        assert (now[name] - before[name]).abs().median() > 1e-5


def test_projections_are_in_the_checkpoint_and_not_in_the_student(
    one_step: Any, tmp_path: Path
) -> None:
    folder, student, _, after, _ = one_step
    (path,) = (folder / "checkpoints").glob("step-*.pt")
    network, objective = torch.load(path, weights_only=True)["trainer"]["modules"]

    assert sorted(objective) == ["_extra_state"] + [
        f"projections.{n}.{p}" for n in ("dec4", "enc8") for p in ("bias", "weight")
    ]
    assert torch.equal(objective["projections.enc8.weight"], after.projections["enc8"].weight)
    assert not any("projection" in name for name in network)
    preset = Preset(
        name="student",
        network="fast",
        kind=DEPTH,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        params=0,
        macs=0,
        license="Apache-2.0",
    )
    save_model(tmp_path / "model", preset, student, "")
    _, loaded = load_model(tmp_path / "model")
    fresh = build_network("fast")
    assert loaded.state_dict().keys() == fresh.state_dict().keys()


def test_the_teacher_stays_as_it_was_in_eval_mode_and_is_no_part_of_the_distiller(
    one_step: Any, own_teacher: Teacher
) -> None:
    _, _, _, after, before = one_step
    module = own_teacher.module  # type: ignore[attr-defined]

    assert after.training  # the engine put the distiller into train mode ...
    assert not any(part.training for part in module.modules())  # ... and not the teacher
    assert checksum(module) == before
    assert not any(p.requires_grad or p.grad is not None for p in module.parameters())
    theirs = {id(p) for p in (*module.parameters(), *module.buffers())}
    assert not theirs & {id(p) for p in (*after.parameters(), *after.buffers())}
    assert len(after.state_dict()) == 5  # four of projections, and what was refused


def test_projections_begin_by_the_seed_whatever_was_drawn_before(own_teacher: Teacher) -> None:
    student = build_network("fast")

    def first(seed: int) -> Tensor:
        torch.rand(3)
        made = distiller(FEATURES, teacher=own_teacher, student=student, seed=seed)
        return made.projections["enc8"].weight

    assert torch.equal(first(0), first(0))
    assert not torch.equal(first(0), first(1))


def test_looking_up_widths_leaves_the_student_as_it_was(own_teacher: Teacher) -> None:
    student = build_network("fast").train()
    before = checksum(student)

    distiller(FEATURES, teacher=own_teacher, student=student)

    assert checksum(student) == before and all(m.training for m in student.modules())


def test_the_students_inner_map_is_projected_and_brought_to_the_teachers_size(
    own_teacher: Teacher,
) -> None:
    rows = [{"name": "channel_mse", "features": ["enc8", "enc16"], "weight": 3.0}]
    with fixed_seed():
        student = build_network("small").eval()
    chosen = distiller(rows, teacher=own_teacher, student=student)
    batch = batch_of(clean=clean_views(128), edge=64)
    with torch.no_grad():
        losses = chosen(student, batch)

        own, theirs = student.features(batch.images)[1], own_teacher.features(batch.clean)[1]
        values = []
        for name in ("enc8", "enc16"):
            seen = F.interpolate(
                chosen.projections[name](own[name]),
                scale_factor=2,
                mode="bilinear",
                align_corners=False,
            )
            valid = torch.ones_like(theirs[name][:, :1], dtype=torch.bool)
            assert seen.shape == theirs[name].shape and own[name].shape[1] != seen.shape[1]
            values.append(ChannelMSE(ChannelMSE.Config())(seen, theirs[name], valid))
    expected = 3.0 * (values[0] + values[1]) / 2
    torch.testing.assert_close(losses["channel_mse(enc8,enc16)"], expected)
    assert expected.min() > 0


def test_features_that_are_not_there_are_refused_with_those_that_are(own_teacher: Teacher) -> None:
    student = build_network("fast")
    rows = [{"name": "pairwise", "features": ["dec2"]}]

    with pytest.raises(UsageError, match=r"no inner map 'dec2' in both.* they share dec16, dec4"):
        distiller(rows, teacher=own_teacher, student=student)
    with pytest.raises(UsageError, match="need the teacher itself; leave out the cache"):
        distiller(rows, student=student)


def test_losses_on_features_teach_the_student_not_only_the_projections(
    own_teacher: Teacher,
) -> None:
    with fixed_seed():
        student = build_network("fast")
    for row in FEATURES[1:]:
        chosen = distiller([row], teacher=own_teacher, student=student)
        student.zero_grad()
        total(chosen(student, batch_of(clean=clean_views()))).backward()
        stem = next(student.get_submodule("encoder").parameters())
        assert stem.grad is not None and stem.grad.any()


def test_losses_move_with_the_distiller() -> None:
    chosen = distiller(POSTER)

    chosen.to(torch.float64)

    assert {buffer.dtype for buffer in chosen.buffers()} == {torch.float64}
    assert len(list(chosen.buffers())) == 6  # of the frozen PointNet


# Every parameter of a student


@pytest.mark.parametrize("network", ["small", "base", "fast", "topformer-lite"])
def test_no_parameter_of_a_student_is_left_unused(network: str) -> None:
    with fixed_seed():
        student = build_network(network).train()
        for part in student.modules():
            if isinstance(part, nn.BatchNorm2d):  # some begin at 0, which hides what is before
                nn.init.uniform_(part.weight, 0.5, 1.5)
            elif isinstance(part, DropPath):  # by chance leaves out a branch for both images
                part.probability = 0.0
    # From 128 pixels on a transformer has several tokens to weigh.
    losses = distiller(POSTER)(student, batch_of(smooth(2, 128)))

    total(losses).backward()

    unused = [n for n, p in student.named_parameters() if p.grad is None or not p.grad.any()]
    assert unused == []
    assert all(p.grad.isfinite().all() for p in student.parameters())


# Teachers that give NaN


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_the_teacher_does_not_know_counts_nothing(value: float) -> None:
    maps = smooth()
    maps[0] = value
    maps[1, :, 10:30, 5:50] = value
    student = Mirror(smooth(seed=2))

    losses = distiller(POSTER, gradients_every=1)(student, batch_of(maps))

    assert all(as_term(n, loss).sum.isfinite() for n, loss in losses.items())
    total(losses).backward()
    gradient = student.maps.grad
    assert gradient is not None and gradient.isfinite().all()
    assert not gradient[0].any() and not gradient[1, :, 10:30, 5:50].any()
    assert gradient[1].any()


def test_a_hole_in_a_larger_map_stays_a_hole() -> None:
    maps = smooth(2, 128)
    maps[:, 0, 40, 40] = math.nan
    student = Mirror(smooth(2, 64, seed=2))

    losses = distiller([{"name": "mse"}], teacher=Gives(maps))(
        student, batch_of(clean=clean_views())
    )

    losses["mse"].sum().backward()
    gradient = student.maps.grad
    assert gradient is not None and gradient.isfinite().all()
    assert not gradient[0, 0, 20, 20] and 1 <= (gradient[0] == 0).sum() <= 9


NAN = torch.full((2, 1, 64, 64), math.nan)


def test_a_step_of_which_the_teacher_knows_no_view_teaches_nothing_and_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    student = Mirror(smooth(seed=2))

    losses = distiller(POSTER)(student, batch_of(NAN, step=6))

    value = total(losses)
    value.backward()
    assert value == 0
    assert student.maps.grad is None or not student.maps.grad.any()
    assert "step 7: the teacher gave NaN or infinity for every view; nothing is learned" in (
        caplog.text
    )


def test_a_teacher_that_gives_nan_step_after_step_stops_in_one_line() -> None:
    student, chosen = Mirror(smooth(seed=2)), distiller(POSTER)
    for step in range(4):
        chosen(student, batch_of(NAN, step=step))
    chosen(student, batch_of(smooth(), step=4))  # it can: the count begins anew
    for step in range(5, 9):
        chosen(student, batch_of(NAN, step=step))
    resumed = distiller(POSTER)
    resumed.load_state_dict(chosen.state_dict())

    with pytest.raises(RunError) as stopped:
        resumed(student, batch_of(NAN, step=9))

    assert str(stopped.value) == (
        "steps 6 to 10: the teacher gave NaN or infinity for every view; expected finite depth:"
        " check its weights, or its precision"
    )


def test_photos_whose_views_hold_nan_are_noted_once_and_stay_noted_after_a_resume() -> None:
    maps = smooth(2, seed=1)
    maps[1, 0, :16] = math.inf
    student, chosen = Mirror(smooth(seed=2)), distiller(POSTER)

    for step in range(2):
        chosen(student, batch_of(maps, step=step))

    resumed = distiller(POSTER)
    resumed.load_state_dict(chosen.state_dict())
    assert resumed.refusals.photos == {
        "1.jpg": "1.jpg: the teacher gave NaN or infinity in 25 % of a view; expected finite depth"
    }


@pytest.mark.parametrize("name", ["channel_kl", "channel_mse", "spatial_kl", "pairwise", "mse"])
@pytest.mark.parametrize("lost", [1, 2])
def test_inner_maps_with_nan_count_for_nothing(own_teacher: Teacher, name: str, lost: int) -> None:
    class Half:
        """It knows nothing of the first views."""

        card, input_size, prepare = own_teacher.card, own_teacher.input_size, own_teacher.prepare

        def features(self, images: Tensor) -> Any:
            depth, inner = own_teacher.features(images)
            depth = depth.clone()
            inner = {key: maps.clone() for key, maps in inner.items()}
            for maps in (depth, *inner.values()):
                maps[:lost] = math.nan
            return depth, inner

        def __call__(self, images: Tensor) -> Tensor:
            raise NotImplementedError

        def to(self, device: Any) -> None:
            pass

    student = build_network("fast")
    chosen = distiller(
        [{"name": name, "features": ["enc8"]}],
        teacher=Half(),
        student=student,
    )

    value = total(chosen(student, batch_of(clean=clean_views())))

    value.backward()
    gradients = [p.grad for p in student.parameters() if p.grad is not None]
    assert value.isfinite() and all(gradient.isfinite().all() for gradient in gradients)
    assert (value == 0) == (lost == 2)


# What is only told


RAMP = torch.tensor([[0.0, 2.0], [4.0, 6.0]])[None, None]  # mean 3, deviation sqrt(5)


def test_mean_and_spread_are_told_in_spreads_of_the_target() -> None:
    student = Mirror(torch.cat([2 * RAMP + 1, RAMP]))  # means 7 and 3, spreads 2 and 1 times

    losses = distiller([{"name": "mse"}], kind=DepthKind.METRIC)(
        student, batch_of(torch.cat([RAMP, RAMP]))
    )

    assert told(losses, "mean") == pytest.approx((4 / math.sqrt(5) + 0) / 2)
    assert told(losses, "spread") == pytest.approx((2 + 1) / 2)


def test_views_without_a_spread_are_not_told_of() -> None:
    maps = torch.cat([RAMP, torch.full((1, 1, 2, 2), math.nan), torch.ones(1, 1, 2, 2)])
    student = Mirror(torch.cat([RAMP * 3, RAMP, RAMP]))

    losses = distiller([{"name": "mse"}], kind=DepthKind.METRIC)(student, batch_of(maps))

    assert told(losses, "spread") == pytest.approx(3)
    term = losses["spread"]
    assert isinstance(term, Term) and float(term.count) == 1


def test_pulls_are_norms_of_the_gradient_at_the_depth_map() -> None:
    # mse = mean over 4 pixels of (S - T)^2, mean over 2 views: d/dS = 2 * (S - T) / 4 / 2.
    student = Mirror(torch.cat([RAMP + 3, RAMP]))
    rows = [{"name": "mse", "weight": 10.0}, {"name": "anchor"}]

    losses = distiller(rows, kind=DepthKind.METRIC, gradients_every=1)(
        student, batch_of(torch.cat([RAMP, RAMP]))
    )

    assert told(losses, "pull_mse") == pytest.approx(10 * math.sqrt(4 * (2 * 3 / 8) ** 2))
    assert {name for name in losses if name.startswith("pull_")} == {"pull_mse", "pull_anchor"}


def test_pulls_are_looked_at_every_so_many_steps() -> None:
    student = Mirror(smooth(seed=2))

    def seen(every: int) -> list[int]:
        chosen = distiller([{"name": "mse"}], gradients_every=every)
        return [s for s in range(7) if "pull_mse" in chosen(student, batch_of(smooth(), step=s))]

    assert seen(3) == [0, 3, 6]
    assert seen(0) == []


def test_looking_at_pulls_changes_no_weight(own_teacher: Teacher, tmp_path: Path) -> None:
    looked, _ = trained(tmp_path / "looked", own_teacher, 2, gradients_every=1)
    blind, _ = trained(tmp_path / "blind", own_teacher, 2, gradients_every=0)

    assert checksum(looked) == checksum(blind)


def test_figures_are_told_and_not_minimized() -> None:
    student = Mirror(smooth(seed=2))

    losses = distiller(POSTER, gradients_every=1)(student, batch_of(smooth()))

    minimized = {n for n, loss in losses.items() if as_term(n, loss).minimized}
    assert minimized == {"channel_kl", "geometric_points", "geometric_features", "anchor"}
