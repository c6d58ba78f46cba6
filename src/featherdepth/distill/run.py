"""Distillation from end to end: photos and a teacher in, a student's model folder out."""

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from featherdepth.data.reader import Reader
from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.data.teacher_maps import MapCache, Refused, photo_key
from featherdepth.distill.agreement import Agreement, drift_alarm
from featherdepth.distill.collection import IDENTITY_FORMAT, collection_sha256
from featherdepth.distill.held_out import SMALLER, hold_out
from featherdepth.distill.label import label_photos
from featherdepth.distill.labelled import LabelledData
from featherdepth.distill.objective import Distiller
from featherdepth.distill.outcome import Story, write_outcome
from featherdepth.distill.photos import Windows, load_photos, photos_held
from featherdepth.distill.recipe import DistillRecipe
from featherdepth.distill.split import split_photos
from featherdepth.distill.student import find_start, start_student
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.distill.views import DistillBatches
from featherdepth.errors import UsageError
from featherdepth.losses.zscore import trimmed_zscore
from featherdepth.runtime.job import JobResult
from featherdepth.training.identity import FORMAT
from featherdepth.training.loop import Outcome, check_start, run
from featherdepth.training.materials import data_rows, start_rows
from featherdepth.training.output import About, RunFolder
from featherdepth.training.place import check_owner, check_place
from featherdepth.training.precision import choose_precision
from featherdepth.training.processes import Processes
from featherdepth.training.progress import Stages, stage
from featherdepth.types import DepthKind, Image

logger = logging.getLogger(__name__)


class CachedLabels:
    """The maps of a cache, by photo."""

    def __init__(self, cache: MapCache) -> None:
        self._cache = cache

    def read(self, image: Image) -> Float32[np.ndarray, "h w"] | None:
        found = self._cache.find(photo_key(image.pixels))
        return None if isinstance(found, Refused) else found


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Distilled:
    """What a finished distillation leaves."""

    outcome: Outcome
    document: Mapping[str, Any]
    """distillation.json as written; empty in all processes but the first."""
    labels: JobResult | None
    """What became of the photos on the way to the cache; None without one."""


def distill(
    photos: Reader,
    teacher: Teacher,
    recipe: DistillRecipe,
    folder: Path,
    *,
    cache: Path | None = None,
    resume: bool = False,
    device: str | None = None,
    threads: int = 2,
    shown: bool = False,
    progress: Stages | None = None,
) -> Distilled:
    """Train a student on photos by what a teacher says of them; `folder` becomes its model folder.

    With a cache every photo is labeled once (what the cache holds already is taken) and training
    asks the teacher no more; without one the teacher sees the very crop that the student sees.

    Args:
        resume: go on from the newest checkpoint in `folder`; the end is the same, bit for bit.
        device: such as "cpu" or "cuda:0"; by default what accelerate finds.
        threads: for decoding photos.
        shown: progress of training on stderr.
        progress: of what comes before it.

    Raises:
        UsageError: a start, loss or size that does not fit student or teacher.
        InputError: too few photos, or not one that can be used.
        WeightsError: a start that is missing or of another network.
        RunError: a teacher that gives NaN, a cache of another one, and as `training.loop.run`.
    """
    if cache is not None and recipe.compares_features:
        raise UsageError("losses on features need the teacher itself; leave out the cache")
    processes = Processes(device)
    card = teacher.card
    teacher.to(processes.device)
    check_place(folder, resume=resume)
    split = split_photos(photos, recipe.holdout, recipe.seed)
    labelled = LabelledData.load(
        recipe,
        card.kind,
        device=processes.device,
        threads=threads,
        progress=stage(progress, "labelled frames"),
    )
    about = describe(
        recipe,
        photos,
        card,
        len(split.held_out),
        cached=cache is not None,
        labelled=labelled,
        progress=progress,
    )
    # Labels may take hours: what the loop would refuse after them is refused before.
    check_owner(folder, recipe.loop, about.identity, resume=resume)
    check_start(folder, recipe.loop, seed=recipe.seed, recipe=about.identity, resume=resume)
    student = start_student(recipe, card.kind).to(processes.device)
    labels, labeled = None, None
    if cache is not None:
        store = MapCache.open(cache, card, recipe.teacher_size)
        labels = CachedLabels(store)
        labeled = label_photos(
            photos,
            teacher,
            store,
            device=processes.device,
            progress=stage(progress, "labels"),
            shard=(processes.rank + 1, processes.world),
            smaller=SMALLER,
        )
        processes.any(False)  # all labels are there before anybody reads them
    windows = Windows(
        partial(
            load_photos,
            photos,
            long_side=recipe.long_side,
            labels=labels,
            device=processes.device,
            threads=threads,
        ),
        split.training,
        photos_held=photos_held(recipe.long_side, recipe.memory_gb, labeled=labels is not None),
        batch=recipe.batch,
        visits=recipe.visits,
        seed=recipe.seed,
        progress=stage(progress, "photos"),
    )
    with closing(windows):
        windows.of(0)  # what cannot be used shows now, not in the first step
        agreement, refused = None, {}
        if processes.first:
            held = hold_out(
                photos,
                split.held_out,
                teacher,
                recipe,
                labels=labels,
                device=processes.device,
                progress=progress,
            )
            agreement = Agreement(held.photos, card.kind, target=raw_target(recipe, card.kind))
            refused = held.refused
            start = agreement(student.eval())
            before = agreement.rows
        bf16 = choose_precision(recipe.loop.precision, processes.device) == "bf16"
        half = bf16 and processes.device.type == "cpu"
        distiller = Distiller(
            recipe.losses,
            teacher=None if cache is not None else teacher,
            kind=card.kind,
            student=student,
            standardize=recipe.standardize,
            gradients_every=recipe.gradients_every,
            seed=recipe.seed,
        )
        batches = DistillBatches(
            windows,
            recipe.views,
            size=recipe.size,
            batch=recipe.batch,
            seed=recipe.seed,
            teacher_size=None
            if cache is not None
            else partial(teacher.input_size, size=recipe.teacher_size),
            half=half,
        )
        outcome = run(
            student,
            distiller if labelled is None else labelled.objective(distiller),
            batches if labelled is None else labelled.beside(batches, half=half),
            recipe.loop,
            folder,
            seed=recipe.seed,
            recipe=about.identity,
            validate=None if agreement is None else partial(_guarded, agreement, start),
            save=RunFolder(folder, about, recipe.loop).save,
            resume=resume,
            device=device,
            shown=shown,
        )
    document: Mapping[str, Any] = {}
    if agreement is not None:
        story = Story(
            recipe=recipe,
            teacher=teacher,
            photos=photos,
            labeled=labeled,
            start=find_start(recipe),
            refused={**distiller.refusals.photos, **refused},
            outcome=outcome,
            device=processes.device,
        )
        document = write_outcome(folder, story, agreement, before)
    return Distilled(outcome=outcome, document=document, labels=labeled)


