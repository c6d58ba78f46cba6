"""Errors between depths at the scored pixels, each declared with its formula, source and unit.

Both arguments of a measure are 1-D float64, above 0, in metres: `prediction` p after alignment
and clamping, `truth` g as measured. A measure is the mean of one or two terms over pixels, and a
function that ends it (a root, say), so that means over pixels can also be pooled over images.
Log errors are natural except `log10`; spreads are those of the population.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float64

Pixels = Float64[np.ndarray, " n"]
Moments = tuple[float, ...]
"""Means of a measure's terms over pixels."""

TINY_M = 1e-4
"""NLSPN's rule for completion: 1/p counts as 0 where p is at or below this."""

EIGEN = "Eigen, Puhrsch, Fergus 2014"
BTS = "Lee et al. 2019 (BTS), evaluation code"
LERES = "Yin et al. 2021 (LeReS), evaluation code"
KITTI_DC = "Uhrig et al. 2017, KITTI depth completion"
POSTER = "reconstructed from the distillation poster and its authors' validation loader"


class Errors:
    """What several measures share, computed once: differences, logs, ratios."""

    def __init__(self, prediction: Pixels, truth: Pixels) -> None:
        self.prediction, self.truth = prediction, truth

    @cached_property
    def difference(self) -> Pixels:
        difference: Pixels = self.prediction - self.truth
        return difference

    @cached_property
    def distance(self) -> Pixels:
        distance: Pixels = np.abs(self.difference)
        return distance

    @cached_property
    def square(self) -> Pixels:
        square: Pixels = self.difference**2
        return square

    @cached_property
    def log(self) -> Pixels:
        log: Pixels = np.log(self.prediction)
        log -= np.log(self.truth)
        return log

    @cached_property
    def ratio(self) -> Pixels:
        ratio: Pixels = self.prediction / self.truth
        np.maximum(ratio, self.truth / self.prediction, out=ratio)
        return ratio

    @cached_property
    def inverse_km(self) -> Pixels:
        """1/p - 1/g in 1/km; 1/p is 0 where p is tiny."""
        tiny = self.prediction <= TINY_M
        inverse = np.where(tiny, 0.0, 1000 / np.where(tiny, 1.0, self.prediction))
        difference: Pixels = inverse - 1000 / self.truth
        return difference

    @cached_property
    def largest(self) -> float:
        return float(self.truth.max())


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A number for how far predictions are from the truth; call it as `measure(p, g)`."""

    name: str
    definition: str
    source: str
    unit: str
    """`m`, `mm`, `1/km`, `%`; `1` for shares and ratios."""
    better: Literal["smaller", "larger"] = "smaller"
    terms: Callable[[Errors], tuple[np.ndarray, ...]]
    """Values at each pixel."""
    finish: Callable[[Moments], float] = lambda moments: moments[0]

    def moments(self, errors: Errors) -> Moments:
        """Means of the terms: what images pass on where pixels are pooled."""
        return tuple(mean_of(term) for term in self.terms(errors))

    def __call__(self, prediction: Pixels, truth: Pixels) -> float:
        return self.finish(self.moments(Errors(prediction, truth)))


def mean_of(values: np.ndarray) -> float:
    """Their mean; of what is true or false the share, counted in a tenth of the time."""
    if values.dtype == np.bool_ and values.size:
        return float(np.count_nonzero(values) / values.size)
    return float(np.mean(values))


def _root(moments: Moments) -> float:
    return float(np.sqrt(moments[0]))


def _spread_percent(moments: Moments) -> float:
    return float(100 * np.sqrt(max(moments[1] - moments[0] ** 2, 0.0)))


def _within(power: int) -> Callable[[Errors], tuple[np.ndarray]]:
    return lambda e: (e.ratio < 1.25**power,)


_ALL = (
    Measure(
        name="abs_rel",
        definition="mean |p - g| / g",
        source=EIGEN,
        unit="1",
        terms=lambda e: (e.distance / e.truth,),
    ),
    Measure(
        name="sq_rel",
        definition="mean (p - g)^2 / g",
        source=EIGEN,
        unit="m",
        terms=lambda e: (e.square / e.truth,),
    ),
    Measure(
        name="sq_rel_norm",
        definition="mean ((p - g) / g)^2",
        source=f"{LERES}, where it is called sq_rel",
        unit="1",
        terms=lambda e: ((e.difference / e.truth) ** 2,),
    ),
    Measure(
        name="rmse",
        definition="sqrt(mean (p - g)^2)",
        source=EIGEN,
        unit="m",
        terms=lambda e: (e.square,),
        finish=_root,
    ),
    Measure(
        name="rmse_log",
        definition="sqrt(mean (ln p - ln g)^2)",
        source=EIGEN,
        unit="1",
        terms=lambda e: (e.log**2,),
        finish=_root,
    ),
    Measure(
        name="mae",
        definition="mean |p - g|",
        source=KITTI_DC,
        unit="m",
        terms=lambda e: (e.distance,),
    ),
    Measure(
        name="log10",
        definition="mean |log10 p - log10 g|",
        source=BTS,
        unit="1",
        terms=lambda e: (np.abs(e.log) / np.log(10),),
    ),
    Measure(
        name="silog",
        definition="100 sqrt(mean e^2 - (mean e)^2), e = ln p - ln g; blind to one factor on p",
        source=f"{EIGEN}, as {BTS} prints it",
        unit="%",
        terms=lambda e: (e.log, e.log**2),
        finish=_spread_percent,
    ),
    *(
        Measure(
            name=f"delta{power}",
            definition=f"share of pixels with max(p/g, g/p) < 1.25^{power}; equality fails",
            source=EIGEN,
            unit="1",
            better="larger",
            terms=_within(power),
        )
        for power in (1, 2, 3)
    ),
    Measure(
        name="bad_pixels",
        definition="100 (share of pixels with max(p/g, g/p) > 1.25); equality passes",
        source="Ranftl et al. 2020 (MiDaS), evaluation code",
        unit="%",
        terms=lambda e: (100.0 * (e.ratio > 1.25),),
    ),
    Measure(
        name="rmse_normalized",
        definition="sqrt(mean ((p - g) / max g)^2), max over the scored pixels of the image",
        source=POSTER,
        unit="1",
        terms=lambda e: (e.square / e.largest**2,),
        finish=_root,
    ),
    Measure(
        name="mae_normalized",
        definition="mean |p - g| / max g, max over the scored pixels of the image",
        source=POSTER,
        unit="1",
        terms=lambda e: (e.distance / e.largest,),
    ),
    Measure(
        name="rmse_mm",
        definition="1000 sqrt(mean (p - g)^2)",
        source=KITTI_DC,
        unit="mm",
        terms=lambda e: (1e6 * e.square,),
        finish=_root,
    ),
    Measure(
        name="mae_mm",
        definition="1000 mean |p - g|",
        source=KITTI_DC,
        unit="mm",
        terms=lambda e: (1000 * e.distance,),
    ),
    Measure(
        name="irmse",
        definition=f"1000 sqrt(mean (1/p - 1/g)^2); 1/p is 0 where p <= {TINY_M:g} m (NLSPN)",
        source=KITTI_DC,
        unit="1/km",
        terms=lambda e: (e.inverse_km**2,),
        finish=_root,
    ),
    Measure(
        name="imae",
        definition=f"1000 mean |1/p - 1/g|; 1/p is 0 where p <= {TINY_M:g} m (NLSPN)",
        source=KITTI_DC,
        unit="1/km",
        terms=lambda e: (np.abs(e.inverse_km),),
    ),
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
"""Name in results and protocols -> measure of scored pixels."""
