"""The page about distillation shows what the recipe says and what is taken where it is silent."""

import tomllib
from dataclasses import asdict
from pathlib import Path

from featherdepth.distill.recipe import parse_recipe, read_recipe
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
