"""A recipe of distillation is read whole, or refused with the place that does not fit."""

import math
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from featherdepth.config import read_toml, set_keys
from featherdepth.distill.recipe import SHIPPED, find_recipe, parse_recipe, read_recipe
from featherdepth.errors import UsageError

PLAIN: dict[str, Any] = {
    "student": "fast",
    "size": [64, 96],
    "batch": 2,
    "steps": 3,
    "losses": [{"name": "channel_kl"}],
}


def refusal(**changes: Any) -> str:
    with pytest.raises(UsageError) as refused:
        parse_recipe(PLAIN | changes, "r")
    assert "\n" not in str(refused.value)
    return str(refused.value)


def losses(*rows: dict[str, Any]) -> str:
    return refusal(losses=list(rows))


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_recipes_are_read_by_name_and_by_file(path: Path) -> None:
    assert read_recipe(path.stem) == read_recipe(path) == read_recipe(str(path))


def test_our_own_recipes_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERDEPTH_DATA", "data")
    folder = Path(__file__).parents[2] / "recipes"
    ours = [p for p in folder.glob("*.toml") if "\nstudent = " in p.read_text()]

    assert ours
    assert all(read_recipe(path).losses for path in ours)


def test_the_default_recipe_is_the_posters() -> None:
    recipe = read_recipe()

    assert recipe == read_recipe("poster")
    assert [loss.name for loss in recipe.losses] == ["channel_kl", "geometric", "anchor"]
    assert [loss.weight for loss in recipe.losses] == [1.0, 1.0, 0.01]
    assert recipe.student == "small" and recipe.init == "default"
    assert recipe.loop.watch == "rms" and recipe.loop.patience > 0
    assert not recipe.compares_features


def test_a_plain_recipe_gets_the_defaults_and_keeps_the_keys_of_each_loss() -> None:
    rows = [
        {"name": "channel_kl", "temperature": 2.0, "weight": 3},
        {"name": "pairwise", "features": ["enc8", "dec4"]},
    ]

    recipe = parse_recipe(PLAIN | {"losses": rows}, "r")

    assert recipe.loop.steps == 3
    assert recipe.losses[0].loss == {"temperature": 2.0} and recipe.losses[0].weight == 3.0
    assert recipe.losses[1].features == ("enc8", "dec4")
    assert recipe.compares_features
    assert recipe.standardize and recipe.holdout == 0.1


def test_set_replaces_keys_by_the_same_rules() -> None:
    table = set_keys(
        read_toml(find_recipe("poster")),
        ["losses.1.trunk=random", "loop.watch=", "loop.patience=0", "size=[64,64]"],
    )

    recipe = parse_recipe(table, "r")

    assert recipe.losses[1].loss == {"trunk": "random"}
    assert recipe.size == (64, 64) and recipe.loop.watch == ""


def test_a_loss_that_needs_labels_is_refused_with_a_sentence() -> None:
    for name in ("ilnr", "ranking", "gradient", "pairwise_normal"):
        # Also before its keys are looked at: those of another loss may still stand there.
        assert losses({"name": name, "temperature": 1.0}) == (
            f"r.losses[0].name: {name!r} needs labels; it is for `train`"
        )


def test_losses_stand_only_where_they_compare_something() -> None:
    assert losses({"name": "spatial_kl"}) == (
        "r.losses[0]: 'spatial_kl' does not compare depth; only features"
    )
    assert losses({"name": "channel_kl"}, {"name": "geometric", "features": ["dec4"]}) == (
        "r.losses[1]: 'geometric' does not compare features; only depth"
    )
    assert "'anchor' does not compare features" in losses({"name": "anchor", "features": ["enc4"]})
    assert "'pairwise' does not compare depth" in losses({"name": "pairwise"})
    for name in ("channel_kl", "channel_mse", "mse"):  # these compare both
        rows = [{"name": name}, {"name": name, "features": ["enc4"]}]
        assert len(parse_recipe(PLAIN | {"losses": rows}, "r").losses) == 2


def test_a_loss_stands_once_at_a_place() -> None:
    twice = losses({"name": "channel_kl"}, {"name": "channel_kl", "temperature": 4.0})

    assert twice == "r.losses: a loss stands twice at one place"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"losses": []}, "at least one [[losses]] table"),
        ({"losses": {"name": "mse"}}, "r.losses: expected [[losses]] tables"),
        ({"losses": ["mse"]}, "r.losses[0]: expected a table, got 'mse'"),
        ({"losses": [{"name": "channel_k"}]}, "did you mean 'channel_kl'?"),
        ({"losses": [{"name": "channel_kl", "temprature": 1}]}, "did you mean 'temperature'?"),
        ({"losses": [{"name": "channel_kl", "temperature": 0}]}, "temperature must be above 0"),
        ({"losses": [{"name": "mse", "weight": 0}]}, "weight must be finite and above 0, got 0"),
        ({"student": "smal"}, "did you mean 'small'?"),
        ({"studnet": "small"}, "did you mean 'student'?"),
        ({"size": [64, 100]}, "[64, 100]: multiples of 32"),
        ({"size": 64}, "size"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"holdout": 0.0}, "holdout must be above 0 and at most 0.5, got 0.0"),
        ({"holdout": 0.6}, "holdout must be above 0"),
        (
            {"losses": [{"name": "mse", "weight": math.inf}]},
            "weight must be finite and above 0, got inf",
        ),
        ({"memory_gb": 0}, "memory_gb must be finite and above 0, got 0"),
        ({"memory_gb": math.inf}, "memory_gb must be finite and above 0, got inf"),
        ({"teacher_size": 0}, "teacher_size must be above 0, got 0"),
        ({"teacher_size": [64, -1]}, "teacher_size must be above 0, got (64, -1)"),
        ({"seed": date(2024, 1, 1)}, "r.seed: expected int, got datetime.date(2024, 1, 1)"),
        ({"settings": {"a": date(2024, 1, 1)}}, "r.settings.a: expected no date, got '2024-01-01'"),
        ({"settings": {"a": time(7)}}, "r.settings.a: expected no date, got '07:00:00'"),
        ({"visits": 0}, "visits must be above 0"),
        ({"gradients_every": -1}, "gradients_every not below 0"),
        ({"long_side": 16}, "at least 32"),
        ({"input_size": 16}, "at least 32"),
        ({"init": "x", "encoder_weights": "y"}, "two starts; give one"),
        ({"loop": {"watch": "delta1"}}, "loop.watch is 'delta1'; what is watched here is rms"),
        ({"loop": {"patience": 2}}, "patience needs a figure to watch"),
        ({"views": {"crop": [0.9, 0.5]}}, "crop"),
        ({"views": {"gamma": math.inf}}, "r.views: gamma must be finite and not below 0, got inf"),
        ({"steps": 0}, "steps must be above 0"),
        ({"loop": {"steps": 3}}, "steps stands at the top level and in [loop]"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(changes: dict[str, Any], said: str) -> None:
    message = refusal(**changes)

    assert said in message
    assert message.startswith(("r", "unknown"))  # a name tells itself


def test_an_unknown_recipe_lists_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"recipe 'postr': no such file; shipped.* poster"):
        read_recipe("postr")
    with pytest.raises(UsageError, match=r"gone\.toml"):
        read_recipe(tmp_path / "gone.toml")
