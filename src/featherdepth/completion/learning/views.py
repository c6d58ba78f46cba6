"""Training views of completion: photo, truth, points measured on it, and an aligned prior."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Float16, Float32
from torch import Tensor

from featherdepth.completion.learning.degrade import DegradeConfig, degrade
from featherdepth.completion.learning.fit import to_points
from featherdepth.completion.learning.mix import MixConfig, measure
from featherdepth.completion.learning.ranges import RangeConfig, with_range
from featherdepth.rng import generator
from featherdepth.training.plan import Plan, ViewConfig, draw_plan
from featherdepth.training.pool import Pool
from featherdepth.training.views import cut_maps, render
from featherdepth.types import Depth, DepthKind, Image

NEARBY = 1.03
"""Truth is interpolated where that changes it by less than this factor: not across an edge."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CompletionBatch:
    """What the network sees, and what it should say."""

    inputs: Float32[Tensor, "b 5 h w"]
    """RGB 0..1, aligned prior, points (0 = none)."""
    truth: Float32[Tensor, "b 1 h w"]
    """Depth; meters, or any unit that the points of a view share."""
    valid: Bool[Tensor, "b 1 h w"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewSettings:
    """How views are drawn."""

    views: ViewConfig = field(default_factory=ViewConfig)
    patterns: MixConfig = field(default_factory=MixConfig)
    degrade: DegradeConfig = field(default_factory=DegradeConfig)
    ranges: RangeConfig = field(default_factory=RangeConfig)

    def __post_init__(self) -> None:
        if self.views.border:
            raise ValueError(
                "views.border: of what lies under a border no prior is known; leave it out"
            )


class CompletionBatches:
    """Views of each step, cut from a pool; a pure function of (step, rank, world).

    Args:
        priors: a map of the first stage for each frame of the pool, larger is farther.
    """

    def __init__(
        self,
        pool: Pool,
        priors: Float16[Tensor, "n 1 h w"],
        *,
        views: ViewSettings,
        size: tuple[int, int],
        batch: int,
        seed: int,
    ) -> None:
        self._pool = pool
        self._priors = priors
        self._limits = _limits(pool.depths)
        self._views = views
        self._size = size
        self._batch = batch
        self._seed = seed

    @property
    def size(self) -> int:
        """Views in a batch."""
        return self._batch

    def __call__(self, step: int, rank: int, world: int) -> CompletionBatch:
        plan = draw_plan(
            self._pool,
            self._views.views,
            seed=self._seed,
            step=step,
            batch=self._batch,
            size=self._size,
        ).part(rank, world)
        return self._render(plan)

    def _render(self, plan: Plan) -> CompletionBatch:
        batch = render(self._pool, plan, self._size)
        truth = _between_pixels(batch.depth, self._pool.depths, plan, self._size)
        priors = cut_maps(self._priors, plan, self._size)
        aligned, points = torch.empty_like(truth), torch.empty_like(truth)
        for i, seed in enumerate(plan.seeds):
            rng = generator(int(seed), "completion")
            frame = int(plan.index[i])
            if self._pool.kinds[frame].affine:
                truth[i] = with_range(
                    truth[i],
                    batch.valid[i],
                    limits=(float(self._limits[frame, 0]), float(self._limits[frame, 1])),
                    kind=self._pool.kinds[frame],
                    config=self._views.ranges,
                    rng=rng,
                )
            depth = Depth(
                values=truth[i, 0].numpy(), valid=batch.valid[i, 0].numpy(), kind=DepthKind.METRIC
            )
            if not depth.valid.any():
                aligned[i], points[i] = 1.0, 0.0
                continue
            pixels = (batch.images[i].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
            sparse = measure(depth, Image(pixels=pixels, name="view"), self._views.patterns, rng)
            prior = degrade(priors[i], self._views.degrade, rng)
            points[i, 0] = torch.from_numpy(sparse.values)
            aligned[i, 0] = torch.from_numpy(to_points(prior[0].numpy(), sparse))
        return CompletionBatch(
            inputs=torch.cat([batch.images, aligned, points], dim=1),
            truth=truth,
            valid=batch.valid,
        )


def _limits(depths: Float16[Tensor, "n 1 H W"]) -> Float32[np.ndarray, "n 2"]:
    """Smallest and largest known value of each frame."""
    flat = depths.flatten(1)
    low = torch.where(flat > 0, flat, torch.inf).amin(dim=1)
    limits: Float32[np.ndarray, "n 2"] = torch.stack([low, flat.amax(dim=1)], 1).float().numpy()
    return limits


def _between_pixels(
    nearest: Float32[Tensor, "b 1 h w"],
    depths: Float16[Tensor, "n 1 H W"],
    plan: Plan,
    size: tuple[int, int],
) -> Float32[Tensor, "b 1 h w"]:
    """Truth of enlarged views without the steps of its pixels, where it is smooth."""
    known = (depths[torch.from_numpy(plan.index)] > 0).to(torch.float16)
    own = _own(plan)
    share = cut_maps(known, own, size)
    total = cut_maps(depths[torch.from_numpy(plan.index)], own, size)
    smooth = total / share.clamp(min=1e-6)
    near = (smooth < NEARBY * nearest) & (nearest < NEARBY * smooth)
    return torch.where(near & (share > 0.5), smooth, nearest)


def _own(plan: Plan) -> Plan:
    """The plan over maps that were picked already, one a view."""
    return replace(plan, index=np.arange(len(plan.index)))
