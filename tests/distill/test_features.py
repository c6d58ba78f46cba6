"""The feature stage leaves a start for training, the same after a kill, and says what it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from featherdepth.cli import main as cli
from featherdepth.config import read_toml, set_keys
from featherdepth.distill.features import start_network, train_features
from featherdepth.distill.features_recipe import (
    FeaturesRecipe,
    is_features,
    parse_recipe,
)
from featherdepth.errors import RunError, UsageError
from featherdepth.networks.folder import WEIGHTS, read_preset
from featherdepth.networks.weights import load_model
from featherdepth.training.journal import read_journal
from featherdepth.training.recipe import parse_recipe as parse_supervised

RECIPES = Path(__file__).parents[2] / "recipes"

TOML = """
kind = "features"
network = "fast"
photos = {photos}
photo_terms = "made up (class A)"
teacher = "efficientnet-lite0"
teacher_weights = {weights}
statistics = 2
steps = 6
size = [64, 64]
batch = 4
long_side = 96
input_size = 64
# Few photos at a time: more that a resume could forget.
memory_gb = 2e-4
visits = 1

[loop]
lr = 2e-3
ema = 0.5
precision = "fp32"
log_every = 1
checkpoint_every = 2
tensorboard = false
"""

KILL = """
import os, signal, sys
from featherdepth.cli.main import run
from featherdepth.distill.views import DistillBatches

real, fatal = DistillBatches.__call__, int(sys.argv[1])

def counted(self, step, rank, world):
    if step == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, step, rank, world)

