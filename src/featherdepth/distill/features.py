"""The feature stage from end to end: photos in, a start for training out.

A network whose encoder begins with random weights spends most of its training on learning to see.
This stage teaches the encoder that first, from an ImageNet encoder on photos without a label. The
decoder stays as it began: the result is a start (`--init`), not a depth model.
"""

import logging
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from featherdepth.data.probe import open_data
from featherdepth.data.reader import Reader
from featherdepth.distill.collection import IDENTITY_FORMAT, collection_sha256
from featherdepth.distill.feature_matching import EncoderTeacher, FeatureMatching
from featherdepth.distill.features_recipe import FeaturesRecipe
from featherdepth.distill.photos import Windows, load_photos, photos_held
from featherdepth.distill.views import DistillBatches
from featherdepth.errors import UsageError
from featherdepth.networks.build import build_network
from featherdepth.networks.depthnet import DepthNet
from featherdepth.networks.fresh import fresh_weights
from featherdepth.networks.weights import load_into
from featherdepth.training.identity import FORMAT
from featherdepth.training.loop import Outcome, check_start, run
from featherdepth.training.materials import data_rows, start_rows
from featherdepth.training.output import About, RunFolder
from featherdepth.training.place import check_owner, check_place
from featherdepth.training.precision import choose_precision
from featherdepth.training.processes import Processes
from featherdepth.training.progress import Stages, stage
from featherdepth.types import DepthKind

logger = logging.getLogger(__name__)


def train_features(
    recipe: FeaturesRecipe,
    folder: Path,
    *,
    resume: bool = False,
    device: str | None = None,
    threads: int = 2,
    shown: bool = False,
    stages: Stages | None = None,
) -> Outcome:
    """Teach a network's encoder; `folder` becomes a model folder that also holds the run.

    Args:
        resume: go on from the newest checkpoint in `folder`; the end is the same, bit for bit.
        device: such as "cpu" or "cuda:0"; by default what accelerate finds.
        threads: for decoding photos.
        shown: progress on stderr.
        stages: of what comes before training.

    Raises:
        UsageError: a network without an encoder, or a teacher that is no bare encoder.
        InputError: no photos, or not one that can be used.
        WeightsError: a start or the teacher's weights are missing or of another network.
        RunError: a folder with a model, and as `featherdepth.training.loop.run`.
    """
    processes = Processes(device)
    check_place(folder, resume=resume)
    photos = open_data(recipe.photos)
    bf16 = choose_precision(recipe.loop.precision, processes.device) == "bf16"
    student = start_network(recipe)
    teacher = EncoderTeacher(
        recipe.teacher, recipe.teacher_weights, device=processes.device, bf16=bf16
    )
    about = describe(recipe, photos, teacher.digest, stages=stages)
    check_owner(folder, recipe.loop, about.identity, resume=resume)
    check_start(folder, recipe.loop, seed=recipe.seed, recipe=about.identity, resume=resume)
    windows = Windows(
        partial(
            load_photos,
            photos,
            long_side=recipe.long_side,
            device=processes.device,
            threads=threads,
        ),
        torch.arange(len(photos)).numpy(),
        photos_held=photos_held(recipe.long_side, recipe.memory_gb, labeled=False),
        batch=recipe.batch,
        visits=recipe.visits,
        seed=recipe.seed,
        progress=stage(stages, "photos"),
    )
    with closing(windows):
        batches = DistillBatches(
            windows,
            recipe.views,
            size=recipe.size,
            batch=recipe.batch,
            seed=recipe.seed,
            teacher_size=lambda height, width: (height, width),
            half=bf16 and processes.device.type == "cpu",
        )
        # The whole batches, in every process and after every resume: the same numbers.
        seen = (batches(step, 0, 1).clean for step in range(recipe.statistics))
        teacher.measure(images for images in seen if images is not None)
        return run(
            student,
            FeatureMatching(student, teacher, seed=recipe.seed),
            batches,
            recipe.loop,
            folder,
            seed=recipe.seed,
            recipe=about.identity,
            save=RunFolder(folder, about, recipe.loop).save,
            resume=resume,
            device=device,
            shown=shown,
        )


def start_network(recipe: FeaturesRecipe) -> DepthNet:
    """The network as the stage begins, its decoder frozen.

    Raises:
        UsageError: a bare encoder.
        WeightsError: `init` is missing or of another network.
    """
    with fresh_weights(recipe.seed, "weights"):
        model = build_network(recipe.network, recipe.settings)
    if not isinstance(model, DepthNet):
        raise UsageError(f"network {recipe.network!r}: a bare encoder; expected a depth network")
    if recipe.init is not None:
        load_into(model, recipe.init)
    model.decoder.requires_grad_(False)
    return model


def describe(
    recipe: FeaturesRecipe, photos: Reader, teacher_digest: str, *, stages: Stages | None = None
) -> About:
    """What the run folder says of the model; reads every photo's file."""
    (teacher,) = start_rows(None, recipe.teacher_weights)
    identity = {
        "recipe": asdict(recipe),
        "photos_sha256": collection_sha256(photos, progress=stage(stages, "contents of photos")),
        FORMAT: IDENTITY_FORMAT,
        "teacher_sha256": teacher_digest,
    }
    return About(
        network=recipe.network,
        settings=recipe.settings,
        kind=DepthKind.AFFINE_INVARIANT,
        input_size=recipe.input_size,
        license=recipe.license,
        materials=(
            *start_rows(recipe.init, ""),
            teacher | {"use": "teacher of the encoder"},
            *data_rows(
                photos, f"feature stage, {len(photos)} unlabeled photos", recipe.photo_terms
            ),
        ),
        identity=identity,
        facts={"seed": recipe.seed, "photos": len(photos)},
        story=(
            "a start for training, no depth model yet: its encoder was trained ",
            f" steps to see what `{recipe.teacher}` sees on {len(photos)} photos without labels;"
            " its decoder is as it began.",
        ),
    )
