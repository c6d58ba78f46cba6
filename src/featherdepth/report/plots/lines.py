"""Line chart: one or more series over a common x."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from featherdepth.report.plots.element import Svg, drawing, element
from featherdepth.report.plots.frame import (
    BOTTOM,
    LEFT,
    LINE,
    RIGHT,
    WIDTH,
    Axis,
    Entry,
    legend,
    text,
    x_axis,
    y_axis,
)
from featherdepth.report.plots.scale import Scale, fit

HEIGHT = 190.0
"""Of the plotting area."""
MOST = 120
"""Points that a series is thinned to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One line. A y that is None or not finite (log: not above 0) leaves a gap."""

    label: str
    x: Sequence[float]
    y: Sequence[float | None]

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(f"{self.label}: {len(self.x)} x for {len(self.y)} y")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A vertical line with a few words."""

    x: float
    label: str = ""
    style: str = "mark"


def line_chart(
    series: Sequence[Series],
    *,
    x: Axis,
    y: Axis,
    description: str,
    marks: Sequence[Mark] = (),
    include: Sequence[float] = (),
) -> Svg:
    """Draw `series`; a single one goes without a legend, its name is the y axis' label.

    A series of more than `MOST` points is thinned: each point is then the mean of its neighbors.

    Args:
        include: values that must be on the y axis.
        description: for those who cannot see it.
    """
    series = [_thinned(s) for s in series]
    parts = [text(0.0, 12.0, y.label, style="label")]
    end = 12.0
    if len(series) > 1:
        entries = [Entry(style=style_of(i), label=s.label) for i, s in enumerate(series)]
        rows, end = legend(entries, 12.0 + LINE)
        parts += rows
    top = end + 12.0 + (LINE if any(m.label for m in marks) else 0.0)
    bottom, right = top + HEIGHT, WIDTH - RIGHT
    across = fit((v for s in series for v in s.x), LEFT, right, include=[m.x for m in marks])
    up = fit((v for s in series for v in s.y), bottom, top, log=y.log, include=include)
    parts += y_axis(up, y, left=LEFT, right=right)
    parts += x_axis(across, x, top=bottom - 4, bottom=bottom)
    for mark in marks:
        parts += _mark(mark, across(mark.x), top, bottom)
    for i, s in enumerate(series):
        parts += _line(s, across, up, style_of(i))
    return drawing(WIDTH, bottom + BOTTOM, description, *parts)


def style_of(index: int) -> str:
    """The class of the series at `index`: s1 to s6, over and over."""
    return f"s{index % 6 + 1}"


def _line(series: Series, across: Scale, up: Scale, style: str) -> list[Svg]:
    parts = []
    for piece in _pieces(series, log=up.log):
        points = [(across(x), up(y)) for x, y in piece]
        if len(points) == 1:
            (px, py) = points[0]
            parts.append(element("circle", cx=px, cy=py, r=3.0, class_=f"dot {style}"))
        else:
            path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
            parts.append(element("path", d=path, class_=f"line {style}"))
    return parts


def _pieces(series: Series, *, log: bool) -> Iterable[list[tuple[float, float]]]:
    piece: list[tuple[float, float]] = []
    for x, y in zip(series.x, series.y, strict=True):
        if y is not None and math.isfinite(y) and (y > 0 or not log):
            piece.append((x, y))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _thinned(series: Series) -> Series:
    size = math.ceil(len(series.x) / MOST)
    if size <= 1:
        return series
    x, y = [], []
    for start in range(0, len(series.x), size):
        found = [v for v in series.y[start : start + size] if v is not None and math.isfinite(v)]
        near = series.x[start : start + size]
        x.append(sum(near) / len(near))
        y.append(sum(found) / len(found) if found else None)
    return Series(label=series.label, x=x, y=y)


def _mark(mark: Mark, x: float, top: float, bottom: float) -> list[Svg]:
    line = element("line", x1=x, x2=x, y1=top - 4, y2=bottom, class_=mark.style)
    if not mark.label:
        return [line]
    anchor = "start" if x < WIDTH / 3 else "end" if x > 2 * WIDTH / 3 else "middle"
    return [line, text(x, top - 9, mark.label, anchor=anchor, style="note")]
