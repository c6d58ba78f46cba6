"""NYU Depth V2: what all of its layouts share."""

import math

from featherdepth.data.benchmark import Published
from featherdepth.data.reader import Box
from featherdepth.data.usual import Usual
from featherdepth.types import Intrinsics

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


def camera(height: int, width: int) -> Intrinsics:
    """The RGB camera, for pictures of the full frame.

    The toolbox counts pixels from 1 (cx 325.58245, cy 253.73617); here the first is 0.
    """
    full = Intrinsics(
        fx=518.85790,
        fy=519.46961,
        cx=324.58245,
        cy=252.73617,
        height=SIZE[0],
        width=SIZE[1],
        source="given",
    )
    return full.resized(height, width)


def eigen_box(height: int, width: int) -> Box:
    """Rows 45:471, columns 41:601 of 480x640 at the stored size, rounded inwards.

    Outside lies a white frame without picture; Eigen, Puhrsch, Fergus 2014.
    """
    top, left = math.ceil(45 * height / SIZE[0]), math.ceil(41 * width / SIZE[1])
    bottom, right = 471 * height // SIZE[0], 601 * width // SIZE[1]
    return (top, left, bottom - top, right - left)
