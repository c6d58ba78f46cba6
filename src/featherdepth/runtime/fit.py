"""Photos of any aspect ratio into the network, and where in its output they lie.

Up to 4:1 the whole input is photo. Beyond, a strip would be enlarged far past what networks are
trained on (the area of the input is fixed), so it is laid into a 2:1 input and its border pixels
are repeated around it. Measured on 32 strips of NYUv2 `val` each (6:1 and 10:1, lying and standing,
an early `small`): mean delta1 .612 with repeated borders, .597 with grey ones, .552 without.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float32

from featherdepth.geometry.parts import Window
from featherdepth.geometry.resize import Size, network_size, resize_planes
from featherdepth.images.decoded import picture_of
from featherdepth.images.prepare import prepare
from featherdepth.types import Image

LONGEST = 4.0
"""Aspect ratio up to which a photo fills the input."""
LAID_INTO = 2.0

AIR = 1.5
"""How much finer than the input a photo is decoded. A decoder shrinks by box filters, where the
resize behind it is antialiased: without air the maps of long photos moved by 1 % of their range."""


def decoded_side(size: int | Size) -> int:
    """Longest side in pixels from which more detail would not be seen.

    Args:
        size: of the network's input, as `network_size`: an edge N gives at most 2 N at 4:1.
    """
    return round(AIR * (2 * size if isinstance(size, int) else max(size)))


def fit(
    image: Image,
    *,
    size: int | Size,
    multiple: int,
    rule: Literal["keep", "stretch"],
    threads: int = 1,
) -> tuple[Float32[np.ndarray, "3 h w"], Window]:
    """The network's input for a photo, and the rows and columns of it that are photo.

    Args:
        size, multiple, rule: as `network_size`; a pair and "stretch" always fill the input.

    Raises:
        UsageError: a size that the network cannot take.
    """
    height, width = image.photo_size
    short, long = min(height, width), max(height, width)
    if not isinstance(size, int) or rule == "stretch" or long <= LONGEST * short:
        whole = prepare(image, size=size, multiple=multiple, rule=rule, threads=threads)
        return whole, (slice(None), slice(None))
    lying = width > height
    outer = (long / LAID_INTO, long) if lying else (long, long / LAID_INTO)
    rows, columns = network_size(round(outer[0]), round(outer[1]), size, multiple)
    inner = (
        max(1, round(rows * height / outer[0])) if lying else rows,
        columns if lying else max(1, round(columns * width / outer[1])),
    )
    top, left = (rows - inner[0]) // 2, (columns - inner[1]) // 2
    around = ((0, 0), (top, rows - inner[0] - top), (left, columns - inner[1] - left))
    laid = np.pad(resize_planes(picture_of(image), inner, threads=threads), around, mode="edge")
    return laid, (slice(top, top + inner[0]), slice(left, left + inner[1]))
