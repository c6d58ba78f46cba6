"""The distiller: it asks the teacher, compares maps and features, and owns the projections.

    total = sum over losses of weight * loss(student, teacher)

on the depth maps at the student's size, and on pairs of inner maps at the teacher's. Beside the
losses it tells, without minimizing them, how strongly each pulls at the depth map (the norm of its
gradient there) and where the raw output stands against the teacher's (drift).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from featherdepth.config import build
from featherdepth.distill.recipe import PlacedLoss
from featherdepth.distill.refusals import Refusals
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.distill.views import DistillBatch
from featherdepth.errors import UsageError
from featherdepth.losses import LOSSES
from featherdepth.losses.geometric import Geometric
from featherdepth.losses.zscore import trimmed_zscore
from featherdepth.networks.fresh import fresh_weights
from featherdepth.training.objective import Losses, Term
from featherdepth.types import DepthKind

PROBE = 64
"""Edge of the picture on which widths of inner maps are looked up."""

Maps = dict[str, Float[Tensor, "b _ _ _"]]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A loss, built; `features` empty for the depth map."""

    name: str
    weight: float
    loss: nn.Module
    features: tuple[str, ...]


class Distiller(nn.Module):
    """Losses of a student against its teacher, one value a view.

    The teacher is not a submodule: it must neither be put into train mode nor stored. The
    projections (1x1, student's width to teacher's) are: they are trained and stored beside the
    student, and are no part of it.

    Args:
        teacher: asked for a map of each view; None where the batches bring its maps.
        kind: what the teacher's numbers mean.
        student: to look up the widths of its inner maps.
        standardize: bring the teacher's map of each view to zero mean and unit spread, for kinds
            whose scale and shift mean nothing.
        gradients_every: steps between two looks at the pull of each loss; 0 for never.
        seed: of the projections' first weights.

    Raises:
        UsageError: an inner map that student or teacher does not have, or features of a teacher
            that is not asked.
    """

    def __init__(
        self,
        losses: Sequence[PlacedLoss],
        *,
        teacher: Teacher | None,
        kind: DepthKind,
        student: nn.Module,
        standardize: bool = True,
        gradients_every: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._teacher = (teacher,)
        self.refusals = Refusals("the teacher" if teacher is None else teacher.card.name)
        self._standardize = standardize and kind.affine
        self._gradients_every = gradients_every
        self._losses = [_placed(loss, kind) for loss in losses]
        self.parts = nn.ModuleList(placed.loss for placed in self._losses)  # move with the device
        self._features = sorted({name for loss in self._losses for name in loss.features})
        self.projections = nn.ModuleDict()
        if self._features:
            with fresh_weights(seed, "projections"):
                self._add_projections(student)

    @property
    def compares_features(self) -> bool:
        """Whether it asks the student for its inner maps."""
        return bool(self._features)

    def get_extra_state(self) -> dict[str, Any]:
        """For checkpoints: what was refused, beside the projections."""
        return self.refusals.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.refusals.load_state_dict(state)

    def forward(self, model: Any, batch: DistillBatch) -> Losses:
        """Weighted losses by name, and what is only told.

        Raises:
            RunError: the teacher gave NaN or infinity for every view of several steps.
        """
        inner: Maps = {}
        inner_teacher: Maps = {}
        if self._features:
            student, inner = model.features(batch.images)
        else:
            student = model(batch.images)
        raw, inner_teacher = self._ask(batch)
        target, valid = self._target(raw, student.shape[-2:], batch)
        on_map: dict[str, Tensor] = {}
        on_features: dict[str, Tensor] = {}
        for placed in self._losses:
            if placed.features:
                found = self._compare_features(placed, inner, inner_teacher)
                on_features[f"{placed.name}({','.join(placed.features)})"] = found
            else:
                on_map |= self._compare_maps(placed, student, target, valid, batch)
        told = _drift(student, target, valid)
        if self._gradients_every and batch.step % self._gradients_every == 0:
            told |= _pulls(on_map, student)
        return {**on_map, **on_features, **told}

    def _ask(self, batch: DistillBatch) -> tuple[Float[Tensor, "b 1 h w"], Maps]:
        """The teacher's raw maps, and its inner ones where they are compared."""
        if batch.maps is not None:
            return batch.maps, {}
        (teacher,) = self._teacher
        if teacher is None or batch.clean is None:
            raise ValueError("a batch has either maps or clean views for a teacher")
        if self._features:
            return teacher.features(batch.clean)
        return teacher(batch.clean), {}

    def _target(
        self, raw: Float[Tensor, "b 1 h2 w2"], size: tuple[int, int], batch: DistillBatch
    ) -> tuple[Float[Tensor, "b 1 h w"], Bool[Tensor, "b 1 h w"]]:
        """The map to learn from at the student's size, and where it holds."""
        raw = raw.detach().float()
        if raw.shape[-2:] != size:
            # Antialiased only where it shrinks; a NaN spreads to its neighbors and is masked there.
            raw = F.interpolate(raw, size, mode="bilinear", antialias=raw.shape[-1] > size[1])
        valid = raw.isfinite()
        counts = valid.flatten(1).sum(dim=1).tolist()
        self.refusals.note(batch.step, batch.keys, [count / valid[0].numel() for count in counts])
        valid &= batch.shown
        if self._standardize:
            return trimmed_zscore(raw, valid), valid
        return torch.where(valid, raw, 0.0), valid

    def _compare_maps(
        self,
        placed: _Placed,
        student: Float[Tensor, "b 1 h w"],
        target: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
        batch: DistillBatch,
    ) -> dict[str, Tensor]:
        if isinstance(placed.loss, Geometric):
            generators = [torch.Generator().manual_seed(int(seed)) for seed in batch.seeds]
            pixels = placed.loss.draw_pixels(target, valid, generators)
            size = (student.shape[-2], student.shape[-1])
            rays = placed.loss.rays_at(batch.intrinsics, size, pixels)
            parts = placed.loss(student, target, valid, rays, pixels)
            return {name: placed.weight * value for name, value in parts.items()}
        return {placed.name: placed.weight * placed.loss(student, target, valid)}

    def _compare_features(self, placed: _Placed, student: Maps, teacher: Maps) -> Tensor:
        """The mean over the named inner maps, so that naming more does not weigh more."""
        values = []
        for name in placed.features:
            own, other = student[name], teacher[name].detach()
            if getattr(placed.loss, "same_width", True):
                own = self.projections[name](own)
            if own.shape[-2:] != other.shape[-2:]:
                own = F.interpolate(own, other.shape[-2:], mode="bilinear", align_corners=False)
            # Where the teacher's map is NaN, so are its inner maps.
            valid = other.isfinite().all(dim=1, keepdim=True)
            values.append(placed.loss(own, torch.where(valid, other, 0.0), valid))
        return placed.weight * torch.stack(values).mean(dim=0)

    def _add_projections(self, student: nn.Module) -> None:
        (teacher,) = self._teacher
        if teacher is None:
            raise UsageError("losses on features need the teacher itself; leave out the cache")
        device = next(student.parameters()).device
        probe = torch.zeros(1, 3, PROBE, PROBE, device=device)
        training = student.training
        with torch.no_grad():
            own = student.eval().features(probe)[1]  # type: ignore[operator]
            other = teacher.features(probe)[1]
        student.train(training)
        widths = {name: maps.shape[1] for name, maps in own.items()}
        for name in self._features:
            if name not in widths or name not in other:
                both = sorted(widths.keys() & other.keys())
                raise UsageError(
                    f"losses on features: no inner map {name!r} in both student and teacher;"
                    f" they share {', '.join(both) or 'none'}"
                )
            if any(name in p.features and _projected(p.loss) for p in self._losses):
                width = other[name].shape[1]
                self.projections[name] = nn.Conv2d(widths[name], width, 1)


def _projected(loss: nn.Module) -> bool:
    return bool(getattr(loss, "same_width", True))


def _placed(loss: PlacedLoss, kind: DepthKind) -> _Placed:
    table = {**loss.loss, "name": loss.name}
    extra = {"kind": kind} if LOSSES.load(loss.name) is Geometric else {}
    built: nn.Module = build(LOSSES, table, "losses", **extra)
    return _Placed(loss.name, loss.weight, built, loss.features)


def _drift(
    student: Float[Tensor, "b 1 h w"],
    target: Float[Tensor, "b 1 h w"],
    valid: Bool[Tensor, "b 1 h w"],
) -> dict[str, Term]:
    """Where the raw output stands: its mean against the target's in spreads of that, and the
    ratio of their spreads. Without drift 0 and 1.
    """
    own, other = student.detach().flatten(1), target.flatten(1)
    weight = valid.flatten(1).float()
    count = weight.sum(dim=1).clamp(min=1)
    means, spreads = [], []
    for values in (own, other):
        held = torch.where(valid.flatten(1), values, 0.0)
        mean = held.sum(dim=1) / count
        square = ((held - mean[:, None]) ** 2 * weight).sum(dim=1) / count
        means.append(mean)
        spreads.append(square.sqrt())
    known = (count > 1) & (spreads[1] > 1e-6)
    floor = spreads[1].clamp(min=1e-6)
    return {
        "mean": _told((means[0] - means[1]) / floor, known),
        "spread": _told(spreads[0] / floor, known),
    }


def _told(values: Float[Tensor, " b"], kept: Bool[Tensor, " b"]) -> Term:
    return Term(torch.where(kept, values, 0.0).sum(), kept.sum(), minimized=False)


def _pulls(losses: dict[str, Tensor], student: Float[Tensor, "b 1 h w"]) -> dict[str, Term]:
    """Norm of each loss's gradient at the depth map, by which weights are chosen."""
    found = {}
    for name, values in losses.items():
        (gradient,) = torch.autograd.grad(
            values.mean(), student, retain_graph=True, allow_unused=True
        )
        norm = student.new_zeros(()) if gradient is None else gradient.norm()
        found[f"pull_{name}"] = Term(norm, 1.0, minimized=False)
    return found
