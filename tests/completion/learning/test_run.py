"""Training of completion: measured frames and a teacher's maps to a network that completes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from featherdepth import api
from featherdepth.completion.learning.recipe import parse_recipe
from featherdepth.completion.learning.run import train
from featherdepth.config import read_toml
from featherdepth.data.teacher_maps import MapCache, photo_key
from featherdepth.networks.weights import load_model
from featherdepth.runtime.presets import embedded_folder
from featherdepth.training.loop import Outcome
from featherdepth.types import DepthKind
from teacher_cards import CARD

HEADER = "id,split,rgb,depth,depth_scale,depth_offset,fx,fy,cx,cy"
SIZE = (64, 96)
Told = list[tuple[str, int, int]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four frames with depth and four photos with maps of a teacher."""
    root = tmp_path / "data"
    for folder in ("rgb", "depth", "photos"):
        (root / folder).mkdir(parents=True)
    cache = MapCache.open(root / "maps", CARD)
    rows = [HEADER]
    for i in range(4):
        depth = np.broadcast_to(np.linspace(1, 2 + i, SIZE[1]), SIZE).astype(np.float32)
        pixels = np.repeat((255 / depth).astype(np.uint8)[..., None], 3, 2)
        PIL.Image.fromarray(pixels).save(root / f"rgb/{i}.png")
        PIL.Image.fromarray((depth * 1000).astype(np.uint16)).save(root / f"depth/{i}.png")
        rows.append(f"f{i},train,rgb/{i}.png,depth/{i}.png,0.001,0,90,90,47.5,31.5")
        PIL.Image.fromarray(pixels[::-1, ::-1]).save(root / f"photos/{i}.png")
        cache.write(photo_key(pixels[::-1, ::-1]), depth[::-1, ::-1].copy() - 2)
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


RECIPE = """
network = "completion"
init = "{init}"
steps = 3
size = [64, 96]
batch = 4
loop = {{ precision = "fp32", checkpoint_every = 1, tensorboard = false, warmup = 1 }}
validation = {{ name = "manifest", root = "{root}", patterns = ["uniform-50"], frames = 2 }}

[[data]]
name = "manifest"
root = "{root}"
split = "train"

[[data]]
name = "pseudo_labels"
root = "{root}/photos"
cache = "{root}/maps"
terms = "class A"
"""


@pytest.fixture
def recipe(data: Path) -> Path:
    path = data / "recipe.toml"
    path.write_text(RECIPE.format(root=data, init=embedded_folder("completion")))
    return path


def run(recipe: Path, folder: Path, **options: Any) -> Outcome:
    return train(parse_recipe(read_toml(recipe), "r"), folder, device="cpu", **options)


def test_a_recipe_becomes_a_network_that_completes(recipe: Path, tmp_path: Path) -> None:
    told: Told = []
    folder = tmp_path / "run"

    outcome = run(recipe, folder, stages=lambda *what: told.append(what))

    preset, network = load_model(folder)
    shipped = load_model(embedded_folder("completion"))[1].state_dict()
    changed = [k for k, v in network.state_dict().items() if not torch.equal(v, shipped[k])]
    assert preset.kind is DepthKind.METRIC and len(changed) > 100
    assert {"rmse", "rmse uniform-50"} == set(outcome.figures)
    assert told == [
        *(("frames", i, 8) for i in range(1, 9)),
        *(("first stage", i, 8) for i in range(1, 9)),
    ]
    names = [row["name"] for row in preset.materials]
    # What it began from, both data sets, and what the teacher was made from.
    assert names[-3:] == ["data (train)", "photos", CARD.materials[0]["name"]]
    assert json.loads((folder / "run.json").read_text())["frames"] == 8


def test_a_run_that_goes_on_ends_in_the_same_weights(recipe: Path, tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"

    run(recipe, whole)
    run(recipe, halves)
    (halves / "model.safetensors").unlink()
    (newest,) = (halves / "checkpoints").glob("step-000000003-*")
    newest.unlink()
    run(recipe, halves, resume=True)

    assert (whole / "model.safetensors").read_bytes() == (halves / "model.safetensors").read_bytes()


def test_what_comes_before_training_reaches_who_asks(recipe: Path, tmp_path: Path) -> None:
    told: Told = []

    def stop(*what: Any) -> None:
        told.append(what)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.train(recipe, tmp_path / "run", progress=stop)

    assert told == [("frames", 1, 8)]
