"""Labelled views beside the photos of a step: what the poster's rows with source labels learn from.

Both go through the student together, so that BatchNorm sees one batch of both, and each part of
the output goes to its own losses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.data.reader import Reader
from featherdepth.distill.objective import Distiller
from featherdepth.distill.recipe import DistillRecipe
from featherdepth.distill.views import DistillBatch, DistillBatches
from featherdepth.errors import UsageError
from featherdepth.training.objective import Losses
from featherdepth.training.pool import Pool
from featherdepth.training.recipe import KIND
from featherdepth.training.supervised import (
    PoolBatches,
    SupervisedObjective,
    build_losses,
    open_reader,
    pool_of,
)
from featherdepth.training.views import Batch
from featherdepth.types import DepthKind

LABEL = "labelled_"
"""In front of the names of losses on labels."""

Maps = dict[str, Float[Tensor, "b _ _ _"]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MixedBatch:
    """Views of one step: photos for the teacher's losses, labelled frames for the others."""

    photos: DistillBatch
    labelled: Batch


class MixedBatches:
    """Both views of each step; a pure function of (step, rank, world)."""

    def __init__(self, photos: DistillBatches, labelled: PoolBatches) -> None:
        self.size = photos.size + labelled.size
        self._photos, self._labelled = photos, labelled

    def __call__(self, step: int, rank: int, world: int) -> MixedBatch:
        return MixedBatch(
            photos=self._photos(step, rank, world), labelled=self._labelled(step, rank, world)
        )


class MixedObjective(nn.Module):
    """The distiller's losses on photos and supervised ones on labels, of one pass."""

    def __init__(self, distiller: Distiller, supervised: SupervisedObjective) -> None:
        super().__init__()
        self.distiller = distiller
        self._supervised = supervised

    def forward(self, model: Any, batch: MixedBatch) -> Losses:
        images = torch.cat([batch.photos.images, batch.labelled.images])
        split = len(batch.photos.images)
        inner: Maps = {}
        if self.distiller.compares_features:
            depth, inner = model.features(images)
        else:
            depth = model(images)
        first = _Passed(depth[:split], {name: maps[:split] for name, maps in inner.items()})
        second = _Passed(depth[split:], {})
        on_labels = self._supervised(second, batch.labelled)
        return {
            **self.distiller(first, batch.photos),
            **{f"{LABEL}{name}": value for name, value in on_labels.items()},
        }


class _Passed(nn.Module):
    """A model whose answer is known already."""

    def __init__(self, depth: Float[Tensor, "b 1 h w"], inner: Maps) -> None:
        super().__init__()
        self._depth, self._inner = depth, inner

    def forward(self, _images: Tensor) -> Float[Tensor, "b 1 h w"]:
        return self._depth

    def features(self, _images: Tensor) -> tuple[Float[Tensor, "b 1 h w"], Maps]:
        return self._depth, self._inner


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LabelledData:
    """The labelled data sets of a recipe, in memory."""

    readers: Sequence[Reader]
    pool: Pool
    recipe: DistillRecipe

    @classmethod
    def load(
        cls,
        recipe: DistillRecipe,
        kind: DepthKind,
        *,
        device: torch.device,
        threads: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> "LabelledData | None":
        """Open and decode them; None where the recipe has none.

        Args:
            progress: called with (frames done, frames in all).

        Raises:
            UsageError: the teacher's kind is another than what labels teach.
            InputError: data that is missing or not as promised.
        """
        labelled = recipe.labelled
        if labelled is None:
            return None
        if kind is not KIND:
            raise UsageError(
                f"labels teach {KIND.value} depth but the teacher's is {kind.value}; leave"
                " [labelled] out or take another teacher"
            )
        readers = [open_reader(table.name, table.reader) for table in labelled.data]
        pool = pool_of(
            labelled.data,
            readers,
            long_side=recipe.long_side,
            device=device,
            threads=threads,
            progress=progress,
        )
        return cls(readers=readers, pool=pool, recipe=recipe)

    def beside(self, photos: DistillBatches, *, half: bool) -> MixedBatches:
        """Batches of photos with labelled views added."""
        labelled, recipe = self.recipe.labelled, self.recipe
        assert labelled is not None  # noqa: S101 - `load` saw to it
        views = PoolBatches(
            self.pool,
            recipe.views,
            stage=lambda _step: (recipe.size, labelled.batch),
            size=labelled.batch,
            seed=recipe.seed,
            half=half,
        )
        return MixedBatches(photos, views)

    def objective(self, distiller: Distiller) -> MixedObjective:
        """The distiller with the losses on labels beside it."""
        labelled = self.recipe.labelled
        assert labelled is not None  # noqa: S101 - `load` saw to it
        return MixedObjective(distiller, SupervisedObjective(build_losses(labelled.losses)))
