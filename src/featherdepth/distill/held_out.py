"""The photos that only measure, in memory, each with its teacher's map."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64

from featherdepth.data.reader import Reader
from featherdepth.distill.agreement import HeldOut
from featherdepth.distill.label import fault, teacher_maps
from featherdepth.distill.photos import Labels
from featherdepth.distill.recipe import DistillRecipe
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import InputError, RunError
from featherdepth.geometry.resize import resize_map
from featherdepth.images.prepare import prepare
from featherdepth.training.progress import Stages

logger = logging.getLogger(__name__)

SMALLER = "teacher_size (--set teacher_size=N)"
"""What makes the teacher of a distillation need less memory."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeldPhotos:
    """What there is to measure on."""

    photos: list[HeldOut]
    refused: dict[str, str]
    """Photos that the teacher was asked about and had no map for, and why."""


def hold_out(
    photos: Reader,
    indices: Int64[np.ndarray, " m"],
    teacher: Teacher,
    recipe: DistillRecipe,
    *,
    labels: Labels | None,
    device: torch.device,
    progress: Stages | None,
) -> HeldPhotos:
    """The held-out photos as the student sees them, with their teacher's maps at that size.

    The student's map has that size, too: nothing is lost, and what a photo takes does not depend
    on the teacher (0.6 MB at an input size of 288).

    Raises:
        InputError: not one can be used.
        RunError: the teacher gives NaN for all of them, or memory ran out.
    """
    held = []
    refused: dict[str, str] = {}
    for done, index in enumerate(indices.tolist(), 1):
        key = photos.keys[index]
        try:
            image = photos[index].image
        except InputError as error:
            logger.warning("left out: %s", error)
            continue
        if labels is not None:
            values = labels.read(image)
        else:
            pixels = teacher.prepare(image.pixels, recipe.teacher_size)
            values = teacher_maps(teacher, [pixels], device, smaller=SMALLER)[0]
            if found := fault(values):
                refused[key] = f"{key}: {teacher.card.name} gave {found}"
                logger.warning("left out: %s", refused[key])
                values = None
        if values is not None:
            seen = prepare(image, size=recipe.input_size)
            height, width = seen.shape[1:]
            held.append(
                HeldOut(
                    key=key,
                    rgb=(seen * 255).round().astype(np.uint8),
                    map=resize_map(values, (height, width)),
                )
            )
        if progress:
            progress("held-out photos", done, len(indices))
    if not held:
        if refused:
            raise RunError(list(refused.values())[-1])
        raise InputError(f"{photos.name}: not one of {len(indices)} held-out photos can be used")
    return HeldPhotos(photos=held, refused=refused)
