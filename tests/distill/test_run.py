"""A run from end to end: a model folder with the best weights, the same after any kill."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import PIL.Image
import pytest
import torch

from featherdepth.data.probe import open_data
from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.data.teacher_maps import MapCache
from featherdepth.distill.run import describe
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.networks.folder import WEIGHTS, read_preset
from featherdepth.networks.weights import load_model
from featherdepth.training.checkpoint import Checkpoints
from featherdepth.training.journal import read_journal
from featherdepth.types import DepthKind

DISPARITY = DepthKind.AFFINE_INVARIANT_DISPARITY


class Refusing:
    """A teacher that must not be asked."""

    def __init__(self, teacher: Teacher, **card: Any) -> None:
        self.card = teacher.card
        self.input_size, self.prepare = teacher.input_size, teacher.prepare

    def __call__(self, images: Any) -> NoReturn:
        raise AssertionError("the teacher was asked")

    features = __call__

    def to(self, device: Any) -> None:
        pass


def document_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "distillation.json").read_text())
    return found


# A cached and an online run, looked at by many tests


@pytest.fixture(scope="module")
def cached(
    distilling: ModuleType,
    photo_folder: Path,
    teacher_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    root = tmp_path_factory.mktemp("cached")
    distilling.distill(
        photo_folder, teacher_folder, root / "run", options={"cache": root / "cache"}
    )
    return root / "run"


def test_the_run_folder_is_a_model_folder_of_the_teachers_kind(
    cached: Path, teacher_folder: Path
) -> None:
    preset, model = load_model(cached)

    assert preset.network == "fast" and preset.name == "run" and preset.size == 64
    assert preset.kind is read_preset(teacher_folder).kind
    assert preset.license == "Apache-2.0"
    assert [row["name"] for row in preset.materials] == ["random-fast", "holiday"]
    assert preset.materials[-1]["use"] == "distillation, 14 unlabeled photos"
    with torch.no_grad():
        assert model(torch.rand(1, 3, 64, 64)).isfinite().all()
    card = (cached / "README.md").read_text()
    best = document_of(cached)["training"]["best_step"]
    assert f"trained {best} steps without labels by distillation from `random-fast`" in card
    assert "on 14 photos" in card
    assert "held-out photos (not accuracy): delta1" in card or "rms" in card


def test_run_json_says_what_must_be_the_same_to_go_on(cached: Path, own_teacher: Teacher) -> None:
    said = json.loads((cached / "run.json").read_text())

    assert said["teacher"] == {
        "digest": own_teacher.card.digest,
        "kind": "affine_invariant",
        "name": "random-fast",
    }
    assert said["labels"] == "cached" and said["photos"] == 14 and said["held_out"] == 2
    assert said["recipe"]["losses"][1]["loss"] == {"points": 64, "trunk": "random"}
    assert len(said["photos_sha256"]) == 64 and said["sha256"] == read_preset(cached).sha256


def test_the_cache_holds_a_map_of_every_photo_once(cached: Path, own_teacher: Teacher) -> None:
    cache = MapCache.open(cached.parent / "cache", own_teacher.card)

    assert cache.usage().maps == 14


def test_the_journal_tells_losses_pulls_drift_and_agreement(cached: Path) -> None:
    lines = read_journal(cached / "journal.jsonl")

    steps = [line for line in lines if "losses" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    names = {"channel_kl", "geometric_points", "geometric_features", "anchor"}
    assert all(set(line["losses"]) == names for line in steps)
    pulled = [line["step"] for line in steps if "pull_channel_kl" in line["watched"]]
    assert pulled == [1, 3, 5]
    assert all({"mean", "spread"} <= set(line["watched"]) for line in steps)
    assert [line["step"] for line in lines if "validation" in line] == [0, 2, 4, 6]


def test_the_same_run_twice_in_one_process_ends_in_the_same_weights(
    cached: Path,
    distilling: ModuleType,
    photo_folder: Path,
    teacher_folder: Path,
    tmp_path: Path,
) -> None:
    torch.rand(5)  # whatever was drawn in between

    distilling.distill(
        photo_folder, teacher_folder, tmp_path / "run", options={"cache": tmp_path / "cache"}
    )

    assert (tmp_path / "run" / WEIGHTS).read_bytes() == (cached / WEIGHTS).read_bytes()
    assert document_of(tmp_path / "run")["agreement"] == document_of(cached)["agreement"]


def test_layers_of_the_distiller_begin_by_the_seed_of_the_run(
    distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        torch.rand(5)
        changes = distilling.ONLINE | {"steps": 1}
        distilling.distill(photo_folder, teacher_folder, tmp_path / name / "run", **changes)

    first, second = (
        torch.load(next((tmp_path / name / "run" / "checkpoints").glob("step-*.pt")))["trainer"]
        for name in ("first", "second")
    )
    ours, theirs = (state["modules"][1]["projections.enc8.weight"] for state in (first, second))
    assert torch.equal(ours, theirs)
    other = distilling.ONLINE | {"steps": 1, "seed": 1}
    distilling.distill(photo_folder, teacher_folder, tmp_path / "third" / "run", **other)
    (path,) = (tmp_path / "third" / "run" / "checkpoints").glob("step-*.pt")
    third = torch.load(path)["trainer"]["modules"][1]["projections.enc8.weight"]
    assert (third - ours).abs().mean() > 0.05  # a step moves them by a hundredth of that


def test_a_finished_run_resumed_is_written_again_and_not_trained(
    cached: Path, distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(cached, tmp_path / "run")
    before = (cached / WEIGHTS).read_bytes()

    done = distilling.distill(
        photo_folder,
        teacher_folder,
        tmp_path / "run",
        options={"cache": cached.parent / "cache", "resume": True},
    )

    assert done.labels.done == 0 and done.labels.skipped == 14
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == before
    assert document_of(tmp_path / "run")["agreement"] == document_of(cached)["agreement"]


# What is refused before anything long


def test_a_folder_with_a_run_is_refused_before_the_teacher_is_asked(
    cached: Path, distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in cached.iterdir()}

    for options in ({}, {"cache": tmp_path / "cache"}):
        with pytest.raises(RunError, match=r"run: holds a run already; resume it or take another"):
            distilling.distill(photo_folder, Refusing(own_teacher), cached, options=options)

    assert {p.name: p.stat().st_mtime_ns for p in cached.iterdir()} == before
    assert not (tmp_path / "cache").exists()


def test_another_teacher_recipe_or_collection_is_refused_before_the_teacher_is_asked(
    cached: Path,
    distilling: ModuleType,
    photo_folder: Path,
    own_teacher: Teacher,
    make_model: Callable[..., Path],
    tmp_path: Path,
) -> None:
    fewer = tmp_path / "holiday"
    shutil.copytree(photo_folder, fewer)
    (fewer / "first" / "00.png").unlink()
    other = open_teacher(make_model("small", graph=False, size=64, multiple=32))
    options = {"cache": tmp_path / "cache", "resume": True}

    def refused(photos: Path, teacher: Teacher, **changes: Any) -> str:
        chosen = changes.pop("options", options)
        with pytest.raises(RunError) as error:
            distilling.distill(photos, Refusing(teacher), cached, options=chosen, **changes)
        assert "\n" not in str(error.value)
        return str(error.value).partition("cannot resume with another recipe: ")[2]

    assert refused(photo_folder, other).startswith("recipe.teacher.digest was '")
    assert refused(fewer, own_teacher).startswith("recipe.photos_sha256 was '")
    assert refused(photo_folder, own_teacher, batch=3) == "recipe.recipe.batch was 2, now 3"
    assert refused(photo_folder, own_teacher, options={"resume": True}) == (
        "recipe.labels was 'cached', now 'online'"
    )
    assert refused(photo_folder, own_teacher, loop={"lr": 0.1}).startswith("recipe.recipe.loop.lr")
    assert not (tmp_path / "cache").exists()


def test_other_contents_under_the_same_names_are_refused(
    cached: Path, distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    other = tmp_path / "holiday"
    shutil.copytree(photo_folder, other)
    shutil.copy(other / "first" / "02.png", other / "first" / "00.png")
    options = {"cache": tmp_path / "cache", "resume": True}

    with pytest.raises(RunError, match=r"another recipe: recipe\.photos_sha256 was '"):
        distilling.distill(other, Refusing(own_teacher), cached, options=options)


def test_a_run_of_a_version_that_knew_photos_by_name_is_refused_in_one_line(
    cached: Path, distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    shutil.copytree(cached, tmp_path / "run")
    checkpoints = Checkpoints(tmp_path / "run" / "checkpoints", keep=2)
    state = checkpoints.newest()
    assert state is not None
    identity = json.loads(state["identity"])
    del identity["recipe"]["identity_format"]
    checkpoints.write(7, state | {"identity": json.dumps(identity)})
    options = {"cache": cached.parent / "cache", "resume": True}

    with pytest.raises(RunError) as error:
        distilling.distill(photo_folder, Refusing(own_teacher), tmp_path / "run", options=options)

    said = str(error.value)
    assert "cannot resume a run of another version of featherdepth" in said and "\n" not in said


@pytest.mark.parametrize("labels", ["cached", "online"])
def test_a_model_of_somebody_else_is_not_resumed_over(
    cached: Path,
    distilling: ModuleType,
    photo_folder: Path,
    own_teacher: Teacher,
    teacher_folder: Path,
    tmp_path: Path,
    labels: str,
) -> None:
    options: dict[str, Any] = {"resume": True}
    options |= {"cache": tmp_path / "cache"} if labels == "cached" else {}
    foreign, other = tmp_path / "foreign", tmp_path / "other"
    shutil.copytree(teacher_folder, foreign)
    shutil.copytree(cached, other)
    shutil.rmtree(other / "checkpoints")
    before = {p: p.read_bytes() for f in (foreign, other) for p in f.rglob("*") if p.is_file()}

    with pytest.raises(RunError, match=r"foreign: holds a model already; take another folder$"):
        distilling.distill(photo_folder, Refusing(own_teacher), foreign, options=options)
    with pytest.raises(RunError, match=r"other: holds a model already: cannot resume with ano"):
        distilling.distill(photo_folder, Refusing(own_teacher), other, options=options, batch=3)

    assert {p: p.read_bytes() for f in (foreign, other) for p in f.rglob("*") if p.is_file()} == (
        before
    )
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_the_teacher_is_asked(
    distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(RunError, match=r"run: cannot write: Not a directory"):
        distilling.distill(
            photo_folder,
            Refusing(own_teacher),
            tmp_path / "file" / "run",
            options={"cache": tmp_path / "cache"},
        )

    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_cache_of_another_teacher_is_refused(
    cached: Path,
    distilling: ModuleType,
    photo_folder: Path,
    make_model: Callable[..., Path],
    tmp_path: Path,
) -> None:
    other = Refusing(open_teacher(make_model("small", graph=False, size=64, multiple=32)))

    with pytest.raises(RunError, match=r"maps of teacher 'random-fast' .* choose another folder"):
        distilling.distill(
            photo_folder, other, tmp_path / "run", options={"cache": cached.parent / "cache"}
        )

    assert not (tmp_path / "run").exists()


def test_features_and_a_cache_do_not_go_together(
    distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    losses = [{"name": "pairwise", "features": ["enc8"]}]

    with pytest.raises(UsageError, match="need the teacher itself; leave out the cache"):
        distilling.distill(
            photo_folder,
            Refusing(own_teacher),
            tmp_path / "run",
            options={"cache": tmp_path / "cache"},
            losses=losses,
        )

    assert list(tmp_path.iterdir()) == []


def test_too_few_photos_leave_nothing_behind(
    distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    one = tmp_path / "one"
    one.mkdir()
    shutil.copy(photo_folder / "first" / "00.png", one)

    with pytest.raises(InputError, match=r"^one: 1 photo; distillation needs 10"):
        distilling.distill(
            one, Refusing(own_teacher), tmp_path / "run", options={"cache": tmp_path / "cache"}
        )

    assert [p.name for p in tmp_path.iterdir()] == ["one"]


# Kinds, best weights, what is left out


def test_a_student_of_a_disparity_teacher_says_disparity(
    distilling: ModuleType, photo_folder: Path, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    teacher = make_model("fast", graph=False, size=64, multiple=32, kind=DISPARITY)

    distilling.distill(photo_folder, teacher, tmp_path / "run", steps=1)

    assert read_preset(tmp_path / "run").kind is DISPARITY
    assert "larger is nearer" in (tmp_path / "run" / "README.md").read_text()
    document = document_of(tmp_path / "run")
    assert document["student"]["kind"] == document["teacher"]["kind"] == DISPARITY.value
    # The default model knows depth: turned, it can still be compared.
    assert document["default"] is not None


def test_a_metric_teacher_is_learned_in_meters(
    distilling: ModuleType, photo_folder: Path, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    teacher = make_model("fast", graph=False, size=64, multiple=32, kind=DepthKind.METRIC)

    distilling.distill(photo_folder, teacher, tmp_path / "run", steps=1)

    document = document_of(tmp_path / "run")
    assert read_preset(tmp_path / "run").kind is DepthKind.METRIC
    assert document["default"] is None and document["agreement"]["gain_over_default"] is None
    assert len(document["pictures"]) == 2


def test_weights_that_training_only_makes_worse_stay_and_patience_ends_the_run(
    distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    # The student begins as its own teacher.
    done = distilling.distill(
        photo_folder,
        teacher_folder,
        tmp_path / "run",
        init=str(teacher_folder),
        loop={"patience": 1, "ema": 0.0},
    )

    ours, theirs = (
        load_model(folder)[1].state_dict() for folder in (tmp_path / "run", teacher_folder)
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (done.outcome.step, done.outcome.best_step) == (2, 0)
    training = document_of(tmp_path / "run")["training"]
    assert (training["steps"], training["best_step"], training["stopped"]) == (2, 0, "patience")
    agreement = document_of(tmp_path / "run")["agreement"]
    assert agreement["before"]["rms"]["value"] == pytest.approx(0, abs=1e-5)
    assert agreement["gain"]["rms"]["value"] == 0


class Sick:
    """A teacher that gives NaN for photos of one shape, or for all."""

    def __init__(self, teacher: Teacher, everywhere: bool = False) -> None:
        self.teacher, self.everywhere = teacher, everywhere
        self.card, self.input_size = teacher.card, teacher.input_size
        self.features = teacher.features
        self.tall = False

    def prepare(self, pixels: np.ndarray, size: Any = None) -> np.ndarray:
        found = self.teacher.prepare(pixels, size)
        return np.zeros_like(found) if pixels.shape[0] > pixels.shape[1] else found

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.teacher(images).clone()
        maps[(images == 0).flatten(1).all(dim=1)] = torch.nan
        return maps * torch.nan if self.everywhere else maps

    def to(self, device: Any) -> None:
        pass


def test_photos_that_the_teacher_cannot_label_are_told_and_left_out(
    distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    done = distilling.distill(
        photo_folder,
        Sick(own_teacher),
        tmp_path / "run",
        options={"cache": tmp_path / "cache"},
        steps=1,
        holdout=0.4,
    )

    failed = document_of(tmp_path / "run")["photos"]["failed"]
    tall = [f"{('first', 'second')[i % 2]}/{i:02d}.png" for i in range(0, 14, 3)]
    assert sorted(row["photo"] for row in failed) == sorted(tall)
    assert all("gave NaN or infinity in 100 % of the map" in row["error"] for row in failed)
    kept = [row["key"] for row in done.document["agreement"]["photos"]]
    assert kept and not set(kept) & set(tall)
    assert done.document["photos"]["held_out"] == len(kept)


def test_without_a_cache_too_photos_that_the_teacher_does_not_know_are_told(
    distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(photo_folder, mixed)
    black = [f"black-{i}.png" for i in range(8)]
    for name in black:
        PIL.Image.new("RGB", (96, 64)).save(mixed / name)

    # All photos are seen: a step of theirs is as many views as there are.
    done = distilling.distill(
        mixed, Sick(own_teacher), tmp_path / "run", steps=3, batch=16, holdout=0.4
    )

    failed = {row["photo"]: row["error"] for row in done.document["photos"]["failed"]}
    assert set(black) <= failed.keys()
    held = {key for key in black if "% of the map" in failed[key]}
    trained = {key for key in black if "gave NaN or infinity in 100 % of a view" in failed[key]}
    assert held and trained and held | trained == set(black)
    assert not {row["key"] for row in done.document["agreement"]["photos"]} & set(black)


def test_a_name_with_braces_and_one_that_is_not_utf_8_go_through(
    distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "ph{1}"
    shutil.copytree(photo_folder, folder)
    try:
        (folder / "first" / "00.png").rename(folder / "first" / os.fsdecode(b"caf\xe9.png"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (folder / os.fsdecode(b"torn-\xe9.jpg")).write_bytes(b"\xff\xd8\xff" + bytes(40))

    for name, cache in (("online", None), ("cached", tmp_path / "cache")):
        done = distilling.distill(
            folder, teacher_folder, tmp_path / name, options={"cache": cache}, steps=1
        )
        assert [row["photo"] for row in done.document["photos"]["failed"]] == ["torn-\udce9.jpg"]
    card = (tmp_path / "online" / "README.md").read_text()
    assert "trained 1 steps without labels by" in card and "(ph{1})" in card


@pytest.mark.parametrize("labels", ["cached", "online"])
def test_a_teacher_that_gives_only_nan_is_one_line_and_leaves_no_run(
    distilling: ModuleType,
    photo_folder: Path,
    own_teacher: Teacher,
    tmp_path: Path,
    labels: str,
) -> None:
    options = {"cache": tmp_path / "cache"} if labels == "cached" else {}

    with pytest.raises(RunError, match=r"random-fast.* NaN or infinity in .*expected finite") as e:
        distilling.distill(
            photo_folder, Sick(own_teacher, everywhere=True), tmp_path / "run", options=options
        )

    assert "\n" not in str(e.value)
    assert not (tmp_path / "run").exists()


def test_broken_photos_are_left_out_and_told(
    distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(photo_folder, mixed)
    (mixed / "torn.jpg").write_bytes(b"\xff\xd8\xff" + bytes(40))
    (mixed / "empty.png").touch()

    for name, cache in (("online", None), ("cached", tmp_path / "cache")):
        done = distilling.distill(
            mixed, teacher_folder, tmp_path / name, options={"cache": cache}, steps=1
        )
        failed = [row["photo"] for row in done.document["photos"]["failed"]]
        assert sorted(failed) == ["empty.png", "torn.jpg"]


# Terms


CARD = TeacherCard(
    name="t",
    kind=DepthKind.AFFINE_INVARIANT,
    digest="d" * 64,
    license="MIT",
    materials=({"name": "t", "class": "A", "terms": "MIT", "use": "teacher"},),
)
CLOSED = TeacherCard(
    name="t",
    kind=DepthKind.AFFINE_INVARIANT,
    digest="d" * 64,
    license="CC-BY-NC-4.0",
    materials=({"name": "t", "class": "C", "terms": "CC-BY-NC-4.0", "use": "teacher"},),
)


def test_the_license_is_the_recipes_where_teacher_and_start_allow_it(
    distilling: ModuleType, photo_folder: Path, make_model: Callable[..., Path]
) -> None:
    photos = open_data(photo_folder)
    row = {"name": "kitti", "class": "C", "terms": "CC BY-NC-SA", "use": "training"}
    start = make_model("fast", graph=False, materials=(row,))
    chosen = distilling.recipe(photo_terms="our own (class A)")

    free = describe(chosen, photos, CARD, 2, cached=True)
    closed = describe(chosen, photos, CLOSED, 2, cached=True)
    begun = describe(distilling.recipe(init=str(start)), photos, CARD, 2, cached=True)

    assert free.license == "Apache-2.0"
    assert [(m["name"], m["class"]) for m in free.materials] == [("t", "A"), ("holiday", "A")]
    assert free.materials[-1]["terms"] == "our own (class A)"
    assert closed.license == "terms of its teacher: CC-BY-NC-4.0"
    assert (closed.materials[0]["name"], closed.materials[0]["class"]) == ("t", "C")
    assert begun.license == "terms of what it began from: kitti"
    assert [m["name"] for m in begun.materials] == ["kitti", "t", "holiday"]


def test_imagenet_weights_of_an_encoder_are_named(
    distilling: ModuleType, photo_folder: Path
) -> None:
    chosen = distilling.recipe(init="default", encoder_weights="lite0.pth")

    about = describe(chosen, open_data(photo_folder), CARD, 2, cached=False)

    assert about.materials[0]["name"] == "lite0.pth" and about.materials[0]["class"] == "B"
    assert about.license == "Apache-2.0"


# Kills


def killed(
    distilling: ModuleType, photos: Path, teacher: Path, root: Path, labels: str, *places: str
) -> list[int]:
    words = ["kill", photos, teacher, root, labels, *places]
    done = subprocess.run(
        [sys.executable, distilling.__file__, *map(str, words)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    codes: list[int] = json.loads(done.stdout)
    return codes


def assert_same(whole: Path, other: Path) -> None:
    """All that a run leaves but for what a clock touches; no half-written map or model."""
    for name in (WEIGHTS, "config.json", "README.md"):
        assert (whole / "run" / name).read_bytes() == (other / "run" / name).read_bytes(), name
    journals = [read_journal(f / "run" / "journal.jsonl", speed=False) for f in (whole, other)]
    assert journals[0] == journals[1]
    said = [
        json.loads((f / "run" / "run.json").read_text()) | {"commit": ""} for f in (whole, other)
    ]
    assert said[0] == said[1]
    first, second = (document_of(folder / "run") for folder in (whole, other))
    for part in ("agreement", "drift", "photos", "pictures", "initial", "default"):
        assert first[part] == second[part], part
    for part in ("report", "cache"):
        kept = [
            {
                p.relative_to(f): p.read_bytes()
                for p in sorted((f / place).rglob("*"))
                if p.is_file() and p.name[0] != "."
            }
            for f in (whole, other)
            for place in ([part] if part == "cache" else [f"run/{part}"])
        ]
        assert kept[0] == kept[1]


def test_killed_while_labeling_training_and_telling_a_cached_run_ends_the_same(
    distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    places = ("file:6", "batch:4", "document")

    codes = killed(distilling, photo_folder, teacher_folder, tmp_path, "cached", *places)

    assert codes == [0, -9, -9, -9, 0]
    assert_same(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_killed_between_model_and_checkpoint_an_online_run_ends_the_same(
    distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    places = ("batch:4", "model:5")

    codes = killed(distilling, photo_folder, teacher_folder, tmp_path, "online", *places)

    assert codes == [0, -9, -9, 0]
    assert_same(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("labels", ["cached", "online"])
def test_killed_at_every_place_a_run_ends_the_same(
    distilling: ModuleType, photo_folder: Path, teacher_folder: Path, tmp_path: Path, labels: str
) -> None:
    # Without a cache fewer files are written: a later place would let the run end.
    places = [f"file:{n}" for n in ((1, 2, 9, 15, 17, 20) if labels == "cached" else (1, 2, 5, 9))]
    places += ["batch:1", "model:2", "model:3", "checkpoint", "batch:2", "batch:3", "model:2"]
    places += ["checkpoint", "file:5", "picture:1", "picture:8", "document", "file:3"]

    codes = killed(distilling, photo_folder, teacher_folder, tmp_path, labels, *places)

    assert codes[0] == codes[-1] == 0
    assert codes.count(-9) >= 10 and set(codes) == {0, -9}
    assert_same(tmp_path / "whole", tmp_path / "killed")
