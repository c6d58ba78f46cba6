"""How a prediction is compared with the truth: crop, range, alignment, clamping, measures.

A stronger kind of depth may be scored as a weaker one, never the other way. Order: crop and range
choose the pixels; the fit uses exactly these pixels, in float64; then predictions are clamped;
then the measures are taken.
"""

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from featherdepth.config import from_table, read_toml
from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.align import fit_scale_shift
from featherdepth.metrics.measures import MEASURES
from featherdepth.types import Depth, DepthKind

Pixels = Float64[np.ndarray, " n"]
Box = tuple[int, int, int, int]

STANDARD = (
    *("abs_rel", "sq_rel", "rmse", "rmse_log", "mae", "log10", "silog"),
    *("delta1", "delta2", "delta3"),
)

METRIC, SCALE = DepthKind.METRIC, DepthKind.SCALE_INVARIANT
AFFINE, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """What one prediction got under a protocol."""

    values: dict[str, float]
    """Measure -> value."""
    negative_scale: bool
    """The fit was upside down or impossible, and the best constant was scored instead."""
    valid_fraction: float
    """Scored pixels over all pixels of the crop, 0..1."""
    clamped_fraction: float
    """Scored pixels that were moved by the clamp, 0..1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalProtocol:
    """Everything that decides a number besides the model and the data."""

    name: str
    source: str
    """Where these choices come from."""
    crop: Literal["usable", "none"]
    """`usable`: the area that the reader calls usable (NYUv2: rows 45:471, columns 41:601)."""
    min_depth: float = 0.0
    """Truth at or below is not scored, metres."""
    max_depth: float | None = None
    """Truth above is not scored, metres; None = no limit."""
    alignment: Literal["none", "scale_median", "scale_shift"]
    """`scale_shift`: unweighted least squares for each image over the scored pixels."""
    space: Literal["depth", "disparity", "kind"]
    """Of the fit; `kind` takes that of the prediction. Disparity is fitted to 1/truth, kept at or
    above 1 / (largest scored truth), then inverted."""
    floor: float
    """Aligned predictions are raised to this: metres, or shares of the largest truth where
    `normalization` is `truth_max`."""
    ceiling: float | None = None
    """Aligned predictions are lowered to this, metres; None = no limit."""
    normalization: Literal["none", "truth_max"] = "none"
    aggregate: Literal["image"] = "image"
    """Measures are taken for each image; a result is the mean over images."""
    min_pixels: int = 2
    """Images with fewer scored pixels are refused."""
    measures: tuple[str, ...] = STANDARD

    def __post_init__(self) -> None:
        for name in self.measures:
            if name not in MEASURES:
                raise ValueError(f"unknown measure {name!r}; known: {', '.join(MEASURES)}")
        if self.floor <= 0:
            raise ValueError(f"floor must be above 0, got {self.floor}: logs and ratios need it")

    def as_dict(self) -> dict[str, Any]:
        """All fields, for result files."""
        return {**asdict(self), "measures": list(self.measures)}

    def accepted(self) -> tuple[DepthKind, ...]:
        """Kinds of prediction that can be scored: a stronger kind passes as a weaker one."""
        if self.alignment == "none":
            return (METRIC,)
        if self.alignment == "scale_median":
            return (METRIC, SCALE)
        own = {"depth": (AFFINE,), "disparity": (DISPARITY,), "kind": (AFFINE, DISPARITY)}
        return (METRIC, SCALE, *own[self.space])

    def check_kind(self, kind: DepthKind) -> None:
        """Refuse predictions whose kind cannot be scored under this protocol.

        Raises:
            UsageError: says what the protocol needs and which protocol fits.
        """
        if kind not in self.accepted():
            needs = " or ".join(kind.value for kind in self.accepted())
            raise UsageError(
                f"protocol {self.name!r} needs {needs} depth but the prediction is {kind.value};"
                " use --protocol aligned"
            )

    def score(self, prediction: Depth, truth: Depth, usable: Box | None = None) -> Score:
        """Compare one prediction with the truth of the same size.

        Args:
            usable: (top, left, height, width) from `Reader.usable`; None is the whole picture.

        Raises:
            UsageError: a kind of prediction that this protocol cannot score.
            InputError: truth that is not metric, another size, too few pixels to score, or a
                prediction that leaves scored pixels empty.
        """
        self.check_kind(prediction.kind)
        chosen, area = self._chosen(prediction, truth, usable)
        target = truth.values[chosen].astype(np.float64)
        raw = prediction.values[chosen].astype(np.float64)
        aligned = self._align(raw, target, prediction.kind)
        fitted = aligned is not None
        # The best constant in the sense of least squares over depths.
        values = aligned if aligned is not None else np.full_like(target, target.mean())
        unit = target.max() if self.normalization == "truth_max" else 1.0
        clamped = np.clip(values, self.floor * unit, self.ceiling)
        return Score(
            values={name: MEASURES[name](clamped, target) for name in self.measures},
            negative_scale=not fitted,
            valid_fraction=target.size / area,
            clamped_fraction=float(np.mean(clamped != values)),
        )

    def _chosen(
        self, prediction: Depth, truth: Depth, usable: Box | None
    ) -> tuple[np.ndarray, int]:
        if truth.kind is not METRIC:
            raise InputError(
                f"protocol {self.name!r} needs metric truth, but this truth is {truth.kind.value}"
            )
        if prediction.size != truth.size:
            raise InputError(f"prediction is {prediction.size}, truth is {truth.size} pixels")
        height, width = truth.size
        whole = (0, 0, height, width)
        top, left, rows, columns = usable if usable and self.crop == "usable" else whole
        inside = np.zeros(truth.size, dtype=np.bool_)
        inside[top : top + rows, left : left + columns] = True
        chosen = inside & truth.valid & (truth.values > self.min_depth)
        if self.max_depth is not None:
            chosen &= truth.values <= self.max_depth
        count = int(chosen.sum())
        if count < self.min_pixels:
            raise InputError(f"{count} pixels to score; at least {self.min_pixels} are needed")
        if holes := int((chosen & ~prediction.valid).sum()):
            raise InputError(f"prediction is empty at {holes} of {count} scored pixels")
        return chosen, int(inside.sum())

    def _align(self, raw: Pixels, target: Pixels, kind: DepthKind) -> Pixels | None:
        """The prediction in metres; None where no scale above 0 fits."""
        if self.alignment == "none":
            return raw
        if self.alignment == "scale_median":
            middle = np.median(raw)
            return raw * (np.median(target) / middle) if middle > 0 else None
        if self.space == "disparity" or (self.space == "kind" and kind is DISPARITY):
            disparity = raw if kind is DISPARITY else 1 / np.maximum(raw, self.floor)
            fitted = _fit(disparity, 1 / target)
            return None if fitted is None else 1 / np.maximum(fitted, 1 / target.max())
        return _fit(raw, target)


def _fit(raw: Pixels, target: Pixels) -> Pixels | None:
    """Least-squares scale and shift; None for a constant or an upside-down prediction."""
    try:
        fit = fit_scale_shift(raw[None], target[None], np.ones((1, raw.size), dtype=np.bool_))
    except InputError:  # constant on the scored pixels
        return None
    return fit.scale * raw + fit.shift if fit.scale > 0 else None


@cache
def protocols() -> dict[str, EvalProtocol]:
    """All named protocols."""
    path = Path(__file__).with_name("protocols.toml")
    return {
        name: from_table(EvalProtocol, {"name": name, **table}, f"{path.name}.{name}")
        for name, table in read_toml(path).items()
    }


def load_protocol(name: str) -> EvalProtocol:
    """The protocol of that name.

    Raises:
        UsageError: unknown; the message offers the nearest name.
    """
    known = protocols()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        raise UsageError(f"unknown protocol {name!r}; {hint}")
    return known[name]
