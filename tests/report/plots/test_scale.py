"""A scale maps values to pixels and names round ones."""

import math

import pytest

from featherdepth.report.plots.scale import Scale, fit, nice_step, tick_labels


@pytest.mark.parametrize(("value", "pixel"), [(2.0, 10.0), (6.0, 110.0), (3.0, 35.0), (8.0, 160.0)])
def test_a_linear_scale_maps_by_a_straight_line(value: float, pixel: float) -> None:
    scale = Scale(low=2.0, high=6.0, start=10.0, end=110.0)

    assert scale(value) == pytest.approx(pixel)


def test_a_scale_may_run_upward_as_pixels_count_downward() -> None:
    scale = Scale(low=0.0, high=10.0, start=200.0, end=0.0)

    assert scale(2.5) == pytest.approx(150.0)


def test_a_log_scale_gives_every_factor_the_same_way() -> None:
    scale = Scale(low=0.01, high=100.0, start=0.0, end=400.0, log=True)

    assert [scale(v) for v in (0.01, 0.1, 1.0, 10.0)] == pytest.approx([0.0, 100.0, 200.0, 300.0])


@pytest.mark.parametrize(("least", "step"), [(0.3, 0.5), (1.0, 1.0), (0.11, 0.2), (7.0, 10.0)])
def test_steps_are_one_two_or_five_times_a_power_of_ten(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


def test_ticks_are_round_and_within_the_scale() -> None:
    scale = Scale(low=0.18, high=0.34, start=0.0, end=100.0)

    assert scale.ticks() == pytest.approx([0.2, 0.25, 0.3])


def test_log_ticks_are_decades_or_finer_where_few_fit() -> None:
    wide = Scale(low=0.001, high=1000.0, start=0.0, end=1.0, log=True)
    narrow = Scale(low=0.1, high=1.0, start=0.0, end=1.0, log=True)

    assert wide.ticks() == pytest.approx([0.001, 0.01, 0.1, 1, 10, 100, 1000])
    assert narrow.ticks() == pytest.approx([0.1, 0.2, 0.5, 1.0])


def test_a_log_scale_of_half_a_decade_still_has_ticks() -> None:
    assert len(Scale(low=2.1, high=4.9, start=0.0, end=1.0, log=True).ticks()) >= 3


def test_a_fitted_scale_ends_at_round_numbers_beyond_all_values() -> None:
    scale = fit([0.213, 0.306], 0.0, 1.0)

    assert (scale.low, scale.high) == pytest.approx((0.2, 0.32))


def test_what_must_be_on_the_scale_is_on_it() -> None:
    scale = fit([0.2, 0.3], 0.0, 1.0, include=[0.0])

    assert scale.low == 0.0


def test_values_that_are_no_numbers_are_left_out() -> None:
    scale = fit([None, math.nan, math.inf, 1.0, 2.0], 0.0, 1.0)

    assert (scale.low, scale.high) == pytest.approx((1.0, 2.0))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0], [0.0], [None]])
def test_a_scale_is_found_for_no_value_and_for_one(values: list[float | None], log: bool) -> None:
    scale = fit(values, 0.0, 1.0, log=log)

    assert scale.low < scale.high
    assert all(0.0 <= scale(v) <= 1.0 for v in values if v is not None and (v > 0 or not log))


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.2, 0.25, 0.3], ["0.20", "0.25", "0.30"]),
        ([-0.1, 0.0, 0.1], ["\N{MINUS SIGN}0.1", "0", "0.1"]),
        ([0.0, 2000.0, 4000.0], ["0", "2,000", "4,000"]),
        ([0.0, 2e6], ["0", "2e6"]),
        ([0.0, 2e-5], ["0", "2e\N{MINUS SIGN}5"]),
        ([0.1 * 3], ["0.3"]),
    ],
)
def test_labels_have_as_few_decimals_as_tell_them_apart(
    ticks: list[float], labels: list[str]
) -> None:
    assert tick_labels(ticks) == labels


def test_labels_of_a_log_scale_have_their_own_decimals() -> None:
    assert tick_labels([0.01, 0.1, 1.0, 10.0], log=True) == ["0.01", "0.1", "1", "10"]


@pytest.mark.parametrize(
    ("low", "high", "log"), [(1.0, 1.0, False), (2.0, 1.0, False), (0.0, 1.0, True)]
)
def test_a_scale_without_extent_is_refused(low: float, high: float, log: bool) -> None:
    with pytest.raises(ValueError, match="got"):
        Scale(low=low, high=high, start=0.0, end=1.0, log=log)
