"""Which sensor a training view is measured with: a specification of `data/patterns` a view."""

import math
from dataclasses import dataclass

import numpy as np

from featherdepth.data.patterns import draw
from featherdepth.errors import InputError
from featherdepth.types import Depth, Image

FAMILIES = ("uniform", "lines", "keypoints", "zones", "holes", "several")


@dataclass(frozen=True, kw_only=True, slots=True)
class MixConfig:
    """How often each kind of sensor is drawn; the recipe's table `patterns`.

    The numbers of points are those of a view, which is smaller than the pictures people complete.
    """

    uniform: float = 0.35
    """Weight of random pixels, and so on."""
    lines: float = 0.20
    keypoints: float = 0.15
    zones: float = 0.10
    holes: float = 0.10
    """Nothing beyond a range, outside a border or inside holes."""
    several: float = 0.10
    """Two of the others together."""
    few: float = 0.05
    """Probability that all but a handful of the points are lost."""
    clean: float = 0.5
    """Probability that nothing is wrong with the points."""
    points: tuple[int, int] = (8, 3000)
    """Fewest and most random pixels; the logarithm is drawn evenly."""
    outliers: float = 0.05
    """Largest share of points that are anything."""
    spread: float = 0.03
    """Largest relative deviation of a point."""
    shift_px: float = 2.0
    """Largest error of their place."""

    def __post_init__(self) -> None:
        weights = [getattr(self, name) for name in FAMILIES]
        if min(weights) < 0 or sum(weights) <= 0:
            raise ValueError("weights of patterns must not be below 0, and not all 0")
        if not 1 <= self.points[0] <= self.points[1]:
            raise ValueError(f"points must be two growing numbers, got {list(self.points)}")
        for name in ("few", "clean", "outliers", "spread"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in 0..1, got {getattr(self, name)}")


def specify(config: MixConfig, rng: np.random.Generator) -> tuple[str, ...]:
    """The specifications whose points a view gets together: one, or two for `several`."""
    weights = np.array([getattr(config, name) for name in FAMILIES])
    family = FAMILIES[int(rng.choice(len(FAMILIES), p=weights / weights.sum()))]
    if family == "several":
        single = weights[:-1] if weights[:-1].sum() else np.ones(len(FAMILIES) - 1)
        chosen = rng.choice(len(FAMILIES) - 1, size=2, p=single / single.sum())
        return tuple(_one(FAMILIES[int(i)], config, rng) + _noise(config, rng) for i in chosen)
    few = f"+only-{rng.integers(2, 21)}" if rng.random() < config.few else ""
    return (_one(family, config, rng) + few + _noise(config, rng),)


def measure(truth: Depth, image: Image, config: MixConfig, rng: np.random.Generator) -> Depth:
    """Points on one view; where a sensor would see nothing, five random pixels."""
    values = np.zeros(truth.size, np.float32)
    for specification in specify(config, rng):
        try:
            sparse = draw(truth, specification, rng, image=image)
        except InputError:
            continue
        values = np.where(values > 0, values, sparse.values)
    if not (values > 0).any():
        values = draw(truth, "uniform-5", rng).values
    return Depth(values=values, valid=values > 0, kind=truth.kind)


def _one(family: str, config: MixConfig, rng: np.random.Generator) -> str:
    count = _between(*config.points, rng)
    if family == "uniform":
        return f"uniform-{count}"
    if family == "lines":
        lines = _between(2, 32, rng)
        return f"lidar-parallax-{max(4, lines)}" if rng.random() < 0.3 else f"lines-{lines}"
    if family == "keypoints":
        return f"keypoints-{_between(20, 600, rng)}"
    if family == "zones":
        across = int(rng.integers(3, 17))
        return f"zones-{across}x{across}-{rng.uniform(0, 0.05):.3f}"
    kind = int(rng.integers(4))
    if kind == 0:
        return f"range-{rng.uniform(0.3, 0.8):.2f}-{count}"
    if kind == 1:
        return f"square-hole-{rng.integers(40, 140)}-{count}"
    if kind == 2:
        return f"border-{rng.uniform(0.1, 0.5):.2f}-{count}"
    return f"holes-{count}"


def _noise(config: MixConfig, rng: np.random.Generator) -> str:
    if rng.random() < config.clean:
        return ""
    steps = ""
    if rng.random() < 0.6:
        steps += f"+outliers-{rng.uniform(0, config.outliers):.3f}"
    if rng.random() < 0.5:
        steps += f"+gauss-{rng.uniform(0, config.spread):.3f}"
    if config.shift_px and rng.random() < 0.4:
        steps += f"+shift-{rng.uniform(0.1, max(0.1, config.shift_px)):.1f}px"
    return steps


def _between(low: int, high: int, rng: np.random.Generator) -> int:
    return round(math.exp(rng.uniform(math.log(low), math.log(high))))
