"""A paired scatter has equal scales, and dots below the diagonal have the smaller y."""

import pytest

from featherdepth.report.plots.frame import LEFT, RIGHT, WIDTH, Axis
from featherdepth.report.plots.scatter import MOST, Pair, paired_scatter

X, Y = Axis(label="before"), Axis(label="after")


def scatter(*pairs: tuple[float, float]):
    rows = [Pair(x=x, y=y, label=f"{x} {y} <i>") for x, y in pairs]
    return paired_scatter(rows, x=X, y=Y, description="d")


def test_dots_stand_at_their_values_on_equal_scales(parts) -> None:
    plot = scatter((1.0, 1.0), (0.5, 0.0))

    same, other = parts(plot, "circle")
    assert float(same.get("cx")) == pytest.approx(WIDTH - RIGHT)
    assert float(other.get("cx")) == pytest.approx((LEFT + WIDTH - RIGHT) / 2)
    across, up = (float(same.get(k)) - float(other.get(k)) for k in ("cx", "cy"))
    assert up == pytest.approx(-2 * across)


def test_the_diagonal_joins_equal_values(parts) -> None:
    plot = scatter((1.0, 1.0), (0.0, 0.0))

    (line,) = parts(plot, ".zero")
    high, low = parts(plot, "circle")
    assert (line.get("x2"), line.get("y2")) == (high.get("cx"), high.get("cy"))
    assert (line.get("x1"), line.get("y1")) == (low.get("cx"), low.get("cy"))


def test_dots_say_whether_they_improved_and_which_photo_they_are(parts) -> None:
    plot = scatter((1.0, 0.5), (0.5, 1.0), (0.7, 0.7))

    assert [len(parts(plot, f".{k}")) for k in ("better", "worse", "equal")] == [1, 1, 1]
    assert parts(plot, "title")[0].text == "1.0 0.5 <i>"


def test_of_very_many_pairs_an_even_part_is_drawn(parts) -> None:
    plot = scatter(*((i / 1e4, i / 1e4) for i in range(10_000)))

    assert MOST / 2 < len(parts(plot, "circle")) <= MOST
