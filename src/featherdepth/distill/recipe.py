"""What a recipe of distillation may say, checked whole before a photo or a weight is opened."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from featherdepth.config import from_table, read_toml, set_keys
from featherdepth.errors import UsageError
from featherdepth.losses import LOSSES
from featherdepth.networks import NETWORKS
from featherdepth.training.plan import ViewConfig
from featherdepth.training.recipe import (
    DataTable,
    LossTable,
    check_parts,
    check_sizes,
    check_weight,
    split_parts,
    split_tables,
    steps_into_loop,
)
from featherdepth.training.settings import LoopConfig

SHIPPED = Path(__file__).parent.parent / "recipes"
"""Recipes that come with the package, by name."""
DEFAULT = "poster"
WATCH = "rms"
"""The figure of agreement that early stopping looks at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedLoss:
    """One loss; the keys of its own `Config` stand beside these."""

    name: str
    loss: dict[str, Any]
    weight: float = 1.0
    features: tuple[str, ...] = ()
    """Inner maps to compare, such as `dec4` or `enc16`; by default the depth maps."""

    def __post_init__(self) -> None:
        check_weight(self.weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """Labelled depth beside the photos, as in supervised recipes: the table `labelled`."""

    batch: int
    """Labelled views in a step, beside those of photos; of the same size."""
    data: tuple[DataTable, ...]
    losses: tuple[LossTable, ...]

    def __post_init__(self) -> None:
        if not self.data or not self.losses:
            raise ValueError("labelled depth needs at least one [[data]] and one [[losses]] table")
        if self.batch < 1:
            raise ValueError("batch must be at least 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class DistillRecipe:
    """A distillation run, but for the photos, the teacher and the cache of its maps."""

    student: str
    """A network."""
    size: tuple[int, int]
    """(height, width) of the student's views."""
    batch: int
    """Views in a step, over all processes."""
    loop: LoopConfig
    losses: tuple[PlacedLoss, ...]
    labelled: Labelled | None = None
    """Also learn from labels, in the same steps."""
    views: ViewConfig = field(default_factory=ViewConfig)
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the student's network, beyond its defaults."""
    init: str = "default"
    """The student's start: a model, `random`, or `default`: the embedded model of its name, or
    random weights where there is none."""
    encoder_weights: str = ""
    """For the encoder of a random start: a model folder or ImageNet weights, as in supervised
    recipes."""
    teacher_size: int | tuple[int, int] | None = None
    """Of the teacher's input, an area or (height, width); by default its own."""
    standardize: bool = True
    """Bring the teacher's map of each view to zero mean and unit spread (its middle 80 %), where
    its scale and shift mean nothing. A map of a whole photo and one of a crop then agree."""
    holdout: float = 0.1
    """Part of the photos that only measures agreement."""
    long_side: int = 384
    """Photos are kept in memory with at most this long an edge."""
    memory_gb: float = 4.0
    """For photos (and their cached maps); more than fit are read window by window."""
    visits: int = 4
    """Views of each photo while its window is in memory; only where there are several windows."""
    gradients_every: int = 50
    """Steps between two looks at how strongly each loss pulls at the depth map; 0 for never."""
    input_size: int = 288
    """What the student says of itself: the size it is run at by default."""
    license: str = "Apache-2.0"
    """Of the student's weights, where its teacher and its start allow it."""
    photo_terms: str = ""
    """Terms of the photos for the student's card, such as "our own (class A)"; by default what the
    data set says of itself."""

    def __post_init__(self) -> None:
        if not self.losses:
            raise ValueError("a recipe needs at least one [[losses]] table")
        check_sizes([self.size], [self.batch])
        if not 0 < self.holdout <= 0.5:
            raise ValueError(f"holdout must be above 0 and at most 0.5, got {self.holdout}")
        if self.long_side < 32 or self.input_size < 32:
            raise ValueError("long_side and input_size must be at least 32")
        edges = self.teacher_size if isinstance(self.teacher_size, tuple) else (self.teacher_size,)
        if any(edge is not None and edge < 1 for edge in edges):
            raise ValueError(f"teacher_size must be above 0, got {self.teacher_size}")
        if not 0 < self.memory_gb < math.inf:
            raise ValueError(f"memory_gb must be finite and above 0, got {self.memory_gb}")
        if self.visits < 1 or self.gradients_every < 0:
            raise ValueError("visits must be above 0, gradients_every not below 0")
        if self.encoder_weights and self.init not in ("default", "random"):
            raise ValueError("init and encoder_weights are two starts; give one")
        if self.loop.watch not in ("", WATCH):
            raise ValueError(f"loop.watch is {self.loop.watch!r}; what is watched here is {WATCH}")

    @property
    def compares_features(self) -> bool:
        """Whether a loss looks at inner maps, which no cache holds."""
        return any(loss.features for loss in self.losses)


def find_recipe(name: str | Path) -> Path:
    """The file of a recipe: a path, or the name of one that comes with the package.

    Raises:
        UsageError: neither.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return path
    shipped = SHIPPED / f"{name}.toml"
    if not shipped.is_file():
        known = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise UsageError(f"recipe {str(name)!r}: no such file; shipped recipes: {known}")
    return shipped


def read_recipe(name: str | Path = DEFAULT, assignments: list[str] | None = None) -> DistillRecipe:
    """Read a recipe and check every key, name and type of it.

    Args:
        name: a file, or the name of a recipe that comes with the package.
        assignments: `key=value` texts that replace keys of the file.

    Raises:
        UsageError: the file cannot be read, or a key, name, type or value does not fit.
    """
    path = find_recipe(name)
    return parse_recipe(set_keys(read_toml(path), assignments or []), str(path))


def parse_recipe(table: Mapping[str, Any], where: str) -> DistillRecipe:
    """The recipe that a table says; `where` begins every message.

    Raises:
        UsageError: as `read_recipe`.
    """
    table = steps_into_loop(table, where)
    table["losses"] = split_tables(table, "losses", ("weight", "features"), "loss", where)
    if isinstance(table.get("labelled"), Mapping):
        table["labelled"] = split_parts(table["labelled"], f"{where}.labelled")
    recipe = from_table(DistillRecipe, table, where)
    NETWORKS.load(recipe.student)
    for i, loss in enumerate(recipe.losses):
        _check_loss(loss, f"{where}.losses[{i}]")
    if recipe.labelled is not None:
        check_parts(recipe.labelled.data, recipe.labelled.losses, f"{where}.labelled")
    names = [(loss.name, *loss.features) for loss in recipe.losses]
    if len(set(names)) < len(names):
        raise UsageError(f"{where}.losses: a loss stands twice at one place")
    return recipe


def _check_loss(loss: PlacedLoss, where: str) -> None:
    cls = LOSSES.load(loss.name)
    places = getattr(cls, "places", ())
    if not places:
        raise UsageError(f"{where}.name: {loss.name!r} needs labels; it is for `train`")
    wanted = "features" if loss.features else "depth"
    if wanted not in places:
        raise UsageError(
            f"{where}: {loss.name!r} does not compare {wanted}; only {', '.join(places)}"
        )
    from_table(cls.Config, loss.loss, where)
