"""Background that a scanner beside the camera saw through edges, found and left out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from featherdepth.data.patterns.base import with_values
from featherdepth.types import Depth

WINDOW_PX = 7


@dataclass(frozen=True, slots=True)
class Unbleed:
    """Samples more than SHARE deeper than the nearest one of the 7x7 pixels around are left out.

    For real scans, whose background shows through the edges of what stands before it. Ground far
    away is as steep and goes too.
    """

    share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.share <= 10:
            raise ValueError(f"share {self.share:g}; expected above 0, up to 10")

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        return without_bleeding(sparse, share=self.share)


def without_bleeding(
    sparse: Depth, *, share: float | None = 0.1, metres: float | None = None
) -> Depth:
    """Leave out samples far behind the nearest one around them.

    A sample z goes where z > nearest + max(share * nearest, metres); `share=None, metres=1.5` is
    the published rule for streets. Conti et al., "Sparsity agnostic depth completion", 2022.

    Args:
        share: of the nearest depth; None for no such part.
        metres: None for no such part.

    Raises:
        ValueError: neither is given.
    """
    if share is None and metres is None:
        raise ValueError("neither a share nor metres; expected one of them")
    nearest = _least_around(np.where(sparse.valid, sparse.values, np.float32(np.inf)))
    nearest[~sparse.valid] = 0  # of no use there, and infinity times 0 would be no number
    slack = np.maximum(nearest * np.float32(share or 0), np.float32(metres or 0))
    behind = sparse.valid & (sparse.values > nearest + slack)
    return with_values(sparse, np.where(behind, np.float32(0), sparse.values))


def _least_around(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """The least of each window, rows first and then columns."""
    reach = WINDOW_PX // 2
    least = values
    for axis in (0, 1):
        length = values.shape[axis]
        around = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(least, around, constant_values=np.inf)
        shifted = [np.take(padded, np.arange(i, i + length), axis) for i in range(WINDOW_PX)]
        least = np.minimum.reduce(shifted)
    return least
