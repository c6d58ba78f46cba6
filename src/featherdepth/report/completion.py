"""The figure of completion: first stages side by side, aligned above and completed below."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from featherdepth.completion.complete import complete_map
from featherdepth.errors import InputError
from featherdepth.geometry.align_points import aligned_to
from featherdepth.geometry.resize import Size, resize_pixels
from featherdepth.geometry.span import span_of
from featherdepth.images.colormap import colorize, legend_of
from featherdepth.images.grid import Block, draw_grid, height_of
from featherdepth.runtime.model import DepthModel
from featherdepth.types import Depth, DepthKind, Image

Pixels = UInt8[np.ndarray, "_ _ 3"]
FIRST_COLUMN = "photo, points"
LABELS = ("first stage", "completed")
COVERED = 0.12
"""Share of the picture that dots cover, as long as they are of one pixel or more."""
LARGEST_DOT = 3.0
"""Radius in pixels."""
DARKENED = 0.4
"""What is left of the photo's brightness below the points: all colors stand out from it."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a figure looks."""

    width: int = 320
    """Of each picture in pixels."""
    cmap: str = "Spectral_r"

    @property
    def font_px(self) -> int:
        return max(10, self.width // 22)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A photo of the figure with what its colors stand for."""

    block: Block
    near: float
    """Meters of the warmest color."""
    far: float
    """Meters of the coldest color."""


def show(
    photo: Image,
    sparse: Depth,
    firsts: Mapping[str, DepthModel | Depth],
    *,
    method: str,
    size: int | Size | None = None,
    reject_outliers: bool = True,
    style: Style,
) -> Shown:
    """Complete one photo behind every first stage, and paint it.

    Colors run over all completed maps of the photo, between their 2 % and 98 % quantiles: the same
    color is the same depth in each of its pictures, the points included.

    Args:
        sparse: METRIC, at the photo's size.
        firsts: a model or known depth by the name of its column.
        method: a name of `featherdepth.completion.METHODS`.
        size: of the first stages' input.

    Raises:
        InputError: known depth of another size, or as `complete_map`.
        RunError: a network gave NaN or infinity, or memory ran out.
    """
    aligned, completed = list[Depth](), list[Depth]()
    for name, first in firsts.items():
        prior = first if isinstance(first, Depth) else first.infer_image(photo, size=size)
        if prior.size != photo.size:
            raise InputError(
                f"{photo.name}: {photo.size[1]}x{photo.size[0]} pixels, but {name} is known depth"
                f" of {prior.size[1]}x{prior.size[0]}; expected one size"
            )
        aligned.append(aligned_to(prior, sparse, reject_outliers=reject_outliers).depth)
        result = complete_map(
            prior, sparse, photo=photo, method=method, reject_outliers=reject_outliers
        )
        completed.append(result.depth)
    near, far = _range(completed)
    height = max(1, round(photo.size[0] * style.width / photo.size[1]))
    cell = (height, style.width)

    def painted(depth: Depth) -> Pixels:
        return resize_pixels(colorize(depth, cmap=style.cmap, limits=(near, far)), cell)

    small = resize_pixels(photo.pixels, cell)
    dots = _dots(small, sparse, (near, far), style.cmap)
    rows = [[small, *map(painted, aligned)], [dots, *map(painted, completed)]]
    high = height_of(len(rows), height)
    legend = legend_of((near, far), high, cmap=style.cmap, font_px=style.font_px * 4 // 5)
    return Shown(block=Block(rows=rows, labels=LABELS, legend=legend), near=near, far=far)


def assemble(shown: list[Shown], names: list[str], style: Style) -> Pixels:
    """The whole figure."""
    blocks = [one.block for one in shown]
    return draw_grid(blocks, [FIRST_COLUMN, *names], font_px=style.font_px)


def _range(maps: list[Depth]) -> tuple[float, float]:
    near, far = span_of(np.concatenate([depth.known for depth in maps]))
    if far - near < 0.01 * far:  # one depth alone: a percent to both sides
        near, far = 0.99 * near, 1.01 * far
    return near, far


def _dots(photo: Pixels, sparse: Depth, limits: tuple[float, float], cmap: str) -> Pixels:
    """The points in their colors on the faded photo, near ones on top."""
    height, width = photo.shape[:2]
    gray = photo.mean(axis=2, keepdims=True)
    canvas: Pixels = (DARKENED * gray + 16).repeat(3, axis=2).astype(np.uint8)
    rows, columns = np.nonzero(sparse.valid)
    meters = sparse.values[rows, columns]
    order = np.argsort(-meters, kind="stable")
    row, column = ((rows + 0.5) * height / sparse.size[0], (columns + 0.5) * width / sparse.size[1])
    row, column = row[order].astype(np.int64), column[order].astype(np.int64)
    known = Depth(
        values=meters[order][None],
        valid=np.ones((1, len(order)), dtype=np.bool_),
        kind=DepthKind.METRIC,
    )
    colors = colorize(known, cmap=cmap, limits=limits)[0]
    radius = min(LARGEST_DOT, float(np.sqrt(COVERED * height * width / (np.pi * len(order)))))
    reach = int(radius)
    near = range(-reach, reach + 1)
    offsets = [(y, x) for y in near for x in near if y * y + x * x <= radius * radius]
    # Point by point, so that a near one lies over a far one with its whole dot.
    y = (row[:, None] + [dy for dy, _ in offsets]).clip(0, height - 1)
    x = (column[:, None] + [dx for _, dx in offsets]).clip(0, width - 1)
    canvas[y, x] = colors[:, None]
    return canvas
