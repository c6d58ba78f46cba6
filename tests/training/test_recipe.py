"""A recipe is checked whole before anything is opened, and every message names the place."""

import json
import math
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from featherdepth.config import read_toml, set_keys
from featherdepth.errors import UsageError
from featherdepth.training.recipe import parse_recipe

ROOT = Path(__file__).parents[2]


def table(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "network": "small",
        "steps": 20,
        "size": [64, 96],
        "batch": 4,
        "losses": [{"name": "ilnr"}, {"name": "gradient", "weight": 0.5, "scales": 2}],
        "data": [{"name": "manifest", "root": "/nowhere", "split": "a", "weight": 2}],
        "validation": {"name": "manifest", "root": "/nowhere", "split": "b", "size": [64, 64]},
    }
    return {k: v for k, v in (base | changes).items() if v is not None}


def test_a_recipe_reads_into_typed_tables_without_opening_data() -> None:
    recipe = parse_recipe(table(), "r.toml")

    assert recipe.loop.steps == 20
    assert recipe.data[0].weight == 2.0
    assert recipe.data[0].reader == {"root": "/nowhere", "split": "a"}
    assert recipe.losses[1].loss == {"scales": 2}
    assert recipe.validation is not None
    assert recipe.validation.size == (64, 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batchsize": 3}, r"r.toml.batchsize: unknown key; did you mean 'batch'"),
        ({"lr": 1e-4}, r"r.toml.lr: unknown key; did you mean 'loop.lr'"),
        ({"stps": 3}, r"r.toml.stps: unknown key; did you mean 'loop.steps'"),
        ({"network": "smal"}, r"unknown network 'smal'; did you mean 'small'"),
        ({"network": "enet"}, r"r.toml.network: 'enet' completes measured depth"),
        ({"size": [60, 96]}, r"\[60, 96\]: multiples of 32"),
        ({"loop": {"lr": "1"}}, r"r.toml.loop.lr: expected float"),
        ({"loop": 5}, r"r.toml.loop: expected a table, got 5"),
        ({"loop": {"lr": math.nan}}, r"r.toml.loop.lr: expected a number, got nan"),
        ({"loop": {"lr": math.inf}}, r"lr must be above 0 and finite, got inf"),
        ({"loop": {"warmup": -1}}, r"warmup must not be below 0"),
        ({"loop": {"betas": [2, 3]}}, r"betas must be in \[0, 1\), got \[2.0, 3.0\]"),
        ({"loop": {"rates": {"encoder": -1}}}, r"rates: 'encoder' must not be below 0, got -1.0"),
        ({"loop": {"clip": 0}}, r"clip must be above 0, got 0.0; inf is no limit"),
        ({"loop": {"steps": 3}}, r"steps stands at the top level and in \[loop\]"),
        ({"steps": None}, r"loop.steps: required"),
        ({"data": []}, r"at least one \[\[data\]\]"),
        ({"data": [{"name": "manifst"}]}, r"did you mean 'manifest'"),
        ({"data": [{"name": "manifest", "rot": "x"}]}, r"r.toml.data\[0\].rot: unknown key"),
        ({"data": [{"name": "manifest", "root": "x", "weight": 0}]}, r"data\[0\].*weight"),
        (
            {"data": [{"name": "manifest", "root": "x", "weight": math.inf}]},
            r"weight must be finite",
        ),
        ({"validation": {"name": "manifest", "root": "x", "size": 0}}, r"size must be at least 1"),
        ({"data": {"name": "manifest"}}, r"expected \[\[data\]\] tables"),
        ({"data": ["x"]}, r"data\[0\]: expected a table"),
        ({"losses": [{"name": "ilnr", "scales": 2}]}, r"losses\[0\].scales: unknown key"),
        ({"losses": [{"name": "ilnr"}, {"name": "ilnr"}]}, r"a loss stands twice"),
        ({"validation": {"name": "manifest", "root": "x", "protocol": "alined"}}, r"'aligned'"),
        ({"validation": {"name": "manifest", "root": "x", "protocol": "metric"}}, r"needs metric"),
        (
            {"loop": {"watch": "abs_rell"}},
            r"loop.watch: 'abs_rell' is not validated; expected delta1",
        ),
        ({"loop": {"watch": "rms"}}, r"expected delta1, abs_rel, rmse, negative_scale"),
        ({"loop": {"watch": "rmse"}, "validation": None}, r"'rmse' needs a \[validation\] table"),
        ({"init": "a", "encoder_weights": "b"}, r"two starts"),
        ({"views": {"crop": [0.0, 1.0]}}, r"views.*crop"),
        (
            {"stages": [{"until": u, "size": [64, 64], "batch": 2} for u in (9, 5)]},
            r"one after the other",
        ),
    ],
)
def test_a_fault_is_refused_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_recipe(table(**changes), "r.toml")


@pytest.mark.parametrize("figure", ["", "delta1", "abs_rel", "negative_scale"])
def test_what_validation_gives_can_be_watched(figure: str) -> None:
    assert parse_recipe(table(loop={"watch": figure}), "r.toml").loop.watch == figure


def test_stages_have_their_own_size_and_batch() -> None:
    stage = {"until": 10, "size": [32, 64], "batch": 8}

    recipe = parse_recipe(table(stages=[stage]), "r.toml")

    assert recipe.stage(0) == ((32, 64), 8)
    assert recipe.stage(9) == ((32, 64), 8)
    assert recipe.stage(10) == ((64, 96), 4)


def test_an_assignment_goes_through_the_same_converter() -> None:
    written = tomllib.loads(
        'network = "small"\nsteps = 9\nsize = [64, 96]\nbatch = 4\n'
        '[[losses]]\nname = "ilnr"\n[[data]]\nname = "manifest"\nroot = "/nowhere"\n'
    )

    changes = ["steps=3", "losses.0.weight=2", "loop.rates.encoder=0.5"]
    recipe = parse_recipe(set_keys(written, changes), "r.toml")

    assert recipe.loop.steps == 3
    assert recipe.losses[0].weight == 2.0
    assert recipe.loop.rates == {"encoder": 0.5}
    with pytest.raises(UsageError, match="expected int"):
        parse_recipe(set_keys(written, ["steps=0.5"]), "r.toml")


def test_no_limit_of_the_gradients_is_inf_and_json_can_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("clip = inf\n")

    recipe = parse_recipe(table(loop=tomllib.loads(path.read_text())), "r.toml")

    assert recipe.loop.clip is None
    assert json.loads(json.dumps(asdict(recipe.loop), allow_nan=False))["clip"] is None


OURS = sorted(
    p
    for p in (ROOT / "recipes").glob("*.toml")
    if {"network", "kind", "prior"} & tomllib.loads(p.read_text()).keys() == {"network"}
)


@pytest.mark.parametrize("path", OURS, ids=lambda p: p.name)
def test_our_own_recipes_are_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERDEPTH_DATA", "/nowhere")

    recipe = parse_recipe(read_toml(path), path.name)

    assert recipe.validation is not None
