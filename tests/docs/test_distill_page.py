"""The page about distillation shows what the recipe says and what is taken where it is silent."""

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from featherdepth.distill.recipe import parse_recipe, read_recipe
from featherdepth.errors import UsageError
from featherdepth.losses.geometric import Geometric

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "distill.md"


def test_the_recipe_that_is_shown_has_the_values_of_poster() -> None:
    shown = tomllib.loads(PAGE.read_text().partition("```toml\n")[2].partition("```")[0])
    recipe, poster = parse_recipe(shown, str(PAGE)), read_recipe("poster")

    for key in shown.keys() - {"losses", "steps"}:
        assert getattr(recipe, key) == getattr(poster, key), key
    assert recipe.loop.steps == poster.loop.steps
    said = {loss.name: loss for loss in recipe.losses}
    used = {loss.name: loss for loss in poster.losses}
    assert asdict(Geometric.Config(**said["geometric"].loss)) == asdict(
        Geometric.Config(**used["geometric"].loss)
    )


def test_the_keys_that_a_recipe_must_have_are_named() -> None:
    page = PAGE.read_text()
    shown = tomllib.loads(page.partition("```toml\n")[2].partition("```")[0])
    named = re.findall(r"`([\w\[\]]+)`", page.partition("must have ")[2].partition(";")[0])
    needed = {key.strip("[]") for key in named}

    parse_recipe({key: shown[key] for key in needed}, str(PAGE))
    for key in needed:
        with pytest.raises(UsageError, match=rf"{key}: required|one \[\[{key}\]\]"):
            parse_recipe({other: shown[other] for other in needed - {key}}, str(PAGE))
    assert needed == {"student", "size", "batch", "steps", "losses"}
