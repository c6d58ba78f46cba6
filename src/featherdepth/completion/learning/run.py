"""Training of the completion network: a recipe to a model folder."""

import logging
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

import torch
from torch import nn

from featherdepth.completion.learning.objective import CompletionObjective
from featherdepth.completion.learning.priors import pool_priors
from featherdepth.completion.learning.recipe import CompletionRecipe
from featherdepth.completion.learning.validation import CompletionValidation
from featherdepth.completion.learning.views import CompletionBatches, ViewSettings
from featherdepth.networks.build import build_network
from featherdepth.networks.folder import read_config
from featherdepth.networks.fresh import fresh_weights
from featherdepth.networks.weights import load_into
from featherdepth.runtime.model import DepthModel
from featherdepth.training.loop import Outcome, run
from featherdepth.training.materials import data_rows, start_rows
from featherdepth.training.output import About, RunFolder
from featherdepth.training.place import check_owner, check_place
from featherdepth.training.progress import Stages, stage
from featherdepth.training.supervised import open_reader, pool_of
from featherdepth.types import DepthKind

logger = logging.getLogger(__name__)

INPUT_SIZE = 576
"""Edge of the square with the area of 640x480, which the figures are taken at."""
MULTIPLE = 32


def train(
    recipe: CompletionRecipe,
    folder: Path,
    *,
    resume: bool = False,
    device: str | None = None,
    threads: int = 2,
    shown: bool = False,
    stages: Stages | None = None,
) -> Outcome:
    """Train the completion network; `folder` becomes a model folder that also holds the run.

    Views are made on the CPU, wherever the network is trained.

    Args:
        device: such as "cpu" or "cuda:0"; by default what accelerate finds.
        threads: for decoding frames at the start, and of the first stage.
        shown: progress on stderr.
        stages: of what comes before training.

    Raises:
        UsageError: a name or key of the recipe that does not fit.
        InputError: data that is missing or not as promised.
        WeightsError: a start or first stage that is missing or of another network.
        RunError: a folder with a model, and as `featherdepth.training.loop.run`.
    """
    check_place(folder, resume=resume)
    recipe = _sized(recipe)
    model = _start(recipe)
    readers = [open_reader(table.name, table.reader) for table in recipe.data]
    prior = DepthModel.from_pretrained(recipe.prior, threads=threads)
    pool = pool_of(
        recipe.data,
        readers,
        long_side=recipe.long_side,
        device=torch.device("cpu"),
        threads=threads,
        progress=stage(stages, "frames"),
    )
    priors = pool_priors(pool, prior, folder, progress=stage(stages, "first stage"))
    table = recipe.validation
    validate = None
    if table is not None:
        held = open_reader(table.name, table.reader)
        validate = CompletionValidation(held, prior, table.patterns, table.frames)
    identity = {
        "recipe": asdict(recipe),
        "data_sha256": pool.sha256,
        "prior_sha256": prior.preset.sha256,
    }
    bills = [data_rows(reader, f"training, {len(reader)} frames") for reader in readers]
    about = About(
        network=recipe.network,
        settings=recipe.settings,
        kind=DepthKind.METRIC,
        input_size=INPUT_SIZE,
        multiple=MULTIPLE,
        license=recipe.license,
        materials=(*start_rows(recipe.init, ""), *chain(*bills)),
        identity=identity,
        facts={"seed": recipe.seed, "frames": len(pool)},
        story=(
            "trained ",
            f" steps to complete measured points over the depth of `{prior.preset.name}`.",
        ),
        scored="" if table is None else f"Held-out frames ({table.frames} at most), in meters",
    )
    check_owner(folder, recipe.loop, about.identity, resume=resume)
    batches = CompletionBatches(
        pool,
        priors,
        views=ViewSettings(
            views=recipe.views,
            patterns=recipe.patterns,
            degrade=recipe.degrade,
            ranges=recipe.ranges,
        ),
        size=recipe.size,
        batch=recipe.batch,
        seed=recipe.seed,
    )
    return run(
        model,
        CompletionObjective(asdict(recipe.losses)),
        batches,
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


def _sized(recipe: CompletionRecipe) -> CompletionRecipe:
    """The recipe; one that says nothing of the network's size goes on in that of its start."""
    if recipe.init is None or recipe.settings:
        return recipe
    return replace(recipe, settings=read_config(recipe.init).settings)


def _start(recipe: CompletionRecipe) -> nn.Module:
    with fresh_weights(recipe.seed, "weights"):
        model = build_network(recipe.network, recipe.settings)
    if recipe.init is not None:
        load_into(model, recipe.init)
    return model
