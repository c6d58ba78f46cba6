"""NYU Depth V2: what all of its layouts share."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from featherdepth.data.benchmark import Benchmark, Published
from featherdepth.data.usual import Usual
from featherdepth.geometry.parts import Box, box_within
from featherdepth.types import Image, Intrinsics, Sample

SIZE = (480, 640)
"""(height, width) of the registered pictures."""
TERMS = "NYU Depth V2 (class B: research, no redistribution of the images)"
PAIRS, TRAIN, TEST = 1449, 795, 654
HIGHEST_M = 10.5
"""The sensor gives up at 10 m; the largest value of all 1,449 maps is 9.995 m."""


def published(**counts: int) -> Published:
    """The numbers of one layout: maps look the same in all."""
    return Published(counts=counts, median=(0.3, 10.0), highest=HIGHEST_M)


def usual(valid: tuple[float, float] | None = None) -> Usual:
    """What the set looks like; `valid` is the share of pixels with truth."""
    return Usual(unit="metres", median=(1.5, 4.0), valid=valid)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaledConfig:
    """`root`: the file, or the folder of the files. `scale`: metres of one unit of the depth."""

    root: Path
    split: str | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"scale {self.scale} is not above 0")


class Nyu(Benchmark):
    """Base of the readers: maps of the full frame, whose rim shows nothing."""

    terms = TERMS

    def usable(self, index: int) -> Box:
        """Eigen's crop: the rest is a white frame."""
        return eigen_box(self._size(index))

    def _pair(
        self, index: int, pixels: UInt8[np.ndarray, "h w 3"], metres: Float[np.ndarray, "h w"]
    ) -> Sample:
        """Truth where `metres` are finite and above 0; errors as `_truth`."""
        key, intrinsics = self.keys[index], camera(*metres.shape)
        return Sample(
            key=key,
            image=Image(pixels=np.ascontiguousarray(pixels), intrinsics=intrinsics, name=key),
            depth=self._truth(metres, np.isfinite(metres) & (metres > 0), key, intrinsics),
        )


def camera(height: int, width: int) -> Intrinsics:
    """The RGB camera, for pictures of the full frame.

    The toolbox counts pixels from 1 (cx 325.58245, cy 253.73617); here the first is 0.
    """
    full = Intrinsics.given(518.85790, 519.46961, 324.58245, 252.73617, size=SIZE)
    return full.resized(height, width)


def eigen_box(size: tuple[int, int]) -> Box:
    """Rows 45:471, columns 41:601 of 480x640 at the stored size, rounded inwards.

    Outside lies a white frame without picture; Eigen, Puhrsch, Fergus 2014.
    """
    return box_within((45, 41, 471, 601), SIZE, size)
