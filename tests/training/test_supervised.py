"""Supervised training: from pictures on a disk to a model folder."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

from featherdepth.cli.train import run
from featherdepth.data.manifest import Manifest
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.losses.ilnr import ImageLevelRegression
from featherdepth.losses.pairwise_normal import PairwiseNormal
from featherdepth.losses.ranking import Ranking
from featherdepth.metrics.protocols import load_protocol
from featherdepth.networks.weights import load_model
from featherdepth.training.recipe import parse_recipe
from featherdepth.training.supervised import (
    SupervisedObjective,
    build_losses,
    open_reader,
    start_model,
    train,
)
from featherdepth.training.validation import DepthValidation
from featherdepth.training.views import Batch
from featherdepth.types import DepthKind

HEADER = "id,split,rgb,depth,depth_scale,depth_offset,fx,fy,cx,cy"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six pairs on disk: a slanted wall, whose brightness falls with depth."""
    root = tmp_path / "data"
    (root / "rgb").mkdir(parents=True)
    (root / "depth").mkdir()
    rows = [HEADER]
    for i in range(6):
        slope = np.linspace(1, 2 + i, 96)
        depth = np.broadcast_to(slope[:: (-1) ** i], (64, 96))
        gray = (255 / depth).astype(np.uint8)
        PIL.Image.fromarray(np.repeat(gray[..., None], 3, 2)).save(root / f"rgb/{i}.png")
        PIL.Image.fromarray((depth * 1000).astype(np.uint16)).save(root / f"depth/{i}.png")
        split = "train" if i < 4 else "val"
        rows.append(f"f{i},{split},rgb/{i}.png,depth/{i}.png,0.001,0,90,90,47.5,31.5")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


def recipe_table(data: Path, **changes: Any) -> dict[str, Any]:
    reader = {"name": "manifest", "root": str(data)}
    base: dict[str, Any] = {
        "network": "fast",
        "steps": 2,
        "size": [64, 64],
        "batch": 4,
        "loop": {"precision": "fp32", "log_every": 1, "tensorboard": False, "warmup": 1},
        "losses": [{"name": "ilnr"}, {"name": "gradient", "weight": 0.5}, {"name": "ranking"}],
        "data": [{**reader, "split": "train"}],
        "validation": {**reader, "split": "val", "size": [64, 64]},
    }
    return base | changes