def describe(
    recipe: DistillRecipe,
    photos: Reader,
    card: TeacherCard,
    held_out: int,
    *,
    cached: bool,
    labelled: LabelledData | None = None,
    progress: Stages | None = None,
) -> About:
    """What the run folder says of the student; reads every photo's file."""
    beside = () if labelled is None else labelled.readers
    starts = start_rows(find_start(recipe), recipe.encoder_weights)
    identity = {
        "recipe": asdict(recipe),
        "photos_sha256": collection_sha256(photos, progress=stage(progress, "contents of photos")),
        FORMAT: IDENTITY_FORMAT,
        "teacher": {"name": card.name, "digest": card.digest, "kind": card.kind.value},
        "labels": "cached" if cached else "online",
        **({} if labelled is None else {"labelled_sha256": labelled.pool.sha256}),
    }
    license_text = recipe.license
    if not card.commercial:
        license_text = f"terms of its teacher: {card.license or 'none'}"
    elif closed := [row["name"] for row in starts if row["class"] == "C"]:
        license_text = f"terms of what it began from: {', '.join(closed)}"
    return About(
        network=recipe.student,
        settings=recipe.settings,
        kind=card.kind,
        input_size=recipe.input_size,
        license=license_text,
        materials=(
            *starts,
            *card.materials,
            *data_rows(photos, f"distillation, {len(photos)} unlabeled photos", recipe.photo_terms),
            *chain(*(data_rows(reader, f"training, {len(reader)} frames") for reader in beside)),
        ),
        identity=identity,
        facts={"seed": recipe.seed, "photos": len(photos), "held_out": held_out},
        story=(
            "trained ",
            f" steps {'with' if beside else 'without'} labels by distillation from"
            f" `{card.name}` on {len(photos)} photos ({photos.name})"
            + "".join(f" and labels of {reader.name}" for reader in beside)
            + ".",
        ),
        scored=f"Agreement with the teacher on {held_out} held-out photos (not accuracy)",
    )


def raw_target(
    recipe: DistillRecipe, kind: DepthKind
) -> Callable[[Float32[np.ndarray, "h w"]], Float32[np.ndarray, "h w"]]:
    """What the raw values of the student are taught to be, from a map of the teacher."""

    def standardized(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
        maps = torch.from_numpy(values)[None, None]
        found: Float32[np.ndarray, "h w"] = trimmed_zscore(maps, maps.isfinite())[0, 0].numpy()
        return found

    return standardized if recipe.standardize and kind.affine else lambda values: values


def _guarded(
    agreement: Agreement, start: Mapping[str, float], model: nn.Module
) -> Mapping[str, float]:
    figures = agreement(model)
    if alarm := drift_alarm(figures, start):
        logger.warning("%s", alarm)
    return figures
