"""The picture of a benchmark: a row for each model, its time and what 95 % of the calls took."""

from typing import Any

from featherdepth.report.page import TEMPLATES
from featherdepth.report.plots.element import Svg, element
from featherdepth.report.plots.frame import Axis
from featherdepth.report.plots.whiskers import Whisker, whisker_plot

STYLES = ("s1", "s2", "s3", "s4", "s5", "s6")


def speed_picture(document: dict[str, Any]) -> bytes:
    """A document of `benchmark` as an SVG that stands by itself, in light and dark."""
    rows = document["rows"]
    slowest = max(row["median_ms"] for row in rows)
    drawn = [
        Whisker(
            label=row["name"],
            value=row["median_ms"],
            low=row["median_ms"],
            high=row["p95_ms"],
            said=f"{row['median_ms']:.1f} ms" + _times(slowest / row["median_ms"]),
            style=STYLES[i % len(STYLES)],
        )
        for i, row in enumerate(rows)
    ]
    said = "; ".join(f"{row['name']} {row['median_ms']:.1f} ms" for row in rows)
    plot = whisker_plot(
        drawn,
        x=Axis(label="ms a photo: median to 95 %"),
        description=f"Time of a network call: {said}",
        zero="0",
    )
    return alone(plot).text.encode()


def _times(ratio: float) -> str:
    return f", {ratio:.1f} x" if ratio > 1 else ""


def alone(plot: Svg) -> Svg:
    """With the look inside, and a namespace: a file is read without a page around it."""
    css = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    head, _, rest = plot.text.partition(">")
    ground = Svg('<rect class="back" width="100%" height="100%"/>')
    style = element("style", Svg(css))
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"')
    return Svg(f"{head}>{style}{ground}{rest}")
