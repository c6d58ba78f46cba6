"""Dot-and-whisker plot: a value and its interval a row."""

from collections.abc import Sequence
from dataclasses import dataclass

from featherdepth.report.plots.element import Svg, drawing, element
from featherdepth.report.plots.frame import BOTTOM, LETTER, WIDTH, Axis, cut, text, x_axis
from featherdepth.report.plots.scale import fit

ROW = 40.0
SIDE = 16.0
CAP = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Whisker:
    """A row: what it is, its value and interval, the value as text, and its look."""

    label: str
    value: float
    low: float
    high: float
    said: str
    style: str = "s1"


def whisker_plot(
    rows: Sequence[Whisker], *, x: Axis, description: str, zero: str | None = None
) -> Svg:
    """Draw `rows` from top to bottom; each names its value above its whisker.

    Args:
        zero: with it, 0 is on the axis as a strong line with these words.
        description: for those who cannot see it.
    """
    top = 22.0 if zero else 2.0
    bottom = top + ROW * len(rows)
    ends = [v for row in rows for v in (row.value, row.low, row.high)]
    across = fit(ends, SIDE, WIDTH - SIDE, include=() if zero is None else (0.0,))
    parts = x_axis(across, x, top=top, bottom=bottom)
    if zero is not None:
        middle = across(0.0)
        half = LETTER * len(zero) / 2
        at = min(max(middle, half), WIDTH - half)
        parts.append(element("line", x1=middle, x2=middle, y1=top - 6, y2=bottom, class_="zero"))
        parts.append(text(at, 11.0, zero, anchor="middle", style="note"))
    for i, row in enumerate(rows):
        y = top + ROW * i
        start, dot, end = across(row.low), across(row.value), across(row.high)
        width = WIDTH - LETTER * len(row.said) - 10
        parts += [
            *_on_paper(0.0, y + 14, cut(row.label, width)),
            *_on_paper(WIDTH, y + 14, row.said, anchor="end", style="value"),
            element("line", x1=start, x2=end, y1=y + 27, y2=y + 27, class_=f"line {row.style}"),
            *(
                element(
                    "line", x1=e, x2=e, y1=y + 27 - CAP, y2=y + 27 + CAP, class_=f"line {row.style}"
                )
                for e in (start, end)
            ),
            element("circle", cx=dot, cy=y + 27, r=4.5, class_=f"dot {row.style}"),
        ]
    return drawing(WIDTH, bottom + BOTTOM, description, *parts)


def _on_paper(
    x: float, y: float, words: str, *, anchor: str = "start", style: str = ""
) -> list[Svg]:
    """Words that lines behind them do not strike through."""
    width = LETTER * len(words)
    left = x if anchor == "start" else x - width
    back = element("rect", x=left, y=y - 12, width=width, height=16, class_="back")
    return [back, text(x, y, words, anchor=anchor, style=style)]
