"""What a finished distillation tells: distillation.json and the pictures that go with it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from featherdepth.data.reader import Reader
from featherdepth.distill.agreement import (
    MEASURES,
    Agreement,
    HeldOut,
    Rows,
    drift_alarm,
    interval,
)
from featherdepth.distill.pictures import write_pictures
from featherdepth.distill.recipe import DistillRecipe
from featherdepth.distill.student import start_student, turn
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.images.atomic import write_json
from featherdepth.networks.folder import WEIGHTS, read_config
from featherdepth.networks.weights import load_model
from featherdepth.runtime.job import JobResult
from featherdepth.runtime.presets import DEFAULT, embedded_folder, embedded_models
from featherdepth.training.journal import read_journal
from featherdepth.training.loop import Outcome

DOCUMENT = "distillation.json"
TIMED = 5
"""Photos on which a call is timed."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Story:
    """What the document is written from."""

    recipe: DistillRecipe
    teacher: Teacher
    photos: Reader
    labeled: JobResult | None
    start: Path | None
    """Model folder that the student began from."""
    refused: Mapping[str, str]
    """Photos that the teacher was asked about without a cache and had no map for, and why."""
    outcome: Outcome
    device: torch.device


def write_outcome(
    folder: Path, story: Story, agreement: Agreement, before: Rows
) -> Mapping[str, Any]:
    """Measure the student that is in `folder` and write `DOCUMENT` and the pictures beside it.

    Args:
        before: agreement of the student as it began.

    Returns:
        The document.

    Raises:
        RunError: the folder cannot be written.
    """
    preset, student = load_model(folder)
    student.to(story.device)
    agreement(student)
    after = agreement.rows
    default = _default_rows(story, agreement)
    lines = read_journal(folder / "journal.jsonl")
    card, recipe = story.teacher.card, story.recipe
    held = agreement.photos
    initial = start_student(recipe, card.kind).to(story.device).eval()
    document = {
        "teacher": {
            "name": card.name,
            "kind": card.kind.value,
            "license": card.license,
            "commercial": card.commercial,
            "params": card.params,
            "materials": list(card.materials),
            "ms": _milliseconds(story, held, story.teacher, teacher=True),
            "input": list(story.teacher.input_size(*recipe.size, recipe.teacher_size)),
        },
        "student": {
            "name": preset.name,
            "network": preset.network,
            "params": preset.params,
            "macs": preset.macs,
            "ms": _milliseconds(story, held, student, teacher=False),
            "bytes": (folder / WEIGHTS).stat().st_size,
            "kind": preset.kind.value,
            "license": preset.license,
            "materials": list(preset.materials),
            "input": list(held[0].rgb.shape[1:]),
        },
        "initial": {
            "name": "random weights" if story.start is None else read_config(story.start).name
        },
        "default": None if default is None else {"name": DEFAULT},
        "photos": {
            "name": story.photos.name,
            "count": len(story.photos),
            "held_out": len(held),
            "failed": _failed(story),
            "terms": recipe.photo_terms or story.photos.terms,
        },
        "agreement": _agreement(agreement.keys, before, after, default, recipe.seed),
        "drift": _drift(lines),
        "training": {
            "steps": story.outcome.step,
            "best_step": story.outcome.best_step,
            "stopped": "steps" if story.outcome.step == recipe.loop.steps else "patience",
            "seconds": sum(line["speed"]["seconds"] for line in lines if "speed" in line),
            "losses": [
                {
                    "name": loss.name,
                    "weight": loss.weight,
                    "on": ", ".join(loss.features) or "depth",
                }
                for loss in recipe.losses
            ],
            "labels": "online" if story.labeled is None else "cached",
        },
        "pictures": write_pictures(folder, held, after, card.kind, (initial, student)),
    }
    write_json(folder / DOCUMENT, document)
    return document


def _default_rows(story: Story, agreement: Agreement) -> Rows | None:
    """Agreement of the everyday model; None where the student began from it, or there is none."""
    if DEFAULT not in embedded_models() or story.start == embedded_folder(DEFAULT):
        return None
    kind = story.teacher.card.kind
    if not kind.affine:
        return None  # the everyday model knows no scale
    preset, model = load_model(embedded_folder(DEFAULT))
    turn(model, preset.kind, kind)
    model.to(story.device)
    agreement(model)
    return agreement.rows


def _agreement(
    keys: list[str], before: Rows, after: Rows, default: Rows | None, seed: int
) -> dict[str, Any]:
    named = {"before": before, "after": after, "default": default}
    rows = [
        {"key": key}
        | {
            name: None if values is None else dict(zip(MEASURES, values[i].tolist(), strict=True))
            for name, values in named.items()
        }
        for i, key in enumerate(keys)
    ]
    return {
        **{n: None if values is None else interval(values, seed) for n, values in named.items()},
        "gain": interval(after - before, seed),
        "gain_over_default": None if default is None else interval(after - default, seed),
        "photos": rows,
    }


def _drift(lines: list[dict[str, Any]]) -> dict[str, Any]:
    seen = [(line["step"], line["validation"]) for line in lines if "validation" in line]
    start = seen[0][1] if seen else {}
    alarms = [{"step": step, "text": drift_alarm(figures, start)} for step, figures in seen]
    return {
        "steps": [step for step, _ in seen],
        "mean": [figures["mean"] for _, figures in seen],
        "spread": [figures["spread"] for _, figures in seen],
        "alarms": [alarm for alarm in alarms if alarm["text"]],
    }


def _failed(story: Story) -> list[dict[str, str]]:
    """Photos that could not be read, or for which the teacher gave no map."""
    if story.labeled is not None:
        return story.labeled.failed
    unread = {skipped.key: skipped.reason for skipped in story.photos.skipped}
    found = {**story.refused, **unread}
    return [{"photo": key, "error": found[key]} for key in sorted(found)]


def _milliseconds(
    story: Story, held: Sequence[HeldOut], network: Callable[[Any], Any], *, teacher: bool
) -> float:
    """Median time of one photo through a network in torch, at its own size."""
    times = []
    for photo in held[: TIMED + 1]:
        pixels = photo.pixels
        if teacher:
            shown = photo.rgb.transpose(1, 2, 0)
            pixels = story.teacher.prepare(shown, story.recipe.teacher_size)
        batch = torch.from_numpy(pixels)[None].to(story.device)
        start = time.perf_counter()
        with torch.no_grad():
            network(batch)[0, 0, 0, 0].item()  # waits for the device
        times.append((time.perf_counter() - start) * 1e3)
    return median(times[1:] or times)  # the first call warms up
