"""What teacher and student see of a step: one crop for both, each at its own size.

The student's view is jittered, the teacher's clean. With maps of whole photos at hand the teacher
sees nothing: its map is cut by the same crop.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from torch import Tensor

from featherdepth.distill.photos import Windows
from featherdepth.geometry.resize import Size
from featherdepth.training.plan import ViewConfig, draw_plan
from featherdepth.training.views import cut_images, cut_maps, follow, inside


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DistillBatch:
    """Views of one step on the device."""

    step: int
    images: Float32[Tensor, "b 3 h w"]
    """For the student: RGB in 0..1, jittered."""
    clean: Float32[Tensor, "b 3 h2 w2"] | None
    """For the teacher, at its own size; None where its maps are at hand."""
    maps: Float32[Tensor, "b 1 h w"] | None
    """The teacher's raw maps, at the student's size; None where it is asked."""
    shown: Bool[Tensor, "b 1 h w"]
    """Where the student sees the photo, and no border."""
    intrinsics: Float64[np.ndarray, "b 4"]
    """fx, fy, cx, cy in pixels of the student's view."""
    keys: tuple[str, ...]
    """Of the photos that the views show."""
    seeds: Int64[np.ndarray, " b"]
    """For what the objective draws, one stream a view."""


class DistillBatches:
    """The views of each step; a pure function of (step, rank, world).

    Args:
        size: of the student's views.
        teacher_size: the size at which the teacher sees views of a given shape; None where
            its maps are at hand.
        half: as `training.views.cut_images`.
    """

    def __init__(
        self,
        windows: Windows,
        config: ViewConfig,
        *,
        size: Size,
        batch: int,
        seed: int,
        teacher_size: Callable[[int, int], Size] | None,
        half: bool,
    ) -> None:
        self.size = batch
        """Views in a global batch."""
        self._windows, self._config, self._seed, self._half = windows, config, seed, half
        self._student_size = size
        self._teacher_size = None if teacher_size is None else teacher_size(*size)

    def __call__(self, step: int, rank: int, world: int) -> DistillBatch:
        pool, size = self._windows.of(step), self._student_size
        plan = draw_plan(
            pool, self._config, seed=self._seed, step=step, batch=self.size, size=size
        ).part(rank, world)
        clean = maps = None
        if self._teacher_size is not None:
            clean = cut_images(pool.images, plan, self._teacher_size, clean=True, half=self._half)
        elif pool.maps is not None:
            maps = cut_maps(pool.maps, plan, size)
            if pool.scales is not None:
                index = torch.from_numpy(plan.index).to(maps.device)
                maps = maps * pool.scales[index, None, None, None]
        return DistillBatch(
            step=step,
            images=cut_images(pool.images, plan, size, half=self._half),
            clean=clean,
            maps=maps,
            shown=inside(plan, size, pool.images.device),
            intrinsics=follow(pool.intrinsics[plan.index], plan, size),
            keys=tuple(pool.keys[i] for i in plan.index),
            seeds=plan.seeds,
        )