DistillBatches.__call__ = counted
sys.exit(run(sys.argv[2:]))
"""


@pytest.fixture
def recipe_file(photo_folder: Path, encoder_file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    words = {"photos": photo_folder, "weights": encoder_file}
    path.write_text(TOML.format(**{k: json.dumps(str(v)) for k, v in words.items()}))
    return path


def tiny(path: Path, *changes: str) -> FeaturesRecipe:
    return parse_recipe(set_keys(read_toml(path), list(changes)), str(path))


def run(recipe: FeaturesRecipe, folder: Path, *, resume: bool = False) -> None:
    train_features(recipe, folder, device="cpu", threads=1, resume=resume)


def test_the_encoder_has_learned_and_the_decoder_is_as_it_began(
    recipe_file: Path, tmp_path: Path
) -> None:
    recipe = tiny(recipe_file)

    run(recipe, tmp_path / "run")

    preset, model = load_model(tmp_path / "run")
    before = start_network(recipe).state_dict()
    half = [n for n, p in model.named_parameters() if p.ndim > 1]
    changed = {
        name
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
        and not torch.equal(tensor, before[name].half().float() if name in half else before[name])
    }
    assert preset.network == "fast" and preset.size == 64
    assert {name.split(".")[0] for name in changed} == {"encoder"}
    still = [n for n, _ in model.encoder.named_parameters() if f"encoder.{n}" not in changed]
    # At 64x64 there is one token, which can only attend to itself.
    assert all(".to_q." in name or ".to_k." in name for name in still), still
    uses = [(row["use"], row["class"]) for row in preset.materials]
    assert uses == [
        ("teacher of the encoder", "B"),
        ("feature stage, 14 unlabeled photos", "A"),
    ]
    card = (tmp_path / "run" / "README.md").read_text()
    assert "no depth model yet" in card and "6 steps" in card
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["recipe"]["kind"] == "features" and len(about["teacher_sha256"]) == 64


def test_the_loss_of_every_level_falls(recipe_file: Path, tmp_path: Path) -> None:
    changes = ("steps=40", "memory_gb=1", "loop.log_every=10", "loop.lr=5e-3")

    run(tiny(recipe_file, *changes), tmp_path / "run")

    lines = [r["losses"] for r in read_journal(tmp_path / "run" / "journal.jsonl", speed=False)]
    assert lines[0].keys() == {"enc4", "enc8", "enc16", "enc32"}
    assert all(lines[-1][level] < 0.9 * lines[0][level] for level in lines[0]), lines


def test_a_killed_run_ends_in_the_same_bits(recipe_file: Path, tmp_path: Path) -> None:
    def train(name: str, fatal: int, *more: str) -> int:
        words = ["train", str(recipe_file), "-o", str(tmp_path / name / "run"), *more]
        return subprocess.run(
            [sys.executable, "-c", KILL, str(fatal), *words, "--device", "cpu", "--threads", "1"],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=False,
            capture_output=True,
            timeout=600,
        ).returncode

    assert train("whole", 99) == 0
    assert train("killed", 3) == -9  # one step after a checkpoint
    assert train("killed", 99, "--resume") == 0

    whole, killed = tmp_path / "whole" / "run", tmp_path / "killed" / "run"
    for name in (WEIGHTS, "config.json", "README.md"):
        assert (whole / name).read_bytes() == (killed / name).read_bytes(), name
    journals = [read_journal(f / "journal.jsonl", speed=False) for f in (whole, killed)]
    assert journals[0] == journals[1] and len(journals[0]) == 6


def test_what_comes_out_is_a_start_for_training(recipe_file: Path, tmp_path: Path) -> None:
    run(tiny(recipe_file), tmp_path / "first")

    again = tiny(recipe_file, f"init={tmp_path / 'first'}")
    model = start_network(again)

    loaded = load_model(tmp_path / "first")[1].state_dict()
    weights = model.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in loaded.items() if "batches" not in k)
    run(again, tmp_path / "second")
    materials = read_preset(tmp_path / "second").materials
    assert materials == read_preset(tmp_path / "first").materials  # the same, each once


def test_photos_and_teacher_are_part_of_a_run(
    recipe_file: Path, encoder_file: Path, tmp_path: Path
) -> None:
    run(tiny(recipe_file, "steps=2"), tmp_path / "run")
    state = torch.load(encoder_file, weights_only=True)
    state["_conv_stem.weight"] += 1
    torch.save(state, tmp_path / "other.pth")
    changed = tiny(recipe_file, "steps=2", f"teacher_weights={tmp_path / 'other.pth'}")

    with pytest.raises(RunError, match="holds a run already"):
        run(tiny(recipe_file, "steps=2"), tmp_path / "run")
    with pytest.raises(RunError, match=r"cannot resume with another recipe: .*teacher"):
        run(changed, tmp_path / "run", resume=True)


def test_the_command_takes_both_kinds_of_recipes(
    recipe_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", recipe_file, "-o", tmp_path / "run", "--set", "steps=2", "--device", "cpu"]

    assert cli.run([*map(str, words), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["step"] == 2 and not (tmp_path / "run" / "model.onnx").exists()
    words[3] = tmp_path / "second"
    assert cli.run([*map(str, words), "--json", "--init", str(tmp_path / "run")]) == 0
    assert read_preset(tmp_path / "second").materials[0]["use"] == "teacher of the encoder"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("validate_every=3", "validate_every: unknown key"),
        ("loop.validate_every=3", "nothing is validated here"),
        ("statistics=0", "must be above 0"),
        ("size=[60,64]", "multiples of 32"),
        ("network=fats", "did you mean 'fast'"),
        ("teacher=efficientnet-lite9", "unknown network"),
        ("kind=depth", "'depth' is not one of 'features'"),
    ],
)
def test_what_does_not_fit_is_said_before_a_photo_is_read(
    change: str, words: str, recipe_file: Path
) -> None:
    with pytest.raises(UsageError, match=words.replace("[", r"\[")):
        tiny(recipe_file, change)


def test_a_bare_encoder_is_no_student(recipe_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a bare encoder; expected a depth network"):
        run(tiny(recipe_file, "network=topformer-tiny"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["base", "fast"])
def test_the_recipes_of_a_student_go_together(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEATHERDEPTH_DATA", str(tmp_path))

    tables = [read_toml(RECIPES / f"{stem}.toml") for stem in (f"{name}-features", name)]
    first, second = parse_recipe(tables[0], "features"), parse_supervised(tables[1], "supervised")

    assert is_features(tables[0]) and not is_features(tables[1])
    assert first.network == second.network == name and first.size == second.size
    assert second.init == Path(f"runs/{name}-features")
    assert first.photos == tmp_path / "splits" / "unlabelled.txt"


def test_a_table_is_parsed_as_a_file_is(recipe_file: Path) -> None:
    with pytest.raises(UsageError, match=r"here\.photos: required"):
        parse_recipe({"kind": "features", "network": "fast"}, "here")
