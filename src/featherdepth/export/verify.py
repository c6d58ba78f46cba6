"""Does an exported file see what the original sees?

Two measures over the same pictures. The *difference* of a pixel is a share of the range of the
original's map: for files that compute in float32. The *error* is that of depth: the original's map
is taken for the truth (maps without a unit are moved so that their 2 % and 98 % quantiles are 1
and 10, and only what lies between is scored), the exported one is aligned to it by scale and
shift, and abs_rel and delta1 are those of any evaluation: for files of lower precision. With
labeled data the rise of abs_rel against measured depth decides in its place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64

from featherdepth.errors import InputError, RunError
from featherdepth.geometry.align import fit_scale_shift
from featherdepth.runtime.backends import Network
from featherdepth.types import DepthKind

SHARE = 1e-3
"""Largest difference of a float32 file, as a share of the range."""
DROPS = {"fp16": 0.005, "bf16": 0.005, "int8": 0.01}
"""Largest relative rise of abs_rel on labeled data."""
OWN_ERROR = 0.15
"""abs_rel that a model of this size has against measured depth. An independent error d beside an
error a makes sqrt(a ** 2 + d ** 2) of it, that is a rise of d ** 2 / (2 a ** 2)."""
NEAR, FAR = 1.0, 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How near an exported file is to its original, over some pictures."""

    pictures: int
    largest: float
    """Largest difference of a pixel as a share of the range: over all pictures."""
    mean: float
    """Mean difference, likewise."""
    abs_rel: float
    """Mean over pictures, the original's map as truth."""
    delta1: float
    """Share in 0..1, likewise."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "pictures": self.pictures,
            "difference": {"largest": self.largest, "mean": self.mean},
            "to_original": {"abs_rel": self.abs_rel, "delta1": self.delta1},
        }


def agreement(
    original: Network,
    exported: Network,
    pictures: Iterable[Float32[np.ndarray, "1 c h w"]],
    kind: DepthKind,
) -> Agreement:
    """Compare two networks on pictures, each as a network's input.

    What is not finite counts as infinitely far.

    Raises:
        InputError: no picture.
    """
    rows = []
    for picture in pictures:
        expected, found = original(picture), exported(picture)
        rows.append((*_difference(expected, found), *_errors(expected[0, 0], found[0, 0], kind)))
    if not rows:
        raise InputError("nothing to verify with; expected at least one photo")
    largest, mean, abs_rel, delta1 = np.asarray(rows, dtype=np.float64).T
    return Agreement(
        pictures=len(rows),
        largest=float(largest.max()),
        mean=float(mean.mean()),
        abs_rel=float(abs_rel.mean()),
        delta1=float(delta1.mean()),
    )


def drop_of(original: Mapping[str, float], exported: Mapping[str, float]) -> float:
    """Relative rise of abs_rel: 0.01 is 1 % worse; below 0 the exported file is better."""
    return exported["abs_rel"] / original["abs_rel"] - 1


def check(
    name: str,
    precision: str,
    found: Agreement,
    *,
    drop: float | None = None,
    max_drop: float | None = None,
) -> None:
    """Refuse a file that is too far from its original.

    Args:
        name: of the file, for the message.
        drop: of abs_rel on labeled data, where there is some.
        max_drop: in place of the bound in `DROPS`; without labels it stands for the abs_rel to
            the original of `without_labels`.

    Raises:
        RunError: it is; the message has both figures.
    """
    if precision not in DROPS:
        value, bound, what = found.largest, SHARE, "of the range from its original"
    else:
        most = DROPS[precision] if max_drop is None else max_drop
        value, bound = (found.abs_rel, without_labels(most)) if drop is None else (drop, most)
        what = "abs_rel to its original" if drop is None else "more abs_rel on labeled data"
    if not value <= bound:  # NaN is not within
        hint = (
            "" if precision not in DROPS else "; allow more with --max-drop, or another precision"
        )
        raise RunError(
            f"{name}: {precision} is {value:.3g} {what}; expected at most {bound:.3g}; nothing was"
            f" written{hint}"
        )


def without_labels(drop: float) -> float:
    """The abs_rel to the original that lets abs_rel to the truth rise by the share `drop`.

    Example:
        >>> round(without_labels(0.01), 4)
        0.0212
    """
    return float(OWN_ERROR * np.sqrt(2 * drop))


def _difference(
    expected: Float32[np.ndarray, "1 c h w"], found: Float32[np.ndarray, "1 d h2 w2"]
) -> tuple[float, float]:
    if expected.shape != found.shape:
        return np.inf, np.inf
    span = np.ptp(expected, axis=(0, 2, 3), keepdims=True).astype(np.float64)
    if not (span > 0).all() or not np.isfinite(found).all():
        return np.inf, np.inf
    shares = np.abs(found.astype(np.float64) - expected) / span
    return float(shares.max()), float(shares.mean())


def _errors(
    expected: Float32[np.ndarray, "h w"], found: Float32[np.ndarray, "h2 w2"], kind: DepthKind
) -> tuple[float, float]:
    if expected.shape != found.shape or not np.isfinite(found).all():
        return np.inf, 0.0
    truth, scored = as_truth(expected, kind)
    try:
        fit = fit_scale_shift(found, truth, scored)
    except InputError:  # constant
        return np.inf, 0.0
    aligned = np.maximum(fit.scale * found[scored].astype(np.float64) + fit.shift, 1e-3)
    true = truth[scored]
    ratio = np.maximum(aligned / true, true / aligned)
    return float((np.abs(aligned - true) / true).mean()), float((ratio < 1.25).mean())


def as_truth(
    values: Float32[np.ndarray, "h w"], kind: DepthKind
) -> tuple[Float64[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """A map as truth above 0, and the pixels that are scored."""
    wide = values.astype(np.float64)
    if not kind.affine:
        return wide, wide > 0
    low, high = np.quantile(wide, [0.02, 0.98])
    truth = NEAR + (FAR - NEAR) * (wide - low) / max(high - low, np.finfo(np.float64).tiny)
    return truth, (wide >= low) & (wide <= high)
