"""What a recipe of completion may say, checked whole before a photo is opened."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from featherdepth.completion.learning.degrade import DegradeConfig
from featherdepth.completion.learning.mix import MixConfig
from featherdepth.completion.learning.ranges import RangeConfig
from featherdepth.config import from_table
from featherdepth.data.patterns.grammar import parse
from featherdepth.training.plan import ViewConfig
from featherdepth.training.recipe import (
    DataTable,
    check_reader,
    check_sizes,
    check_watch,
    split_table,
    split_tables,
    steps_into_loop,
)
from featherdepth.training.settings import LoopConfig

NETWORK = "completion"
"""A recipe of this network is one of completion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """Of the losses (`completion/learning/objective.py`)."""

    depth: float = 1.0
    rms: float = 1.0
    gradient: float = 2.0
    relief: float = 1.0
    trust: float = 0.1
    spread: float = 0.05

    def __post_init__(self) -> None:
        if min(asdict(self).values()) < 0:
            raise ValueError("weights of losses must not be below 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationTable:
    """The held-out frames that are completed while training."""

    name: str
    reader: dict[str, Any]
    patterns: tuple[str, ...] = ("uniform-500", "uniform-100", "lines-16")
    frames: int = 24
    """Taken evenly from all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionRecipe:
    """A training run of the completion network."""

    network: str
    size: tuple[int, int]
    """(height, width) of the views."""
    batch: int
    loop: LoopConfig
    data: tuple[DataTable, ...]
    prior: str = "small"
    """The model of the first stage."""
    losses: Weights = field(default_factory=Weights)
    patterns: MixConfig = field(default_factory=MixConfig)
    degrade: DegradeConfig = field(default_factory=DegradeConfig)
    ranges: RangeConfig = field(default_factory=RangeConfig)
    views: ViewConfig = field(default_factory=lambda: ViewConfig(crop=(0.4, 0.9)))
    validation: ValidationTable | None = None
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the network, beyond its defaults; by default those of `init`."""
    init: Path | None = None
    """A model folder to start from."""
    long_side: int = 320
    """Frames are kept in memory with at most this long an edge."""
    license: str = "Apache-2.0"
    """Of the weights."""

    def __post_init__(self) -> None:
        if not self.data:
            raise ValueError("a recipe needs at least one [[data]] table")
        check_sizes([self.size], [self.batch])
        for table in self.data:
            if table.ranking_only or table.unknown_is_far:
                raise ValueError("data: completion learns values; order alone teaches it nothing")
        if self.long_side < 32:
            raise ValueError("long_side must be at least 32")


def is_completion(table: Mapping[str, Any]) -> bool:
    """Whether a recipe's table is one of completion."""
    return table.get("network") == NETWORK


def parse_recipe(table: Mapping[str, Any], where: str) -> CompletionRecipe:
    """The recipe that a table says; `where` begins every message.

    Raises:
        UsageError: a key, name, type or value that does not fit.
    """
    table = steps_into_loop(table, where)
    table["data"] = split_tables(table, "data", ("weight",), "reader", where)
    if "validation" in table:
        table["validation"] = split_table(
            table["validation"], ("patterns", "frames"), "reader", f"{where}.validation"
        )
    recipe = from_table(CompletionRecipe, table, where)
    for i, data in enumerate(recipe.data):
        check_reader(data.name, data.reader, f"{where}.data[{i}]")
    if recipe.validation is not None:
        check_reader(recipe.validation.name, recipe.validation.reader, f"{where}.validation")
        for pattern in recipe.validation.patterns:
            parse(pattern)
    patterns = () if recipe.validation is None else recipe.validation.patterns
    figures = ("rmse", *(f"rmse {pattern}" for pattern in patterns)) if patterns else ()
    check_watch(recipe.loop.watch, figures, where)
    return recipe
