"""Each fit by hand, and what it does with predictions that cannot be fitted."""

import numpy as np
import pytest

from featherdepth.metrics import alignment
from featherdepth.metrics.alignment import FITS

RAW = np.array([1.0, 4.0, 5.0])
TARGET = np.array([1.0, 2.0, 6.0])


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("scale_median", 1.0),  # median of 1, 1/2, 6/5
        ("scale_rom", 0.5),  # 2 / 4
        ("scale_lsq", 39 / 42),
    ],
)
def test_three_scales_are_three_numbers_by_hand(name: str, factor: float) -> None:
    assert FITS[name](RAW, TARGET) == pytest.approx(factor * RAW)


def test_scale_and_shift_by_hand() -> None:
    fitted = alignment.scale_shift(np.array([0.0, 1, 2, 3]), np.array([1.0, 3, 5, 8]))

    assert fitted == pytest.approx([0.8, 3.1, 5.4, 7.7])


def test_the_absolute_fit_ignores_a_few_outliers_where_least_squares_do_not() -> None:
    raw = np.linspace(0, 5, 101)
    target = 2 * raw + 1
    target[::10] = 60.0

    fitted = alignment.scale_shift_l1(raw, target)
    squares = alignment.scale_shift(raw, target)

    assert fitted == pytest.approx(2 * raw + 1, abs=1e-6)
    assert squares is not None
    assert np.abs(squares - (2 * raw + 1)).max() > 1


@pytest.mark.parametrize("seed", range(3))
def test_the_absolute_fit_is_as_good_as_the_best_line_through_two_pixels(seed: int) -> None:
    # The least sum of absolute errors is reached by a line through two of the points.
    random = np.random.default_rng(seed)
    raw, target = random.uniform(0, 4, 40), random.uniform(1, 9, 40)
    target = target + 1.5 * raw

    fitted = alignment.scale_shift_l1(raw, target)

    def cost(values: np.ndarray) -> float:
        return float(np.sum(np.abs(values - target) / target))

    lines = [
        cost((target[i] - target[j]) / (raw[i] - raw[j]) * (raw - raw[i]) + target[i])
        for i in range(40)
        for j in range(i)
    ]
    assert fitted is not None
    assert cost(fitted) == pytest.approx(min(lines), rel=1e-6)


@pytest.mark.parametrize("name", sorted(FITS))
def test_upside_down_predictions_are_not_turned_over(name: str) -> None:
    assert FITS[name](-RAW, TARGET) is None


@pytest.mark.parametrize("name", ["scale_shift", "scale_shift_l1"])
def test_a_constant_has_no_scale_and_shift(name: str) -> None:
    assert FITS[name](np.full(3, 2.0), TARGET) is None


@pytest.mark.parametrize("below", [0.0, -3.0])
def test_a_median_of_ratios_takes_values_not_above_zero_as_short_of_any_scale(
    below: float,
) -> None:
    raw, target = np.array([1.0, below, 4.0, 5.0, 1.0]), np.array([1.0, 9, 2, 6, 3])

    fitted = alignment.scale_median(raw, target)  # median of 1, inf, 1/2, 6/5, 3

    assert fitted == pytest.approx(1.2 * raw)


def test_a_median_of_ratios_needs_most_values_above_zero() -> None:
    assert alignment.scale_median(np.array([0.0, 1.0]), np.array([1.0, 2.0])) is None


def test_large_pictures_are_fitted_on_an_even_selection() -> None:
    raw = np.linspace(1, 2, 2 * alignment.L1_PIXELS + 1)

    assert alignment.scale_shift_l1(raw, 3 * raw + 1) == pytest.approx(3 * raw + 1)
