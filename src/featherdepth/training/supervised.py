"""Supervised training: a recipe to a model folder.

Each view has its truth; all losses compare the raw map with it, except where only the order of
the truth can be trusted (relative disparity, or a data set marked so): there only ranking does.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from featherdepth.config import build
from featherdepth.data import READERS
from featherdepth.data.reader import Reader
from featherdepth.errors import UsageError
from featherdepth.losses import LOSSES
from featherdepth.losses.views import ViewLoss, Views
from featherdepth.metrics.protocols import load_protocol
from featherdepth.networks.build import build_network
from featherdepth.networks.encoder_start import start_encoder
from featherdepth.networks.fresh import fresh_weights
from featherdepth.networks.weights import load_into
from featherdepth.training.loop import Outcome, run
from featherdepth.training.materials import data_rows, start_rows
from featherdepth.training.objective import Losses
from featherdepth.training.output import About, RunFolder
from featherdepth.training.place import check_owner, check_place
from featherdepth.training.plan import ViewConfig, draw_plan
from featherdepth.training.pool import Pool, Source, load_pool
from featherdepth.training.precision import choose_precision
from featherdepth.training.processes import Processes
from featherdepth.training.progress import Stages, stage
from featherdepth.training.recipe import KIND, DataTable, LossTable, Recipe
from featherdepth.training.validation import DepthValidation
from featherdepth.training.views import Batch, render

logger = logging.getLogger(__name__)


class SupervisedObjective:
    """Weighted losses of a batch of views against their truth, one value a view."""

    def __init__(self, losses: Mapping[str, tuple[float, nn.Module]]) -> None:
        self._losses = dict(losses)

    def __call__(self, model: nn.Module, batch: Batch) -> Losses:
        depth = model(batch.images)
        # What only orders its points is not there for a loss that reads values.
        valued = batch.valid & ~batch.ranking_only[:, None, None, None]
        values: dict[str, Tensor] = {}
        for name, (weight, loss) in self._losses.items():
            if isinstance(loss, ViewLoss):
                valid = batch.valid if loss.order_only else valued
                values[name] = weight * loss.on_views(depth, batch.depth, valid, _views(batch))
            else:
                values[name] = weight * loss(depth, batch.depth, valued)
        return values


def _views(batch: Batch) -> Views:
    generators = [torch.Generator().manual_seed(int(seed)) for seed in batch.seeds]
    return Views(images=batch.images, intrinsics=batch.intrinsics, generators=generators)


class PoolBatches:
    """Views of each step, cut from a pool; a pure function of (step, rank, world).

    Args:
        stage: size and batch of a step.
        size: views in a batch of the last stage.
        half: as `training.views.cut_images`.
    """

    def __init__(
        self,
        pool: Pool,
        views: ViewConfig,
        *,
        stage: Callable[[int], tuple[tuple[int, int], int]],
        size: int,
        seed: int,
        half: bool,
    ) -> None:
        self.size = size
        self._pool, self._views, self._stage = pool, views, stage
        self._seed, self._half = seed, half

    def __call__(self, step: int, rank: int, world: int) -> Batch:
        size, batch = self._stage(step)
        plan = draw_plan(
            self._pool, self._views, seed=self._seed, step=step, batch=batch, size=size
        )
        return render(self._pool, plan.part(rank, world), size, half=self._half)


def train(
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    device: str | None = None,
    threads: int = 2,
    shown: bool = False,
    stages: Stages | None = None,
) -> Outcome:
    """Train the network of a recipe; `folder` becomes a model folder that also holds the run.

    Args:
        device: such as "cpu" or "cuda:0"; by default what accelerate finds.
        threads: for decoding frames at the start.
        shown: progress on stderr.
        stages: of what comes before training.

    Raises:
        UsageError: a name or key of the recipe that does not fit.
        BackendError: the device is absent.
        InputError: data that is missing or not as promised.
        WeightsError: a start that is missing or of another network.
        RunError: a folder with a model, and as `featherdepth.training.loop.run`.
    """
    processes = Processes(device)
    check_place(folder, resume=resume)
    model = start_model(recipe)
    readers = [open_reader(table.name, table.reader) for table in recipe.data]
    validate = start_validation(recipe)
    pool = pool_of(
        recipe.data,
        readers,
        long_side=recipe.long_side,
        device=processes.device,
        threads=threads,
        progress=stage(stages, "frames"),
    )
    about = describe(recipe, readers, pool)
    check_owner(folder, recipe.loop, about.identity, resume=resume)
    bf16 = choose_precision(recipe.loop.precision, processes.device) == "bf16"
    return run(
        model,
        SupervisedObjective(build_losses(recipe.losses)),
        PoolBatches(
            pool,
            recipe.views,
            stage=recipe.stage,
            size=recipe.batch,
            seed=recipe.seed,
            half=bf16 and processes.device.type == "cpu",
        ),
        recipe.loop,
        folder,
        seed=recipe.seed,
        recipe=about.identity,
        validate=validate,
        save=RunFolder(folder, about, recipe.loop).save,
        resume=resume,
        device=device,
        shown=shown,
    )


def describe(recipe: Recipe, readers: Sequence[Reader], pool: Pool) -> About:
    """What the run folder says of the model."""
    bills = [data_rows(reader, f"training, {len(reader)} frames") for reader in readers]
    table = recipe.validation
    identity = {"recipe": asdict(recipe), "data_sha256": pool.sha256}
    return About(
        network=recipe.network,
        settings=recipe.settings,
        kind=KIND,
        input_size=recipe.input_size,
        license=recipe.license,
        materials=(*start_rows(recipe.init, recipe.encoder_weights), *chain(*bills)),
        identity=identity,
        facts={"seed": recipe.seed, "frames": len(pool)},
        story=("trained ", " steps on labelled depth."),
        scored=""
        if table is None
        else f"Held-out split, protocol `{table.protocol}`, input size {table.size}",
    )


def start_model(recipe: Recipe) -> nn.Module:
    """The network with the weights that training begins from.

    Raises:
        WeightsError: `init` or `encoder_weights` is missing or of another network.
    """
    with fresh_weights(recipe.seed, "weights"):
        model = build_network(recipe.network, recipe.settings)
    if recipe.init is not None:
        load_into(model, recipe.init)
    if recipe.encoder_weights:
        encoder = getattr(model, "encoder", None)
        if not isinstance(encoder, nn.Module):
            raise UsageError(f"network {recipe.network!r}: encoder_weights need one with encoder")
        start_encoder(encoder, recipe.encoder_weights)
    return model


def start_validation(recipe: Recipe) -> DepthValidation | None:
    """What scores the model while it trains, with its frames read; None if the recipe has none."""
    table = recipe.validation
    if table is None:
        return None
    return DepthValidation(
        open_reader(table.name, table.reader),
        load_protocol(table.protocol),
        kind=KIND,
        size=table.size,
    )


def open_reader(name: str, config: Mapping[str, Any]) -> Reader:
    """The reader that a table of the recipe asks for."""
    reader: Reader = build(READERS, {**config, "name": name}, name)
    return reader


def pool_of(
    tables: Sequence[DataTable],
    readers: Sequence[Reader],
    *,
    long_side: int,
    device: torch.device,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> Pool:
    """The frames of all data sets of a recipe in memory, each with its weight.

    Args:
        progress: called with (frames done, frames in all).

    Raises:
        InputError: a data set without a readable frame with depth.
    """
    sources = [
        Source(
            name=f"data[{i}] ({reader.name})",
            frames=reader,
            weight=table.weight,
            ranking_only=table.ranking_only,
            unknown_is_far=table.unknown_is_far,
        )
        for i, (table, reader) in enumerate(zip(tables, readers, strict=True))
    ]
    pool = load_pool(
        sources, long_side=long_side, device=device, threads=threads, progress=progress
    )
    logger.info("%d frames in memory", len(pool))
    return pool


def build_losses(tables: Sequence[LossTable]) -> dict[str, tuple[float, nn.Module]]:
    """Name -> (weight, loss) of every loss of a recipe."""
    return {
        table.name: (table.weight, build(LOSSES, {**table.loss, "name": table.name}, "losses"))
        for table in tables
    }
