"""The rows of a domain, as its rows.toml says them."""

import json
from dataclasses import dataclass, field
from typing import Any

from tools.ablation.photos import Kind
from tools.ablation.places import RECIPES

from featherdepth.config import from_table, read_toml


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of a domain."""

    name: str
    title: str
    photos: Kind
    losses: list[dict[str, Any]]
    labels: bool = False
    part: bool = False
    """Of what the parts of ours are worth: `tools.ablation.page` tells them apart."""
    begins: str = ""
    """Name of the row whose student it goes on from; none: where all rows begin."""
    features: dict[str, Any] = field(default_factory=dict)
    """Keys of a feature stage on the row's photos, from where it would begin; none: no such."""
    mirrored: bool = False
    """Its teacher is the mean of what the teacher sees in a photo and in its mirror image."""
    seeds: tuple[int, ...] = (0,)
    keys: dict[str, Any] = field(default_factory=dict)
    """Further keys of the recipe."""

    @property
    def asks_teacher(self) -> bool:
        """Whether the teacher itself is needed, for its inner maps."""
        return any("features" in loss for loss in self.losses)


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """What rows.toml of a domain holds."""

    size: tuple[int, int]
    """Of the inputs when rows are scored."""
    labels: dict[str, Any]
    """The labeled source, beside which some rows are taught."""
    rows: tuple[Row, ...]
    keys: dict[str, Any] = field(default_factory=dict)
    """Of all rows, over those of row.toml."""
    like: str = ""
    """Domain whose teacher this one takes; none: it has its own."""
    student: str = "topformer-lite"
    """Network of its students."""
    source: dict[str, Any] = field(default_factory=dict)
    """Of the student before distillation, over source.toml; with `encoder_weights` no features."""


def read_domain(name: str) -> Domain:
    """The rows of a domain, in their order; size and labels are those of the domain it is like."""
    table = read_toml(RECIPES / name / "rows.toml")
    if "like" in table:
        other = read_toml(RECIPES / table["like"] / "rows.toml")
        table = {key: other[key] for key in ("size", "labels")} | table
    return from_table(Domain, table, f"{name}/rows.toml")


def inline(value: Any) -> str:
    """A value as TOML on one line, for `key=value` assignments."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return json.dumps(value)
