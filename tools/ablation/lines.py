"""The rows of the experiment that are finished, as its page tells them."""

import json
import tomllib
from dataclasses import dataclass, replace
from typing import Any

from tools.ablation.places import RECIPES, results_of

from featherdepth.evaluation.compare import compare

SUITE = "suite.json"
PHOTOS = {
    "rooms": {
        "target": "rooms, never labelled",
        "all": "photos of all kinds, never labelled",
        "source": "the source's own",
        "labelled": "rooms whose labels the teacher saw",
    },
    "streets": {
        "target": "streets, never labelled",
        "all": "photos of all kinds, never labelled",
        "source": "the source's own",
    },
}
PHOTOS["rooms-base"] = PHOTOS["rooms"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A row, under both protocols."""

    name: str
    title: str
    photos: str
    labels: bool
    aligned: dict[str, Any]
    poster: dict[str, Any]
    published: float | None
    """Share of the gap that the poster's own figures close, on KITTI."""
    seeds: tuple[float, ...]
    """Shares of the gap with other seeds."""
    equal: bool
    """Without a label that student or teacher saw, and with as many views as the others."""
    part: bool
    """One of what the parts of ours are worth, told in a table of its own."""


def lines(domain: str) -> list[Line]:
    """Teacher and student, then the rows that are finished, best first."""
    data = {
        found["name"]: found
        for found in json.loads((results_of(domain) / SUITE).read_text())["data"]
    }
    rows_toml = RECIPES / domain / "rows.toml"
    recipes = {row["name"]: row for row in tomllib.loads(rows_toml.read_text())["rows"]}
    poster = {row["name"]: row for row in data["poster"]["rows"]}
    theirs = {
        row["name"]: row["poster"]["abs_rel"]
        for found in data.values()
        for row in found["rows"]
        if "abs_rel" in row["poster"]
    }
    start, gap = theirs["student"], theirs["student"] - theirs["teacher"]
    seeds: dict[str, tuple[float, ...]] = {}
    found = []
    for row in data["aligned"]["rows"]:
        if not row["metrics"]:
            continue
        name, _, seed = row["name"].rpartition("-")
        if seed.isdigit():  # `ours-1` is `ours` with another seed
            seeds[name] = (*seeds.get(name, ()), row["gap"]["value"])
            continue
        recipe = recipes.get(row["name"], {})
        published = theirs.get(row["name"])
        found.append(
            Line(
                name=row["name"],
                title=row["title"],
                photos=PHOTOS[domain].get(recipe.get("photos", ""), ""),
                labels=recipe.get("labels", row["name"] in ("teacher", "student")),
                aligned=row,
                poster=poster[row["name"]],
                published=None
                if published is None or not row.get("gap")
                else (start - published) / gap,
                seeds=(),
                equal=recipe.get("photos") == "target" and not recipe.get("keys"),
                part=recipe.get("part", False),
            )
        )
    found = [replace(line, seeds=seeds.get(line.name, ())) for line in found]
    ends = [line for line in found if not line.aligned.get("gap")]
    rows = [line for line in found if line.aligned.get("gap")]
    return ends + sorted(rows, key=lambda line: -line.aligned["gap"]["value"])


def lower(domain: str, row: Line, other: Line) -> str:
    """By how much the abs_rel of a row lies below that of another one, with its interval."""
    scores = [
        json.loads((results_of(domain) / f"aligned-{line.name}.json").read_text())
        for line in (row, other)
    ]
    found = compare(*scores)["metrics"]["abs_rel"]
    difference, low, high = (found[key] + 0.0 for key in ("difference", "low", "high"))
    return f"{difference:.4f} ({low:.4f} to {high:.4f})"
