"""Measures equal the values done by hand and by plain NumPy."""

import inspect
import math

import numpy as np
import pytest

from featherdepth.metrics import measures
from featherdepth.metrics.measures import LARGER_IS_BETTER, MEASURES

TRUTH = np.array([1.0, 2.0, 4.0, 8.0])
PREDICTION = np.array([1.1, 1.8, 5.0, 8.0])
BY_HAND = {
    "abs_rel": 0.1125,
    "sq_rel": 0.07,
    "rmse": 0.5123475,
    "rmse_log": 0.1322667,
    "mae": 0.325,
    "log10": 0.046015047,
    "silog": 12.106376,
    "delta1": 0.75,  # 5 / 4 is 1.25 exactly, which does not count
    "delta2": 1.0,
    "delta3": 1.0,
    "rmse_normalized": 0.5123475 / 8,
    "mae_normalized": 0.325 / 8,
}


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_value_equals_the_one_done_by_hand(name: str) -> None:
    assert MEASURES[name](PREDICTION, TRUTH) == pytest.approx(BY_HAND[name], rel=1e-6)


def test_the_affine_example_by_hand() -> None:
    truth, aligned = np.array([1.0, 3.0, 5.0, 8.0]), np.array([0.8, 3.1, 5.4, 7.7])

    assert measures.abs_rel(aligned, truth) == pytest.approx(0.0877083, abs=1e-7)
    assert measures.rmse(aligned, truth) == pytest.approx(0.2738613, abs=1e-7)
    assert measures.rmse_normalized(aligned, truth) == pytest.approx(0.0342327, abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_values_agree_with_a_loop_over_pixels(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.uniform(0.2, 9, 300)
    prediction = truth * np.exp(random.normal(0, 0.4, 300))
    n, pairs = 300, list(zip(prediction.tolist(), truth.tolist(), strict=True))
    logs = [math.log(p) - math.log(g) for p, g in pairs]
    mean_log = sum(logs) / n
    loop = {
        "abs_rel": sum(abs(p - g) / g for p, g in pairs) / n,
        "sq_rel": sum((p - g) ** 2 / g for p, g in pairs) / n,
        "rmse": math.sqrt(sum((p - g) ** 2 for p, g in pairs) / n),
        "rmse_log": math.sqrt(sum(e * e for e in logs) / n),
        "mae": sum(abs(p - g) for p, g in pairs) / n,
        "log10": sum(abs(math.log10(p / g)) for p, g in pairs) / n,
        "silog": 100 * math.sqrt(sum((e - mean_log) ** 2 for e in logs) / n),
        **{f"delta{k}": sum(max(p / g, g / p) < 1.25**k for p, g in pairs) / n for k in (1, 2, 3)},
    }

    for name, value in loop.items():
        assert MEASURES[name](prediction, truth) == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_perfect_prediction_gets_the_best_value(name: str) -> None:
    assert MEASURES[name](TRUTH, TRUTH) == (1.0 if name in LARGER_IS_BETTER else 0.0)


@pytest.mark.parametrize("name", ["abs_rel", "rmse_log", "log10", "delta1", "rmse_normalized"])
def test_the_unit_of_both_maps_changes_nothing(name: str) -> None:
    value = MEASURES[name](1000 * PREDICTION, 1000 * TRUTH)

    assert value == pytest.approx(MEASURES[name](PREDICTION, TRUTH), rel=1e-9)


def test_silog_is_blind_to_one_factor_and_never_nan() -> None:
    assert measures.silog(3 * PREDICTION, TRUTH) == pytest.approx(
        measures.silog(PREDICTION, TRUTH), rel=1e-9
    )
    # The radicand of this exact multiple comes out as -2e-15.
    truth = np.arange(1, 9.0)
    assert measures.silog(0.1 * truth, truth) == 0


def test_delta_counts_both_directions() -> None:
    assert measures.delta1(np.array([1.3, 1.0, 1.2]), np.array([1.0, 1.3, 1.0])) == pytest.approx(
        1 / 3
    )


def test_sums_over_many_pixels_stay_exact() -> None:
    truth = np.full(4_000_000, 0.1)

    assert measures.mae(truth + 1e-9, truth) == pytest.approx(1e-9, rel=1e-6)


def test_every_measure_is_documented() -> None:
    assert all(inspect.getdoc(function) for function in MEASURES.values())
