"""A recipe of completion is told by its network, and checked whole."""

from pathlib import Path
from typing import Any

import pytest

from featherdepth.completion.learning.recipe import is_completion, parse_recipe
from featherdepth.config import read_toml
from featherdepth.errors import UsageError

OURS = Path(__file__).parents[3] / "recipes"


def table(**changes: Any) -> dict[str, Any]:
    base = {
        "network": "completion",
        "steps": 3,
        "size": [64, 96],
        "batch": 2,
        "data": [{"name": "paired", "root": "x"}],
    }
    return {**base, **changes}


@pytest.mark.parametrize(
    ("name", "prior"),
    [
        ("completion.toml", "small"),
        ("completion-photos.toml", "small"),
        ("completion-no-nyuv2.toml", "weights/topformer-lite-source"),
    ],
)
def test_our_recipes_can_be_read(name: str, prior: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERDEPTH_DATA", "data")

    found = read_toml(OURS / name)

    assert is_completion(found)
    assert parse_recipe(found, name).prior == prior


def test_other_networks_are_another_kind() -> None:
    assert not is_completion(table(network="small"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": 1.0}, "lr: unknown key"),
        ({"size": [60, 96]}, "multiples of 32"),
        ({"losses": {"depth": -1.0}}, "must not be below 0"),
        ({"patterns": {"points": [9, 3]}}, "two growing numbers"),
        (
            {
                "patterns": {
                    "uniform": 0,
                    "lines": 0,
                    "keypoints": 0,
                    "zones": 0,
                    "holes": 0,
                    "several": 0,
                }
            },
            "not all 0",
        ),
        ({"degrade": {"share": 1.5}}, "share must be in"),
        ({"data": []}, "at least one"),
        ({"data": [{"name": "nothing"}]}, "unknown"),
        ({"validation": {"name": "paired", "root": "x", "patterns": ["blah"]}}, "unknown pattern"),
        ({"loop": {"watch": "rmse"}}, "needs a .validation. table"),
        (
            {
                "loop": {"watch": "rms"},
                "validation": {"name": "paired", "root": "x", "patterns": ["uniform-9"]},
            },
            "'rms' is not validated; expected rmse, rmse uniform-9",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_its_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_recipe(table(**changes), "r.toml")
