"""Labels beside the photos: one pass for both, each part to its own losses."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from featherdepth.distill.labelled import LabelledData, MixedBatch, MixedObjective
from featherdepth.distill.objective import Distiller
from featherdepth.distill.recipe import PlacedLoss
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.distill.views import DistillBatch
from featherdepth.errors import InputError, UsageError
from featherdepth.networks.folder import read_preset
from featherdepth.networks.weights import load_model
from featherdepth.training.journal import read_journal
from featherdepth.training.recipe import LossTable
from featherdepth.training.supervised import SupervisedObjective, build_losses
from featherdepth.training.views import Batch
from featherdepth.types import DepthKind

KIND = DepthKind.AFFINE_INVARIANT


@pytest.fixture(scope="session")
def labelled_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pairs of 64x96 with floors, in millimetres."""
    root = tmp_path_factory.mktemp("pairs")
    random = np.random.default_rng(0)
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "split", "rgb", "depth", "depth_scale", "depth_offset"])
        for i in range(4):
            photo = random.integers(0, 255, (64, 96, 3), dtype=np.uint8)
            ramp = np.linspace(4000 + 500 * i, 1000, 64)[:, None] + random.normal(0, 50, (64, 96))
            Image.fromarray(photo).save(root / f"{i}.jpg")
            Image.fromarray(ramp.astype(np.uint16)).save(root / f"{i}.png")
            table.writerow([i, "train", f"{i}.jpg", f"{i}.png", 0.001, 0])
    return root


