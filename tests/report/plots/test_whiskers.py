"""Dots and whiskers stand at their values."""

import pytest

from featherdepth.report.plots.frame import WIDTH, Axis
from featherdepth.report.plots.whiskers import SIDE, Whisker, whisker_plot

X = Axis(label="rms")


def row(value: float, low: float, high: float, label: str = "after") -> Whisker:
    return Whisker(label=label, value=value, low=low, high=high, said=f"{value}", style="after")


def test_a_dot_stands_at_its_value_and_the_whisker_spans_its_interval(parts) -> None:
    plot = whisker_plot([row(2.0, 0.0, 4.0)], x=X, description="d")

    (dot,) = parts(plot, "circle")
    line, left, right = parts(plot, ".after")[:3]
    assert float(dot.get("cx")) == pytest.approx(WIDTH / 2)
    assert (float(line.get("x1")), float(line.get("x2"))) == (SIDE, WIDTH - SIDE)
    assert left.get("x1") == left.get("x2") == line.get("x1")
    assert right.get("x1") == right.get("x2") == line.get("x2")


def test_rows_are_named_with_their_value_from_top_to_bottom(parts) -> None:
    plot = whisker_plot([row(1.0, 0.5, 2.0, "a"), row(2.0, 1.0, 3.0, "<b>")], x=X, description="d")

    words = [e.text for e in parts(plot, "text")]
    heights = [float(e.get("cy")) for e in parts(plot, "circle")]
    assert words[-4:] == ["a", "1.0", "<b>", "2.0"]
    assert "rms" in words
    assert heights == sorted(heights)


def test_no_change_is_on_the_axis_even_if_all_values_are_below(parts) -> None:
    plot = whisker_plot([row(-2.0, -4.0, -1.0)], x=X, zero="no change", description="d")

    (zero,) = parts(plot, ".zero")
    assert float(zero.get("x1")) == pytest.approx(WIDTH - SIDE)
    assert "no change" in {e.text for e in parts(plot, "text")}


def test_a_long_name_is_cut_and_leaves_its_value_room(parts) -> None:
    plot = whisker_plot([row(1.0, 0.5, 2.0, "n" * 200)], x=X, description="d")

    (name,) = [e.text for e in parts(plot, "text") if (e.text or "").startswith("nn")]
    assert name.endswith("…")
    assert len(name) < 60


def test_an_interval_of_no_width_is_drawn(parts) -> None:
    plot = whisker_plot([row(0.3, 0.3, 0.3)], x=X, description="d")

    assert float(parts(plot, "circle")[0].get("cx")) == pytest.approx(WIDTH / 2, abs=1)
