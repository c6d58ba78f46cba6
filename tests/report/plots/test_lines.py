"""A line chart puts each value at its pixel and names its axes and series."""

import math
import re
from xml.etree import ElementTree

import pytest

from featherdepth.report.plots.frame import LEFT, RIGHT, WIDTH, Axis
from featherdepth.report.plots.lines import HEIGHT, MOST, Mark, Series, line_chart, style_of

X, Y = Axis(label="training step"), Axis(label="loss")


def points(path: ElementTree.Element) -> list[tuple[float, float]]:
    numbers = [float(n) for n in re.findall(r"[\d.]+", path.get("d", ""))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_values_lie_where_the_axes_say(parts) -> None:
    chart = line_chart(
        [Series(label="a", x=[0.0, 50.0, 100.0], y=[0.0, 1.0, 2.0])], x=X, y=Y, description="d"
    )

    (path,) = parts(chart, "path")
    (x0, y0), (x1, y1), (x2, y2) = points(path)
    assert (x0, x2) == (LEFT, WIDTH - RIGHT)
    assert x1 == pytest.approx((x0 + x2) / 2, abs=0.1)
    assert y1 == pytest.approx((y0 + y2) / 2, abs=0.1)
    assert y0 - y2 == pytest.approx(HEIGHT, abs=0.2)  # upward is less


def test_a_log_axis_gives_factors_the_same_height(parts) -> None:
    chart = line_chart(
        [Series(label="a", x=[0.0, 1.0, 2.0], y=[0.01, 0.1, 1.0])],
        x=X,
        y=Axis(label="loss", log=True),
        description="d",
    )

    (_, low), (_, middle), (_, high) = points(parts(chart, "path")[0])
    assert low - middle == pytest.approx(middle - high, abs=0.2)


def test_axes_ticks_and_series_are_named(parts) -> None:
    chart = line_chart(
        [Series(label=name, x=[0.0, 1000.0], y=[0.0, 0.4]) for name in ("kl", "<b>")],
        x=X,
        y=Y,
        description="two losses",
    )

    words = {e.text for e in parts(chart, "text")}
    assert {"training step", "loss", "kl", "<b>", "0.2", "400", "1,000"} <= words
    assert chart.text.startswith("<svg")
    assert 'aria-label="two losses"' in chart.text


def test_a_single_series_has_no_legend(parts) -> None:
    chart = line_chart([Series(label="kl", x=[0.0, 1.0], y=[0.0, 1.0])], x=X, y=Y, description="d")

    assert "kl" not in {e.text for e in parts(chart, "text")}


@pytest.mark.parametrize("gap", [None, math.nan, math.inf])
def test_a_value_that_is_no_number_is_a_gap(parts, gap: float | None) -> None:
    series = Series(label="a", x=[0.0, 1.0, 2.0, 3.0, 4.0], y=[1.0, 2.0, gap, 2.0, 1.0])

    chart = line_chart([series], x=X, y=Y, description="d")

    assert [len(points(p)) for p in parts(chart, "path")] == [2, 2]


def test_a_point_alone_is_a_dot(parts) -> None:
    chart = line_chart([Series(label="a", x=[3.0], y=[2.0])], x=X, y=Y, description="d")

    assert len(parts(chart, "circle")) == 1
    assert not parts(chart, "path")


def test_a_value_that_has_no_logarithm_is_a_gap(parts) -> None:
    series = Series(label="a", x=[0.0, 1.0, 2.0], y=[0.0, 0.1, 1.0])

    chart = line_chart([series], x=X, y=Axis(label="l", log=True), description="d")

    assert [len(points(p)) for p in parts(chart, "path")] == [2]


def test_a_long_series_is_thinned_to_means_of_neighbors(parts) -> None:
    count = 4 * MOST
    y = [float(i % 2) for i in range(count)]

    chart = line_chart(
        [Series(label="a", x=[float(i) for i in range(count)], y=y)],
        x=X,
        y=Y,
        description="d",
        include=[0.0, 1.0],
    )

    found = points(parts(chart, "path")[0])
    assert len(found) == MOST
    ends = [float(e.get("y1")) for e in parts(chart, ".grid") if e.get("y1") == e.get("y2")]
    middle = (min(ends) + max(ends)) / 2
    assert all(py == pytest.approx(middle, abs=0.1) for _, py in found)  # means of 0, 1, 0, 1


def test_marks_stand_at_their_step_with_their_words(parts) -> None:
    chart = line_chart(
        [Series(label="a", x=[0.0, 100.0], y=[0.0, 1.0])],
        x=X,
        y=Y,
        marks=[Mark(x=50.0, label="kept", style="kept")],
        description="d",
    )

    (mark,) = parts(chart, ".kept")
    assert float(mark.get("x1")) == pytest.approx((LEFT + WIDTH - RIGHT) / 2)
    assert "kept" in {e.text for e in parts(chart, "text")}


def test_series_look_different_and_repeat_only_after_six() -> None:
    assert [style_of(i) for i in (0, 1, 5, 6)] == ["s1", "s2", "s6", "s1"]


def test_a_chart_of_nothing_is_empty_axes(parts) -> None:
    chart = line_chart([Series(label="a", x=[], y=[])], x=X, y=Y, description="d")

    assert not parts(chart, "path")
    assert parts(chart, ".grid")


def test_series_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="a: 1 x for 2 y"):
        Series(label="a", x=[1.0], y=[1.0, 2.0])