class Recorder(nn.Module):
    """A model that gives the mean of its input times a weight, and notes what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.shown: list[tuple[int, ...]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.shown.append(tuple(images.shape))
        return self.weight * images.mean(dim=1, keepdim=True)

    def features(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        depth = self(images)
        return depth, {"enc8": nn.functional.avg_pool2d(images * self.weight, 8)}


def batches(photos: int = 2, labelled: int = 3) -> MixedBatch:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    def cameras(count: int) -> np.ndarray:
        return np.tile([30.0, 30.0, 15.5, 15.5], (count, 1))

    return MixedBatch(
        photos=DistillBatch(
            step=0,
            images=random(photos, 3, 32, 32),
            clean=None,
            maps=random(photos, 1, 32, 32),
            shown=torch.ones(photos, 1, 32, 32, dtype=torch.bool),
            intrinsics=cameras(photos),
            keys=(),
            seeds=np.arange(photos),
        ),
        labelled=Batch(
            images=random(labelled, 3, 32, 32),
            depth=1 + random(labelled, 1, 32, 32),
            valid=torch.ones(labelled, 1, 32, 32, dtype=torch.bool),
            ranking_only=torch.zeros(labelled, dtype=torch.bool),
            intrinsics=cameras(labelled),
            seeds=np.arange(labelled),
        ),
    )


def parts() -> tuple[Distiller, SupervisedObjective]:
    distiller = Distiller(
        [PlacedLoss(name="mse", loss={})], teacher=None, kind=KIND, student=Recorder()
    )
    losses = (LossTable(name="ilnr", loss={}), LossTable(name="gradient", loss={}, weight=0.5))
    return distiller, SupervisedObjective(build_losses(losses))


def test_both_parts_go_through_the_student_in_one_pass() -> None:
    model = Recorder()

    losses = MixedObjective(*parts())(model, batches())

    assert model.shown == [(5, 3, 32, 32)]
    assert {"mse", "labelled_ilnr", "labelled_gradient"} <= set(losses)
    assert losses["mse"].shape == (2,)
    assert losses["labelled_ilnr"].shape == (3,)


def test_each_loss_is_what_it_would_be_alone() -> None:
    distiller, supervised = parts()
    model, batch = Recorder(), batches()

    mixed = MixedObjective(distiller, supervised)(model, batch)

    alone = {**distiller(model, batch.photos)}
    alone |= {f"labelled_{k}": v for k, v in supervised(model, batch.labelled).items()}
    assert set(mixed) == set(alone)
    for name in ("mse", "labelled_ilnr", "labelled_gradient"):
        torch.testing.assert_close(mixed[name], alone[name])


def test_labels_do_not_touch_the_losses_on_photos() -> None:
    distiller, supervised = parts()
    batch = batches()
    other = MixedBatch(photos=batch.photos, labelled=batches(labelled=1).labelled)

    first, second = (
        MixedObjective(distiller, supervised)(Recorder(), b)["mse"] for b in (batch, other)
    )

    torch.testing.assert_close(first, second)


def test_a_run_with_labels_says_so_and_trains_on_both(
    distilling: ModuleType,
    photo_folder: Path,
    teacher_folder: Path,
    labelled_set: Path,
    tmp_path: Path,
) -> None:
    distilling.distill(
        photo_folder,
        teacher_folder,
        tmp_path / "run",
        options={"cache": tmp_path / "cache"},
        labelled=distilling.beside(labelled_set),
    )

    preset, _ = load_model(tmp_path / "run")
    lines = [row for row in read_journal(tmp_path / "run" / "journal.jsonl") if "losses" in row]
    uses = [row["use"] for row in preset.materials]
    card = (tmp_path / "run" / "README.md").read_text()
    assert uses[-2:] == ["distillation, 14 unlabeled photos", "training, 4 frames"]
    assert "with labels by distillation" in card
    assert all(row["losses"]["labelled_ilnr"] > 0 for row in lines)
    assert all(row["losses"]["channel_kl"] >= 0 for row in lines)


def test_a_run_that_was_killed_ends_in_the_same_weights(
    distilling: ModuleType,
    photo_folder: Path,
    teacher_folder: Path,
    labelled_set: Path,
    tmp_path: Path,
) -> None:
    command = [sys.executable, distilling.__file__, "kill", photo_folder, teacher_folder, tmp_path]

    done = subprocess.run(
        [*map(str, command), str(labelled_set), "batch:5"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    weights = [tmp_path / root / "run" / "model.safetensors" for root in ("whole", "killed")]
    assert json.loads(done.stdout.splitlines()[-1]) == [0, -9, 0]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_losses_on_features_see_photos_only(
    distilling: ModuleType,
    photo_folder: Path,
    teacher_folder: Path,
    labelled_set: Path,
    tmp_path: Path,
) -> None:
    distilling.distill(
        photo_folder,
        teacher_folder,
        tmp_path / "run",
        losses=[{"name": "mse"}, {"name": "mse", "features": ["enc8"]}],
        labelled=distilling.beside(labelled_set),
    )

    row = next(r for r in read_journal(tmp_path / "run" / "journal.jsonl") if "losses" in r)
    assert {"mse", "mse(enc8)", "labelled_ilnr", "labelled_gradient"} <= set(row["losses"])
    assert read_preset(tmp_path / "run").kind is KIND


def test_a_disparity_teacher_is_refused_beside_labels(
    distilling: ModuleType, labelled_set: Path
) -> None:
    recipe = distilling.recipe(labelled=distilling.beside(labelled_set))

    with pytest.raises(UsageError, match="labels teach affine_invariant depth but the teacher's"):
        LabelledData.load(
            recipe,
            DepthKind.AFFINE_INVARIANT_DISPARITY,
            device=torch.device("cpu"),
            threads=1,
        )


def test_without_the_table_there_is_nothing(distilling: ModuleType) -> None:
    assert (
        LabelledData.load(distilling.recipe(), KIND, device=torch.device("cpu"), threads=1) is None
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"batch": 0}, "batch must be at least 1"),
        ({"losses": []}, r"needs at least one \[\[data\]\]"),
        ({"data": {}}, r"labelled\.data: expected \[\[data\]\] tables"),
        ({"losses": [{"name": "ilnr"}, {"name": "ilnr"}]}, "a loss stands twice"),
        ({"losses": [{"name": "inlr"}]}, "unknown loss 'inlr'"),
        ({"data": [{"name": "manifest", "rot": "x"}]}, "rot: unknown key"),
        ({"weight": 2}, "weight: unknown key"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(
    distilling: ModuleType, labelled_set: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        distilling.recipe(labelled=distilling.beside(labelled_set, **changes))


def test_labels_that_are_not_there_end_before_a_photo_is_opened(
    distilling: ModuleType, photo_folder: Path, own_teacher: Teacher, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"nowhere"):
        distilling.distill(
            photo_folder,
            own_teacher,
            tmp_path / "run",
            labelled=distilling.beside(tmp_path / "nowhere"),
        )
    assert not (tmp_path / "run").exists()