def test_a_recipe_becomes_a_model_folder_with_its_papers(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"

    outcome = train(parse_recipe(recipe_table(data), "r"), folder, device="cpu")

    preset, model = load_model(folder)
    assert outcome.step == 2
    assert preset.kind is DepthKind.AFFINE_INVARIANT
    assert preset.params == sum(p.numel() for p in model.parameters())
    assert [m["use"] for m in preset.materials] == ["training, 4 frames"]
    assert preset.materials[0]["class"] == "C"  # terms that nobody stated
    about = json.loads((folder / "run.json").read_text())
    assert about["sha256"] == preset.sha256
    assert about["figures"] == outcome.figures
    assert about["recipe"]["loop"]["steps"] == 2
    assert about["frames"] == 4
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    assert set(lines[0]["losses"]) == {"ilnr", "gradient", "ranking"}
    assert set(lines[-1]["validation"]) == {"delta1", "abs_rel", "rmse", "negative_scale"}


def test_a_folder_with_a_model_is_not_trained_over(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    recipe = parse_recipe(recipe_table(data), "r")
    train(recipe, folder, device="cpu")
    before = (folder / "model.safetensors").read_bytes()
    shutil.rmtree(folder / "checkpoints")

    with pytest.raises(RunError, match="holds a model already"):
        train(recipe, folder, device="cpu")

    assert (folder / "model.safetensors").read_bytes() == before
    other = parse_recipe(recipe_table(data, batch=3), "r")
    with pytest.raises(RunError, match=r"holds a model already: .* recipe\.batch was 4, now 3"):
        train(other, folder, device="cpu", resume=True)
    (folder / "checkpoints").mkdir()  # killed while it wrote its first checkpoint
    with pytest.raises(RunError, match="holds a model already"):
        train(recipe, folder, device="cpu")
    assert (folder / "model.safetensors").read_bytes() == before
    train(recipe, folder, device="cpu", resume=True)  # stopped before its first checkpoint


def test_the_card_takes_the_place_of_nobodys_readme(data: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("of a project")

    with pytest.raises(RunError, match=r"holds a README\.md already; take another folder"):
        train(parse_recipe(recipe_table(data), "r"), tmp_path, device="cpu")

    assert (tmp_path / "README.md").read_text() == "of a project"


def test_training_lowers_the_loss(data: Path, tmp_path: Path) -> None:
    table = recipe_table(data, steps=80, losses=[{"name": "ilnr"}])
    table["loop"] |= {"lr": 3e-3, "log_every": 10}

    train(parse_recipe(table, "r"), tmp_path / "run", device="cpu")

    lines = (tmp_path / "run/journal.jsonl").read_text().splitlines()
    totals = [json.loads(line)["total"] for line in lines if "total" in line]
    assert totals[-1] < 0.85 * totals[0]


def test_the_same_recipe_gives_the_same_weights_and_data_are_part_of_it(
    data: Path, tmp_path: Path
) -> None:
    recipe = parse_recipe(recipe_table(data), "r")

    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        torch.rand(3)  # what the caller drew before does not matter
        train(recipe, folder, device="cpu")

    one, two = ((f / "model.safetensors").read_bytes() for f in folders)
    assert one == two
    digests = [json.loads((f / "run.json").read_text())["data_sha256"] for f in folders]
    assert digests[0] == digests[1]


def test_starting_weights_leave_the_callers_random_numbers_alone(data: Path) -> None:
    recipe = parse_recipe(recipe_table(data), "r")
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)

    first, second = start_model(recipe), start_model(recipe)

    assert torch.equal(torch.rand(1), expected)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_init_starts_from_a_folder_and_keeps_its_materials(data: Path, tmp_path: Path) -> None:
    train(parse_recipe(recipe_table(data), "r"), tmp_path / "first", device="cpu")
    table = recipe_table(data, init=str(tmp_path / "first"))

    model = start_model(parse_recipe(table, "r"))
    train(parse_recipe(table, "r"), tmp_path / "second", device="cpu")

    _, stored = load_model(tmp_path / "first")
    for a, b in zip(model.parameters(), stored.parameters(), strict=True):
        assert torch.equal(a, b)
    preset, _ = load_model(tmp_path / "second")
    assert len(preset.materials) == 1  # the same data twice stands once


class Half(nn.Module):
    """Predicts half of the red channel."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.factor * images[:, :1]


def test_only_ranking_sees_views_whose_values_cannot_be_trusted() -> None:
    generator = torch.Generator().manual_seed(0)
    depth = torch.rand(2, 1, 32, 32, generator=generator) + 0.5
    batch = Batch(
        images=torch.rand(2, 3, 32, 32, generator=generator),
        depth=depth,
        valid=depth > 0,
        ranking_only=torch.tensor([False, True]),
        intrinsics=np.zeros((2, 4)),
        seeds=np.array([3, 4]),
    )
    losses = {
        "ilnr": (2.0, ImageLevelRegression(ImageLevelRegression.Config())),
        "ranking": (1.0, Ranking(Ranking.Config())),
    }

    values = SupervisedObjective(losses)(Half(), batch)

    alone = losses["ilnr"][1](0.5 * batch.images[:, :1], depth, batch.valid)
    ilnr, ranking = values["ilnr"], values["ranking"]
    assert isinstance(ilnr, torch.Tensor)
    assert isinstance(ranking, torch.Tensor)
    assert ilnr[0].item() == pytest.approx(2 * alone[0].item())
    assert ilnr[1].item() == 0
    assert (ranking > 0).all()


def test_a_recipe_may_name_pair_wise_normals(data: Path, tmp_path: Path) -> None:
    losses = [{"name": "ilnr"}, {"name": "pairwise_normal", "weight": 0.5, "spacings": [1, 2]}]
    recipe = parse_recipe(recipe_table(data, losses=losses), "r")

    train(recipe, tmp_path / "run", device="cpu")

    lines = (tmp_path / "run/journal.jsonl").read_text().splitlines()
    values = [json.loads(line)["losses"]["pairwise_normal"] for line in lines if "losses" in line]
    assert len(values) == 2
    assert all(value > 0 for value in values)


def test_pair_wise_normals_read_the_camera_of_a_view_and_not_an_order_alone() -> None:
    depth = 4 / (1 + ((torch.arange(64) - 31.5) / 50).abs()).expand(3, 1, 64, 64)
    cameras = np.array([[50.0, 50.0, 31.5, 31.5], [50.0, 50.0, 31.5, 31.5], [200, 200, 31.5, 31.5]])
    batch = Batch(
        images=torch.full((3, 3, 64, 64), 0.5),
        depth=depth,
        valid=depth > 0,
        ranking_only=torch.tensor([False, True, False]),
        intrinsics=cameras,
        seeds=np.array([3, 3, 3]),
    )
    loss = PairwiseNormal(PairwiseNormal.Config())

    values = SupervisedObjective({"pairwise_normal": (2.0, loss)})(Half(), batch)["pairwise_normal"]

    assert isinstance(values, torch.Tensor)
    # A flat answer to a corner of 90 degrees costs 1.5; a long lens sees another corner.
    assert values[0].item() == pytest.approx(2 * 1.5, abs=0.2)
    assert values[1].item() == 0
    assert values[2].item() != values[0].item()


def test_losses_carry_their_own_settings_and_weights(data: Path) -> None:
    table = recipe_table(data, losses=[{"name": "gradient", "weight": 0.5, "scales": 2}])

    losses = build_losses(parse_recipe(table, "r").losses)

    weight, loss = losses["gradient"]
    assert weight == 0.5
    assert getattr(loss, "scales") == 2  # noqa: B009 - an attribute of this loss, not of modules


class Oracle(nn.Module):
    """Depth from the brightness of the fixture's walls, times `sign`."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = nn.Parameter(torch.tensor(sign))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.sign / images[:, :1].clamp(min=0.05)


def validation_of(data: Path) -> DepthValidation:
    reader = open_reader("manifest", {"root": str(data), "split": "val"})
    return DepthValidation(
        reader, load_protocol("aligned"), kind=DepthKind.AFFINE_INVARIANT, size=(64, 128)
    )


def test_validation_scores_at_the_size_of_the_truth(data: Path) -> None:
    figures = validation_of(data)(Oracle(3.0))

    assert figures["delta1"] > 0.98
    assert figures["abs_rel"] < 0.05
    assert figures["negative_scale"] == 0


def test_the_usable_area_of_a_larger_photo_is_followed(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (data / "rgb").iterdir():
        PIL.Image.open(path).resize((192, 128)).save(path)
    for path in (data / "depth").iterdir():
        depth = np.array(PIL.Image.open(path))
        depth[:, :48] = np.arange(48) * 977 % 9000 + 100  # wrong, and not usable
        PIL.Image.fromarray(depth).save(path)
    monkeypatch.setattr(Manifest, "usable", lambda *_: (0, 98, 128, 92))

    figures = validation_of(data)(Oracle(3.0))

    assert figures["delta1"] > 0.98


def test_an_upside_down_model_is_counted(data: Path) -> None:
    assert validation_of(data)(Oracle(-3.0))["negative_scale"] == 2


def test_validation_without_metric_truth_is_refused(data: Path) -> None:
    for path in (data / "depth").iterdir():
        path.write_bytes(b"broken")

    with pytest.raises(InputError, match="no frame with metric depth"):
        validation_of(data)


@pytest.mark.slow  # exports two graphs
def test_the_command_trains_resumes_and_refuses(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, folder = tmp_path / "r.toml", tmp_path / "run"
    recipe.write_text(
        f'network = "fast"\nsteps = 2\nsize = [64, 64]\nbatch = 4\n'
        f'[[losses]]\nname = "ilnr"\n'
        f'[[data]]\nname = "manifest"\nroot = "{data}"\nsplit = "train"\n'
        f'[validation]\nname = "manifest"\nroot = "{data}"\nsplit = "val"\nsize = [64, 64]\n'
    )

    run(recipe, output=folder, device="cpu", as_json=True)
    assert json.loads(capsys.readouterr().out)["step"] == 2
    assert (folder / "model.onnx").is_file()

    with pytest.raises(RunError, match="holds a run already"):
        run(recipe, output=folder, device="cpu")

    run(recipe, output=folder, device="cpu", resume=True)
    assert "step 2" in capsys.readouterr().out

    with pytest.raises(UsageError, match=r"r.toml.batchs: unknown key; did you mean 'batch'"):
        run(recipe, output=folder, assignments=["batchs=3"])
