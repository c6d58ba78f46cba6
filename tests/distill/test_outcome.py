"""distillation.json tells what the finished student is, in figures that can be recomputed."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from featherdepth.data.probe import open_data
from featherdepth.distill.agreement import MEASURES, Agreement, infer
from featherdepth.distill.held_out import hold_out
from featherdepth.distill.outcome import DOCUMENT, _drift
from featherdepth.distill.pictures import _jpeg, _painted
from featherdepth.distill.run import raw_target
from featherdepth.distill.split import split_photos
from featherdepth.distill.student import start_student
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.images.prepare import prepare
from featherdepth.networks.folder import WEIGHTS
from featherdepth.networks.weights import load_model
from featherdepth.training.journal import read_journal


@pytest.fixture(scope="module")
def run(
    distilling: ModuleType,
    photo_folder: Path,
    teacher_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """An online run of four steps on 14 photos, 6 of them held out."""
    folder = tmp_path_factory.mktemp("outcome") / "run"
    loop = {"watch": "", "lr": 0.02}  # the newest weights stay, and are far from the start
    distilling.distill(photo_folder, teacher_folder, folder, steps=4, holdout=0.3, loop=loop)
    return folder


@pytest.fixture(scope="module")
def document(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / DOCUMENT).read_text())
    return found


def test_before_and_after_are_those_of_the_start_and_of_the_saved_weights(
    run: Path,
    document: dict[str, Any],
    distilling: ModuleType,
    photo_folder: Path,
    own_teacher: Teacher,
) -> None:
    recipe = distilling.recipe(steps=4, holdout=0.3)
    photos, kind = open_data(photo_folder), own_teacher.card.kind
    split = split_photos(photos, 0.3, 0)
    held = hold_out(
        photos,
        split.held_out,
        own_teacher,
        recipe,
        labels=None,
        device=torch.device("cpu"),
        progress=None,
    )
    agreement = Agreement(held.photos, kind, target=raw_target(recipe, kind))

    for name, model in (
        ("before", start_student(recipe, kind).eval()),
        ("after", load_model(run)[1]),
    ):
        means = agreement(model)
        for measure in MEASURES:
            told = document["agreement"][name][measure]
            assert told["value"] == pytest.approx(means[measure], rel=1e-6)
            assert told["low"] <= told["value"] <= told["high"]
        for row, (rms, delta1) in zip(document["agreement"]["photos"], agreement.rows, strict=True):
            assert row[name] == pytest.approx({"rms": rms, "delta1": delta1}, rel=1e-6)
    assert [row["key"] for row in document["agreement"]["photos"]] == agreement.keys


def test_gain_is_after_minus_before_photo_by_photo(document: dict[str, Any]) -> None:
    agreement = document["agreement"]

    for name, other in (("gain", "before"), ("gain_over_default", "default")):
        for measure in MEASURES:
            gains = [p["after"][measure] - p[other][measure] for p in agreement["photos"]]
            assert agreement[name][measure]["value"] == pytest.approx(np.mean(gains))
            assert min(gains) <= agreement[name][measure]["low"]
            assert agreement[name][measure]["high"] <= max(gains)


def test_teacher_student_and_training_are_described(
    run: Path, document: dict[str, Any], own_teacher: Teacher
) -> None:
    teacher, student, training = (document[k] for k in ("teacher", "student", "training"))

    assert teacher["name"] == own_teacher.card.name == "random-fast"
    assert teacher["commercial"] is True and teacher["license"] == "Apache-2.0"
    assert teacher["params"] == student["params"] == 1_454_825
    assert teacher["materials"] == list(own_teacher.card.materials)
    assert teacher["input"] == [64, 64] == student["input"]
    assert teacher["ms"] > 0 and student["ms"] > 0
    assert student["bytes"] == (run / WEIGHTS).stat().st_size
    assert student["macs"] > 1e8 and student["network"] == "fast"
    assert document["initial"] == {"name": "random weights"}
    assert document["default"] == {"name": "small"}
    assert document["photos"] == {
        "name": "holiday",
        "count": 14,
        "held_out": 6,
        "failed": [],
        "terms": "not stated",
    }
    assert training["labels"] == "online" and training["stopped"] == "steps"
    assert training["steps"] == training["best_step"] == 4
    assert training["losses"] == [
        {"name": "channel_kl", "weight": 1.0, "on": "depth"},
        {"name": "geometric", "weight": 1.0, "on": "depth"},
        {"name": "anchor", "weight": 0.01, "on": "depth"},
    ]
    lines = read_journal(run / "journal.jsonl")
    seconds = sum(line["speed"]["seconds"] for line in lines if "speed" in line)
    assert training["seconds"] == pytest.approx(seconds) and seconds > 0


def test_drift_follows_the_validations(run: Path, document: dict[str, Any]) -> None:
    lines = read_journal(run / "journal.jsonl")
    seen = [line for line in lines if "validation" in line]

    assert document["drift"]["steps"] == [line["step"] for line in seen] == [2, 4]
    assert document["drift"]["spread"] == [line["validation"]["spread"] for line in seen]
    assert document["drift"]["mean"] == [line["validation"]["mean"] for line in seen]


def test_drift_alarms_are_told_with_their_step() -> None:
    lines = [
        {"step": 1, "losses": {}},
        {"step": 2, "validation": {"mean": 0.1, "spread": 1.2}},
        {"step": 4, "validation": {"mean": 0.1, "spread": 40.0}},
    ]

    drift = _drift(lines)

    assert drift["steps"] == [2, 4] and drift["spread"] == [1.2, 40.0]
    assert [alarm["step"] for alarm in drift["alarms"]] == [4]
    assert "40.00 times as large" in drift["alarms"][0]["text"]
    begun = {"step": 0, "validation": {"mean": 0.0, "spread": 0.02}}
    assert _drift([begun, *lines])["alarms"] == []  # it began farther out


def test_pictures_are_there(run: Path, document: dict[str, Any]) -> None:
    held = {row["key"] for row in document["agreement"]["photos"]}

    assert {row["key"] for row in document["pictures"]} == held
    for row in document["pictures"]:
        for part in ("photo", "before", "after", "teacher"):
            assert (run / row[part]).is_file()


def test_before_is_painted_by_the_start_and_after_by_the_saved_weights(
    run: Path,
    document: dict[str, Any],
    distilling: ModuleType,
    photo_folder: Path,
    own_teacher: Teacher,
) -> None:
    recipe, kind = distilling.recipe(), own_teacher.card.kind
    row = document["pictures"][0]
    photos = open_data(photo_folder)
    pixels = prepare(photos[photos.keys.index(row["key"])].image, size=64)

    for part, student in (
        ("before", start_student(recipe, kind).eval()),
        ("after", load_model(run)[1]),
    ):
        painted = _jpeg(_painted(infer(student, pixels, row["key"]), kind))
        assert (run / row[part]).read_bytes() == painted
    assert (run / row["before"]).read_bytes() != (run / row["after"]).read_bytes()


def test_the_default_model_is_not_compared_with_itself(
    distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    distilling.distill(
        photo_folder, teacher_folder, tmp_path / "run", student="small", init="default", steps=1
    )

    found = json.loads((tmp_path / "run" / DOCUMENT).read_text())
    assert found["default"] is None and found["agreement"]["gain_over_default"] is None
    assert found["initial"] == {"name": "small"}


def test_the_document_is_strict_json(run: Path) -> None:
    text = (run / DOCUMENT).read_text()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(text, parse_constant=refuse)
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
