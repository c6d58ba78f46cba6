"""What readers of published data sets share: counts, halves that stop, impossible scales."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from featherdepth.data.reader import Reader
from featherdepth.data.usual import Usual
from featherdepth.errors import InputError, UsageError
from featherdepth.types import Depth, DepthKind, Intrinsics


class ScaleError(InputError):
    """Depth of a size that this data set cannot have: another unit, another scale, or garbage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What is known of a data set; depth in metres, wide enough for every true map."""

    counts: Mapping[str, int]
    """Split ("all" without one) -> how many pairs the publishers name."""
    median: tuple[float, float] = (0.0, math.inf)
    """Of the measured pixels of one map."""
    highest: float = math.inf
    """No pixel is farther."""


class Benchmark(Reader):
    """Base of readers of published data sets; truth is METRIC z."""

    published: ClassVar[Published]
    usual: Usual | None = None
    """What the whole set looks like; for `doctor`."""

    def describe(self) -> str:
        """What this is, in one line; a count that is not the official one is said."""
        count = self.published.counts.get(self.split or "all")
        note = "" if count in (None, len(self)) else f" (officially {count})"
        return super().describe() + note

    def _check_split(self, split: str | None, known: tuple[str, ...]) -> None:
        if split is not None and split not in known:
            raise UsageError(f"{self.name}: no split {split!r}; known: {', '.join(known)}")

    def _check_found(self, where: object, listed: int, expected: str) -> None:
        """Stop where nothing, or less than half of what is listed, can be read."""
        reason = next((f"{fault.reason}" for fault in self.skipped), expected)
        if not self.keys:
            raise InputError(f"{where}: no usable pair; {reason}")
        if 2 * len(self.keys) < listed:
            raise InputError(
                f"{where}: {len(self.keys)} of {listed} listed pairs are there; complete the data"
                f" set or shorten the list; the first fault: {reason}"
            )

    def _check_scale(self) -> None:
        """Read up to three samples until one is plausible; stop if only implausible ones are."""
        fault: ScaleError | None = None
        for index in sorted({0, len(self) // 2, len(self) - 1}):
            try:
                self[index]
            except ScaleError as error:
                fault = fault or error
            except InputError:
                continue  # a broken file says nothing about the scale, and is listed in `skipped`
            else:
                return
        if fault is not None:
            raise InputError(str(fault)) from fault

    def _truth(
        self, values: np.ndarray, valid: np.ndarray, key: str, camera: Intrinsics | None
    ) -> Depth:
        """METRIC depth of `values` in metres where `valid`, after a look at its size.

        Raises:
            ScaleError: a map that this data set cannot hold.
            InputError: no measured pixel.
        """
        if not valid.any():
            raise InputError(f"{key}: no measured pixel")
        measured = values[valid]
        median, highest = float(np.median(measured)), float(measured.max())
        low, high = self.published.median
        if not (low <= median <= high and highest <= self.published.highest):
            raise ScaleError(
                f"{key}: depth with median {median:.4g} m and largest {highest:.4g} m; expected a"
                f" median of {low:g} to {high:g} m and at most {self.published.highest:g} m in"
                f" {self.name}; the unit, the scale or the file is another one"
            )
        return Depth(
            values=np.where(valid, values, 0.0).astype(np.float32),
            valid=valid,
            kind=DepthKind.METRIC,
            intrinsics=camera,
        )
