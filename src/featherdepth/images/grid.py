"""Pictures in rows and columns with words around them: a figure, by Pillow alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from jaxtyping import UInt8

Pixels = UInt8[np.ndarray, "_ _ 3"]
GAP = 4
"""Pixels between two pictures."""
BETWEEN = 14
"""Pixels between two blocks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Rows of pictures that belong together, and what stands beside them."""

    rows: Sequence[Sequence[Pixels]]
    """All of one size."""
    labels: Sequence[str]
    """One a row, written upward at its left."""
    legend: Pixels
    """At the right, as high as the rows with their gaps (`height_of`)."""


def height_of(rows: int, cell: int) -> int:
    """Pixels that rows of pictures of one height take together."""
    return rows * cell + (rows - 1) * GAP


def draw_grid(blocks: Sequence[Block], titles: Sequence[str], *, font_px: int) -> Pixels:
    """Put blocks below each other, on white.

    Args:
        titles: one a column, above the first block; too long ones are cut.
        font_px: of titles and labels.
    """
    side = 2 * font_px
    wide = max(block.rows[0][0].shape[1] for block in blocks)
    bar = max(block.legend.shape[1] for block in blocks)
    inner = len(titles) * (wide + GAP)
    heights = [height_of(len(block.rows), block.rows[0][0].shape[0]) for block in blocks]
    height = side + sum(heights) + BETWEEN * (len(blocks) - 1) + GAP
    canvas = PIL.Image.new("RGB", (side + inner + bar, height), "white")
    draw = PIL.ImageDraw.Draw(canvas)
    font = PIL.ImageFont.load_default(font_px)
    for number, title in enumerate(titles):
        place = (side + number * (wide + GAP) + wide // 2, side // 2)
        draw.text(place, _fitting(title, font, wide), fill="black", font=font, anchor="mm")
    top = side
    for block, whole in zip(blocks, heights, strict=True):
        _put(canvas, block, (top, side, wide))
        canvas.paste(PIL.Image.fromarray(block.legend), (side + inner, top))
        top += whole + BETWEEN
    return np.array(canvas)


def _put(canvas: PIL.Image.Image, block: Block, where: tuple[int, int, int]) -> None:
    top, left, wide = where
    cell = block.rows[0][0].shape[0]
    for number, (row, label) in enumerate(zip(block.rows, block.labels, strict=True)):
        y = top + number * (cell + GAP)
        canvas.paste(_upward(label, (left, cell)), (0, y))
        for column, pixels in enumerate(row):
            canvas.paste(PIL.Image.fromarray(pixels), (left + column * (wide + GAP), y))


def _upward(text: str, size: tuple[int, int]) -> PIL.Image.Image:
    """Words that run from the bottom to the top of a strip of (width, height)."""
    width, height = size
    strip = PIL.Image.new("RGB", (height, width), "white")
    font_px = width // 2
    font = PIL.ImageFont.load_default(font_px)
    while font_px > 8 and font.getlength(text) > height:
        font_px -= 1
        font = PIL.ImageFont.load_default(font_px)
    place = (height // 2, width // 2)
    fitting = _fitting(text, font, height)
    PIL.ImageDraw.Draw(strip).text(place, fitting, fill="black", font=font, anchor="mm")
    return strip.transpose(PIL.Image.Transpose.ROTATE_90)


def _fitting(
    text: str, font: PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont, width: int
) -> str:
    """The text, or as much of it as fits with three dots."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
