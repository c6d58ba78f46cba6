"""Paired scatter: one dot a pair of values on a common scale, with the line of no change."""

from collections.abc import Sequence
from dataclasses import dataclass

from featherdepth.report.plots.element import Svg, drawing, element
from featherdepth.report.plots.frame import (
    BOTTOM,
    LEFT,
    RIGHT,
    WIDTH,
    Axis,
    text,
    x_axis,
    y_axis,
)
from featherdepth.report.plots.scale import fit

MOST = 1500
"""Dots drawn; of more pairs, evenly spread ones are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A dot; the label shows when a pointer rests on it."""

    x: float
    y: float
    label: str


def paired_scatter(pairs: Sequence[Pair], *, x: Axis, y: Axis, description: str) -> Svg:
    """Draw `pairs` over equal scales from 0; dots below the diagonal have the smaller y.

    Args:
        description: for those who cannot see it.
    """
    shown = pairs[:: -(-len(pairs) // MOST)] if len(pairs) > MOST else pairs
    left, right, top = LEFT, WIDTH - RIGHT, 24.0
    bottom = top + right - left
    values = [v for p in shown for v in (p.x, p.y)]
    across = fit(values, left, right, include=(0.0,))
    up = fit(values, bottom, top, include=(0.0,))
    parts = [text(0.0, 12.0, y.label, style="label")]
    parts += y_axis(up, y, left=left, right=right)
    parts += x_axis(across, x, top=top, bottom=bottom)
    parts.append(element("line", x1=left, x2=right, y1=bottom, y2=top, class_="zero"))
    parts.append(text(right - 34, top + 18, "no change", anchor="end", style="note"))
    parts += [
        element(
            "circle",
            element("title", p.label),
            cx=across(p.x),
            cy=up(p.y),
            r=3.2,
            class_="point " + ("better" if p.y < p.x else "worse" if p.y > p.x else "equal"),
        )
        for p in shown
    ]
    return drawing(WIDTH, bottom + BOTTOM, description, *parts)
