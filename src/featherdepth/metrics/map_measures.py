"""Measures that need the whole map: its order, its edges, its camera. All declared in one table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64

from featherdepth.errors import InputError
from featherdepth.metrics import order
from featherdepth.metrics.boundary import boundary_f1
from featherdepth.metrics.cloud import cloud_error
from featherdepth.metrics.measures import MEASURES, Measure, Moments
from featherdepth.types import Intrinsics

SEED = 0
"""Of random pairs: part of the definition, so that results can be compared."""

Map = Float64[np.ndarray, "h w"]
Pixels = Float64[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One image as it is scored."""

    key: str
    chosen: Bool[np.ndarray, "h w"]
    """Scored pixels; the others hold nothing that may be read."""
    truth: Pixels
    """At the scored pixels, metres."""
    aligned: Pixels
    """The prediction there, aligned and clamped, metres."""
    farness: Pixels
    """The prediction there as it came, larger is farther."""
    camera: Intrinsics | None

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Random pairs of scored pixels."""
        return order.random_pairs(self.truth.size, SEED, self.key)

    def as_map(self, values: Pixels) -> Map:
        """Values of the scored pixels in their places; 1 elsewhere."""
        whole = np.ones(self.chosen.shape)
        whole[self.chosen] = values
        return whole


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageMeasure:
    """A number for one image that is no mean over its pixels."""

    name: str
    definition: str
    source: str
    unit: str
    better: Literal["smaller", "larger"] = "smaller"
    per_pair: bool = False
    """Pooled, an image weighs as many times as it has annotated pairs; others weigh once."""

    def finish(self, moments: Moments) -> float:
        """The value out of its mean."""
        return moments[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class MapMeasure(ImageMeasure):
    """One that is taken of maps."""

    of: Callable[[View], float]


def _cloud(view: View) -> float:
    if view.camera is None:
        raise InputError("cloud_error needs a camera, but this truth has no intrinsics")
    return cloud_error(view.as_map(view.aligned), view.as_map(view.truth), view.chosen, view.camera)


_ALL = (
    MapMeasure(
        name="whdr",
        definition="share of 10,000 random pairs in the wrong order; signs compared exactly",
        source="Yin et al. 2021 (LeReS), evaluation code; seeded for each image here",
        unit="1",
        of=lambda v: order.whdr(v.farness, v.truth, *v.pairs),
    ),
    MapMeasure(
        name="whdr_3",
        definition="as whdr, with depths within a factor 1.03 counted as equal, after alignment",
        source="Chen et al. 2020 (OASIS), threshold form",
        unit="1",
        of=lambda v: order.whdr_threshold(v.aligned, v.truth, *v.pairs, tau=0.03),
    ),
    MapMeasure(
        name="boundary_f1",
        definition="weighted mean of F1 of depth edges over ratios 1.05..1.25; dense truth only",
        source="Bochkovskii et al. 2024 (Depth Pro), evaluation code",
        unit="1",
        better="larger",
        of=lambda v: boundary_f1(v.as_map(v.aligned), v.as_map(v.truth), v.chosen),
    ),
    MapMeasure(
        name="cloud_error",
        definition="mean distance of corresponding points after back-projection",
        source="this package",
        unit="m",
        of=_cloud,
    ),
)

MAP_MEASURES: dict[str, MapMeasure] = {measure.name: measure for measure in _ALL}
"""Name in results and protocols -> measure of a whole image."""

PAIR_ACCURACY = ImageMeasure(
    name="pair_accuracy",
    definition="share of annotated pairs whose nearer point is nearer in the prediction",
    source="Yang et al. 2024 (Depth Anything V2), DA-2K",
    unit="1",
    better="larger",
    per_pair=True,
)

DECLARED: dict[str, Measure | ImageMeasure] = {
    **MEASURES,
    **MAP_MEASURES,
    PAIR_ACCURACY.name: PAIR_ACCURACY,
}
"""Every measure there is."""


def measures_table() -> str:
    """Every measure as a Markdown table: name, definition, unit, direction, source."""
    rows = [
        f"| `{m.name}` | {m.definition.replace('|', chr(92) + '|')} | {m.unit} | {m.better}"
        f" | {m.source} |"
        for m in DECLARED.values()
    ]
    return "\n".join(["| measure | definition | unit | better | source |", "|" + "---|" * 5, *rows])
