"""What a recipe of supervised training may say, checked whole before a photo is opened."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from featherdepth.config import build, from_table
from featherdepth.data import READERS
from featherdepth.errors import UsageError
from featherdepth.losses import LOSSES
from featherdepth.metrics.protocols import load_protocol
from featherdepth.networks import NETWORKS
from featherdepth.networks.zoo import ZOO
from featherdepth.training.plan import ViewConfig
from featherdepth.training.settings import LoopConfig
from featherdepth.training.validation import figures_of
from featherdepth.types import DepthKind

KIND = DepthKind.AFFINE_INVARIANT
"""Of what the losses here teach: the target is standardized, so scale and shift are lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A part of the run at its own input size."""

    until: int
    """First step that is no longer of this stage."""
    size: tuple[int, int]
    batch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DataTable:
    """One data set; what the reader of its name takes stands beside these keys."""

    name: str
    reader: dict[str, Any]
    weight: float = 1.0
    """Share of a batch, relative to the other data sets."""
    ranking_only: bool = False
    """Trust the order of the depths, not their values."""
    unknown_is_far: bool = False
    """What has no depth is sky, as in renderings: the farthest depth of its frame."""

    def __post_init__(self) -> None:
        check_weight(self.weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class LossTable:
    """One loss; the keys of its own `Config` stand beside these."""

    name: str
    loss: dict[str, Any]
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_weight(self.weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationTable:
    """The held-out split that is scored while training."""

    name: str
    reader: dict[str, Any]
    protocol: str = "aligned"
    size: tuple[int, int] | int = 448
    """Of the network's input: an area, or height and width."""

    def __post_init__(self) -> None:
        sides = self.size if isinstance(self.size, tuple) else (self.size,)
        if min(sides) < 1:
            raise ValueError(f"size must be at least 1, got {self.size}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A supervised training run."""

    network: str
    size: tuple[int, int]
    """(height, width) of the views; of the last stage where there are stages."""
    batch: int
    """Views in a step, over all processes."""
    loop: LoopConfig
    losses: tuple[LossTable, ...]
    data: tuple[DataTable, ...]
    validation: ValidationTable | None = None
    views: ViewConfig = field(default_factory=ViewConfig)
    stages: tuple[Stage, ...] = ()
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the network, beyond its defaults."""
    init: Path | None = None
    """A model folder to start from."""
    encoder_weights: str = ""
    """For the encoder: the folder of a model with the same one, or ImageNet weights (an installed
    package or a .pth file); empty for none."""
    long_side: int = 320
    """Frames are kept in memory with at most this long an edge."""
    input_size: int = 448
    """What the trained model says of itself: the size it is run at by default."""
    license: str = "Apache-2.0"
    """Of the weights."""

    def __post_init__(self) -> None:
        if self.init and self.encoder_weights:
            raise ValueError("init and encoder_weights are two starts; give one")
        if not self.data or not self.losses:
            raise ValueError("a recipe needs at least one [[data]] and one [[losses]] table")
        check_sizes(
            [self.size, *(stage.size for stage in self.stages)],
            [self.batch, *(stage.batch for stage in self.stages)],
        )
        ends = [stage.until for stage in self.stages]
        if ends != sorted(set(ends)):
            raise ValueError(f"stages must end one after the other, got until = {ends}")
        if self.long_side < 32 or self.input_size < 32:
            raise ValueError("long_side and input_size must be at least 32")

    def stage(self, step: int) -> tuple[tuple[int, int], int]:
        """Size and batch of a step."""
        for stage in self.stages:
            if step < stage.until:
                return stage.size, stage.batch
        return self.size, self.batch


def parse_recipe(table: Mapping[str, Any], where: str) -> Recipe:
    """The recipe that a table says; `where` begins every message.

    `steps` may stand at the top level; it belongs to the loop.

    Raises:
        UsageError: a key, name, type or value that does not fit.
    """
    table = split_parts(steps_into_loop(table, where), where)
    if "validation" in table:
        table["validation"] = split_table(
            table["validation"], ("protocol", "size"), "reader", f"{where}.validation"
        )
    recipe = from_table(Recipe, table, where)
    _check_names(recipe, where)
    return recipe


def split_parts(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A copy of a table with its `data` and `losses` as `DataTable` and `LossTable` want them.

    Raises:
        UsageError: one of them is no list of tables.
    """
    table = dict(table)
    parts = (
        ("data", ("weight", "ranking_only", "unknown_is_far"), "reader"),
        ("losses", ("weight",), "loss"),
    )
    for key, own, rest in parts:
        table[key] = split_tables(table, key, own, rest, where)
    return table


def check_weight(weight: float) -> None:
    """Refuse a weight of a loss or a data set that leaves nothing of it or of the others."""
    if not 0 < weight < math.inf:
        raise ValueError(f"weight must be finite and above 0, got {weight}")


def check_sizes(sizes: Sequence[tuple[int, int]], batches: Sequence[int]) -> None:
    """Refuse views that no network takes.

    Raises:
        ValueError: a batch below 1, or a height or width that is no multiple of 32.
    """
    if min(batches) < 1:
        raise ValueError("batch must be at least 1")
    for height, width in sizes:
        if height < 32 or width < 32 or height % 32 or width % 32:
            raise ValueError(f"size [{height}, {width}]: multiples of 32 are needed")


def steps_into_loop(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A copy of a recipe's table with `steps`, which may stand at the top level, in its `loop`.

    Raises:
        UsageError: it stands in both places, or `loop` is no table.
    """
    table = dict(table)
    loop = table.get("loop", {})
    if not isinstance(loop, Mapping):
        raise UsageError(f"{where}.loop: expected a table, got {loop!r}")
    loop = dict(loop)
    if "steps" in table:
        if "steps" in loop:
            raise UsageError(f"{where}: steps stands at the top level and in [loop]; keep one")
        loop["steps"] = table.pop("steps")
    return table | {"loop": loop}


def split_table(row: Any, own: tuple[str, ...], rest: str, where: str) -> dict[str, Any]:
    """Keys of the recipe's own beside one table with those of the component.

    Raises:
        UsageError: `row` is no table.
    """
    if not isinstance(row, Mapping):
        raise UsageError(f"{where}: expected a table, got {row!r}")
    kept = {key: row[key] for key in ("name", *own) if key in row}
    return kept | {rest: {key: row[key] for key in row if key not in kept}}


def split_tables(
    table: Mapping[str, Any], key: str, own: tuple[str, ...], rest: str, where: str
) -> list[dict[str, Any]]:
    """`split_table` of each of the [[key]] tables.

    Raises:
        UsageError: `key` is no list of tables.
    """
    rows = table.get(key, [])
    if not isinstance(rows, list):
        raise UsageError(f"{where}.{key}: expected [[{key}]] tables")
    return [split_table(row, own, rest, f"{where}.{key}[{i}]") for i, row in enumerate(rows)]


def check_reader(name: str, config: Mapping[str, Any], where: str) -> None:
    """A reader exists and takes these keys.

    Raises:
        UsageError: it does not.
    """
    from_table(READERS.load(name).Config, config, where)


def _check_names(recipe: Recipe, where: str) -> None:
    """Everything that a name stands for exists and takes its keys; nothing is opened."""
    NETWORKS.load(recipe.network)
    if recipe.network in ZOO:
        raise UsageError(
            f"{where}.network: {recipe.network!r} completes measured depth; expected a network that"
            " predicts depth from a photo alone"
        )
    check_parts(recipe.data, recipe.losses, where)
    figures: tuple[str, ...] = ()
    if recipe.validation is not None:
        check_reader(recipe.validation.name, recipe.validation.reader, f"{where}.validation")
        protocol = load_protocol(recipe.validation.protocol)
        protocol.check_kind(KIND)
        figures = figures_of(protocol)
    check_watch(recipe.loop.watch, figures, where)


def check_watch(watch: str, figures: Sequence[str], where: str) -> None:
    """Validation gives what is watched, if anything is.

    Args:
        figures: of the recipe's validation; empty without one.

    Raises:
        UsageError: it does not.
    """
    if watch and not figures:
        raise UsageError(f"{where}.loop.watch: {watch!r} needs a [validation] table; add one")
    if watch and watch not in figures:
        raise UsageError(
            f"{where}.loop.watch: {watch!r} is not validated; expected {', '.join(figures)}"
        )


def check_parts(data: Sequence[DataTable], losses: Sequence[LossTable], where: str) -> None:
    """Every reader and loss exists and takes its keys; no loss stands twice.

    Raises:
        UsageError: one does not.
    """
    for i, loss in enumerate(losses):
        build(LOSSES, {"name": loss.name, **loss.loss}, f"{where}.losses[{i}]")
    for i, table in enumerate(data):
        check_reader(table.name, table.reader, f"{where}.data[{i}]")
    names = [loss.name for loss in losses]
    if len(set(names)) < len(names):
        raise UsageError(f"{where}.losses: {names}: a loss stands twice")
