"""What plots share: size, axes, grid lines, legend."""

from collections.abc import Sequence
from dataclasses import dataclass

from featherdepth.report.plots.element import Svg, element
from featherdepth.report.plots.scale import Scale, tick_labels

WIDTH = 400.0
"""Of every plot, in its own units; text is 12 of them high, so it stays readable on a phone."""
LINE = 17.0
"""From one line of text to the next."""
LEFT, RIGHT, BOTTOM = 46.0, 14.0, 40.0
LETTER = 7.0
"""About the width of a letter: SVG cannot be asked for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """What stands at an axis."""

    label: str
    """With its unit."""
    log: bool = False
    percent: bool = False
    """Values are shares of 1, the ticks say percent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One row of a legend: the look of a series (`s1`, `s2`, ...) and its name."""

    style: str
    label: str


def cut(text: str, width: float) -> str:
    """`text`, shortened at its end to about `width` units."""
    letters = max(1, int(width / LETTER))
    return text if len(text) <= letters else text[: letters - 1] + "…"


def text(x: float, y: float, content: str, *, anchor: str = "start", style: str = "") -> Svg:
    """A line of text whose baseline is at y."""
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=style or None)


def x_axis(scale: Scale, axis: Axis, *, top: float, bottom: float) -> list[Svg]:
    """Grid lines from top to bottom, their values below, and the label in the middle."""
    parts = []
    ticks, labels = _ticks(scale, axis)
    for value, label in zip(ticks, labels, strict=True):
        x = scale(value)
        parts.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        parts.append(text(x, bottom + LINE, label, anchor="middle", style="tick"))
    middle = (scale.start + scale.end) / 2
    parts.append(text(middle, bottom + 2 * LINE, axis.label, anchor="middle", style="label"))
    return parts


def y_axis(scale: Scale, axis: Axis, *, left: float, right: float) -> list[Svg]:
    """Grid lines from left to right, and their values at the left."""
    parts = []
    ticks, labels = _ticks(scale, axis)
    for value, label in zip(ticks, labels, strict=True):
        y = scale(value)
        parts.append(element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(text(left - 6, y + 4, label, anchor="end", style="tick"))
    return parts


def legend(entries: Sequence[Entry], y: float) -> tuple[list[Svg], float]:
    """The names of the series in rows from `y` down, and where the last row ends."""
    parts: list[Svg] = []
    x, sample = 0.0, 22.0
    for entry in entries:
        label = cut(entry.label, WIDTH - sample - 6)
        width = sample + 6 + LETTER * len(label) + 14
        if x and x + width - 14 > WIDTH:
            x, y = 0.0, y + LINE
        parts.append(
            element("line", x1=x, x2=x + sample, y1=y - 4, y2=y - 4, class_=f"line {entry.style}")
        )
        parts.append(text(x + sample + 6, y, label))
        x += width
    return parts, y


def _ticks(scale: Scale, axis: Axis) -> tuple[list[float], list[str]]:
    ticks = scale.ticks()
    if axis.percent:
        labels = tick_labels([100 * v for v in ticks], log=scale.log)
        return ticks, [f"{label}\N{NO-BREAK SPACE}%" for label in labels]
    return ticks, tick_labels(ticks, log=scale.log)
