"""How well a student agrees with its teacher on photos that neither was asked about in training.

For each held-out photo the student's map is brought to the teacher's as far as its kind allows
(scale and shift for the affine kinds, scale for scale-invariant, nothing for metric depth), then

    rms     root mean square of what is left, in units of the spread of the teacher's map:
            0 for the same shape, 1 for nothing in common
    delta1  share of pixels within 25 % of the teacher; affine kinds are read as near:far = 1:10
            (the teacher's 2 % and 98 % quantiles), the others as they are

Agreement says nothing about the teacher's own errors: it is not accuracy.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, UInt8
from torch import nn

from featherdepth.errors import RunError
from featherdepth.geometry.resize import resize_map
from featherdepth.metrics.bootstrap import mean_intervals
from featherdepth.types import DepthKind

NEAR = 0.1
"""Near end of the range that an affine map is read in; the far end is 1."""
MEASURES = ("rms", "delta1")
DRIFT_MEAN, DRIFT_SPREAD = 3.0, 3.0
"""Beyond these the raw output has left the teacher's: an alarm, not a stop."""
SLACK = 1.01
"""So much farther than it began a student may go: the first figures differ by rounding alone."""

Rows = Float64[np.ndarray, "n 2"]
"""One row a photo, one column a measure."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeldOut:
    """A photo that only measures."""

    key: str
    rgb: UInt8[np.ndarray, "3 h w"]
    """At the student's input size; a quarter of the memory of `pixels`."""
    map: Float32[np.ndarray, "h2 w2"]
    """The teacher's, raw, finite."""

    @property
    def pixels(self) -> Float32[np.ndarray, "3 h w"]:
        """RGB in 0..1, as `images.prepare` gives it."""
        return self.rgb / np.float32(255)


class Agreement:
    """Scores a model on held-out photos; calling it gives the means over photos.

    Beside `MEASURES` it tells `mean` and `spread` of the raw output against the teacher's and
    raises the alarm when they run away (drift).

    Args:
        target: what the student's raw values should be like, such as the standardized map.
    """

    def __init__(
        self,
        photos: Sequence[HeldOut],
        kind: DepthKind,
        *,
        target: Callable[[Float32[np.ndarray, "h w"]], Float32[np.ndarray, "h w"]],
    ) -> None:
        self.photos, self._kind, self._target = photos, kind, target
        self.rows: Rows = np.zeros((0, 2))
        """Of the last call."""

    @property
    def keys(self) -> list[str]:
        """Of the rows."""
        return [photo.key for photo in self.photos]

    def __call__(self, model: nn.Module) -> Mapping[str, float]:
        """Means over photos.

        Raises:
            RunError: a map that is not finite.
        """
        rows, raw = [], []
        for photo in self.photos:
            values = infer(model, photo.pixels, photo.key)
            truth = resize_map(photo.map, (values.shape[0], values.shape[1]))
            rows.append(score(values, truth, self._kind))
            raw.append(_stand(values, self._target(truth)))
        self.rows = np.array(rows, np.float64)
        means = self.rows.mean(axis=0)
        mean, spread = np.mean(raw, axis=0)
        return {
            **dict(zip(MEASURES, means.tolist(), strict=True)),
            "mean": float(mean),
            "spread": float(spread),
        }


def drift_alarm(figures: Mapping[str, float], start: Mapping[str, float]) -> str | None:
    """What to say if the raw output has run away from the teacher's; None if it has not.

    Args:
        start: figures before training. A student that began far away, as with random weights, and
            comes nearer does not drift.
    """
    away = _away(figures)
    if away <= 1 or away <= SLACK * _away(start):
        return None
    return (
        f"drift: the raw output's mean is {figures['mean']:+.2f} spreads from the teacher's and its"
        f" spread {figures['spread']:.2f} times as large; raise the weight of the loss `anchor`"
    )


def _away(figures: Mapping[str, float]) -> float:
    """How far the raw output stands from the teacher's; 1 at the edge of the alarm."""
    mean, spread = figures["mean"], max(figures["spread"], 1e-12)
    return max(abs(mean) / DRIFT_MEAN, abs(math.log(spread)) / math.log(DRIFT_SPREAD))


def infer(
    model: nn.Module, pixels: Float32[np.ndarray, "3 h w"], key: str
) -> Float32[np.ndarray, "h w"]:
    """The raw map of one photo.

    Raises:
        RunError: it is not finite.
    """
    device = next(model.parameters()).device
    with torch.inference_mode():
        values = model(torch.from_numpy(pixels)[None].to(device))[0, 0].float().cpu().numpy()
    if not np.isfinite(values).all():
        raise RunError(f"held-out photo {key}: the student gave NaN; lower loop.lr")
    found: Float32[np.ndarray, "h w"] = values
    return found


def score(
    student: Float32[np.ndarray, "h w"], teacher: Float32[np.ndarray, "h w"], kind: DepthKind
) -> tuple[float, float]:
    """(rms, delta1) of two maps of one size.

    A student that is constant or upside down is scored as the best constant (affine kinds).
    """
    own, other = student.astype(np.float64), teacher.astype(np.float64)
    spread = max(float(other.std()), 1e-12)
    own = _aligned(own, other, kind)
    rms = float(np.sqrt(np.mean((own - other) ** 2))) / spread
    if kind.affine:
        low, high = np.quantile(other, (0.02, 0.98))
        unit = (1 - NEAR) / max(high - low, 1e-12)
        own, other = (NEAR + (values - low) * unit for values in (own, other))
    positive = (own > 0) & (other > 0)
    a, b = np.where(positive, own, 1.0), np.where(positive, other, 1.0)
    close = positive & (np.maximum(a / b, b / a) < 1.25)
    return rms, float(close.sum() / max(int((other > 0).sum()), 1))


def interval(rows: Rows, seed: int) -> dict[str, dict[str, float]]:
    """Mean of each measure over photos, with its 95 % bootstrap interval."""
    low, high = mean_intervals(rows, seed=seed)
    return {
        name: {"value": float(rows[:, i].mean()), "low": float(low[i]), "high": float(high[i])}
        for i, name in enumerate(MEASURES)
    }


def _aligned(
    own: Float64[np.ndarray, "h w"], other: Float64[np.ndarray, "h w"], kind: DepthKind
) -> Float64[np.ndarray, "h w"]:
    if kind is DepthKind.METRIC:
        return own
    if kind is DepthKind.SCALE_INVARIANT:
        scale = float((own * other).sum() / max((own * own).sum(), 1e-24))
        return max(scale, 0.0) * own
    centered = own - own.mean()
    variance = float((centered**2).mean())
    scale = float((centered * (other - other.mean())).mean()) / max(variance, 1e-24)
    if variance < 1e-12 * (own.mean() ** 2 + 1e-12):
        scale = 0.0
    found: Float64[np.ndarray, "h w"] = max(scale, 0.0) * centered + other.mean()
    return found


def _stand(
    own: Float32[np.ndarray, "h w"], target: Float32[np.ndarray, "h w"]
) -> tuple[float, float]:
    """Mean of the raw output against the target's, in spreads of that; ratio of the spreads."""
    floor = max(float(target.std()), 1e-6)
    return float(own.mean() - target.mean()) / floor, float(own.std()) / floor
