"""Measures equal the values done by hand and by plain NumPy, and say what they are."""

import math

import numpy as np
import pytest

from featherdepth.metrics.map_measures import DECLARED, measures_table
from featherdepth.metrics.measures import MEASURES, Errors

TRUTH = np.array([1.0, 2.0, 4.0, 8.0])
PREDICTION = np.array([1.1, 1.8, 5.0, 8.0])
BY_HAND = {
    "abs_rel": 0.1125,
    "sq_rel": 0.07,
    "sq_rel_norm": 0.020625,
    "rmse": 0.5123475,
    "rmse_log": 0.1322667,
    "mae": 0.325,
    "log10": 0.046015047,
    "silog": 12.106376,
    "delta1": 0.75,  # 5 / 4 is 1.25 exactly, which does not count
    "delta2": 1.0,
    "delta3": 1.0,
    "bad_pixels": 0.0,  # nor does it count as bad
    "rmse_normalized": 0.5123475 / 8,
    "mae_normalized": 0.325 / 8,
    "rmse_mm": 512.3475,
    "mae_mm": 325.0,
    "irmse": 58.844886,
    "imae": 49.116162,
}


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_value_equals_the_one_done_by_hand(name: str) -> None:
    assert MEASURES[name](PREDICTION, TRUTH) == pytest.approx(BY_HAND[name], rel=1e-6)


def test_the_affine_example_by_hand() -> None:
    truth, aligned = np.array([1.0, 3.0, 5.0, 8.0]), np.array([0.8, 3.1, 5.4, 7.7])

    assert MEASURES["abs_rel"](aligned, truth) == pytest.approx(0.0877083, abs=1e-7)
    assert MEASURES["rmse"](aligned, truth) == pytest.approx(0.2738613, abs=1e-7)
    assert MEASURES["rmse_normalized"](aligned, truth) == pytest.approx(0.0342327, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_values_agree_with_a_loop_over_pixels(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.uniform(0.2, 9, 300)
    prediction = truth * np.exp(random.normal(0, 0.4, 300))
    n, pairs = 300, list(zip(prediction.tolist(), truth.tolist(), strict=True))
    logs = [math.log(p) - math.log(g) for p, g in pairs]
    mean_log, top = sum(logs) / n, max(truth.tolist())
    loop = {
        "abs_rel": sum(abs(p - g) / g for p, g in pairs) / n,
        "sq_rel": sum((p - g) ** 2 / g for p, g in pairs) / n,
        "sq_rel_norm": sum((p - g) ** 2 / g**2 for p, g in pairs) / n,
        "rmse": math.sqrt(sum((p - g) ** 2 for p, g in pairs) / n),
        "rmse_log": math.sqrt(sum(e * e for e in logs) / n),
        "mae": sum(abs(p - g) for p, g in pairs) / n,
        "log10": sum(abs(math.log10(p / g)) for p, g in pairs) / n,
        "silog": 100 * math.sqrt(sum((e - mean_log) ** 2 for e in logs) / n),
        **{f"delta{k}": sum(max(p / g, g / p) < 1.25**k for p, g in pairs) / n for k in (1, 2, 3)},
        "bad_pixels": 100 * sum(max(p / g, g / p) > 1.25 for p, g in pairs) / n,
        "rmse_normalized": math.sqrt(sum((p / top - g / top) ** 2 for p, g in pairs) / n),
        "mae_normalized": sum(abs(p / top - g / top) for p, g in pairs) / n,
        "rmse_mm": math.sqrt(sum((1000 * p - 1000 * g) ** 2 for p, g in pairs) / n),
        "mae_mm": sum(abs(1000 * p - 1000 * g) for p, g in pairs) / n,
        "irmse": math.sqrt(sum((1 / (p / 1000) - 1 / (g / 1000)) ** 2 for p, g in pairs) / n),
        "imae": sum(abs(1 / (p / 1000) - 1 / (g / 1000)) for p, g in pairs) / n,
    }

    assert set(loop) == set(MEASURES)
    for name, value in loop.items():
        assert MEASURES[name](prediction, truth) == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_perfect_prediction_gets_the_best_value(name: str) -> None:
    assert MEASURES[name](TRUTH, TRUTH) == (1.0 if MEASURES[name].better == "larger" else 0.0)


@pytest.mark.parametrize(
    "name",
    ["abs_rel", "sq_rel_norm", "rmse_log", "log10", "delta1", "bad_pixels", "rmse_normalized"],
)
def test_the_unit_of_both_maps_changes_nothing(name: str) -> None:
    value = MEASURES[name](1000 * PREDICTION, 1000 * TRUTH)

    assert MEASURES[name].unit in ("1", "%")
    assert value == pytest.approx(MEASURES[name](PREDICTION, TRUTH), rel=1e-9)


def test_silog_is_blind_to_one_factor_is_in_percent_and_never_nan() -> None:
    silog = MEASURES["silog"]

    assert silog(3 * PREDICTION, TRUTH) == pytest.approx(silog(PREDICTION, TRUTH), rel=1e-9)
    # Of two pixels, one e times too far: the spread of (0, 1) is a half, times 100.
    assert silog(np.array([1.0, math.e]), np.array([1.0, 1.0])) == pytest.approx(50)
    # The radicand of this exact multiple comes out as -2e-15.
    truth = np.arange(1, 9.0)
    assert silog(0.1 * truth, truth) == 0


def test_delta_counts_both_directions() -> None:
    value = MEASURES["delta1"](np.array([1.3, 1.0, 1.2]), np.array([1.0, 1.3, 1.0]))

    assert value == pytest.approx(1 / 3)


def test_inverse_depth_of_a_tiny_prediction_counts_as_zero() -> None:
    truth = np.array([2.0, 2.0])

    # 500 / km of truth stand alone at 1e-4 m and below; just above, 1/p is huge.
    assert MEASURES["imae"](np.array([1e-4, 2.0]), truth) == pytest.approx(250)
    assert MEASURES["irmse"](np.array([1e-4, 2.0]), truth) == pytest.approx(500 / math.sqrt(2))
    assert MEASURES["imae"](np.array([1.1e-4, 2.0]), truth) > 1e6


def test_sums_over_many_pixels_stay_exact() -> None:
    truth = np.full(4_000_000, 0.1)

    assert MEASURES["mae"](truth + 1e-9, truth) == pytest.approx(1e-9, rel=1e-6)


def test_moments_pool_to_the_value_of_all_pixels_together() -> None:
    for name, measure in MEASURES.items():
        if name.endswith("_normalized"):
            continue  # each image has its own largest truth
        halves = [measure.moments(Errors(PREDICTION[i], TRUTH[i])) for i in ([0], [1, 2, 3])]
        pooled = tuple(np.average(m, weights=[1, 3]) for m in zip(*halves, strict=True))

        assert measure.finish(pooled) == pytest.approx(BY_HAND[name], rel=1e-6), name


def test_every_measure_is_declared_once_with_definition_source_unit_and_direction() -> None:
    table = measures_table().splitlines()

    assert len(table) == 2 + len(DECLARED)
    for name, measure in DECLARED.items():
        assert measure.name == name
        assert measure.definition
        assert measure.source
        assert measure.unit in ("1", "m", "mm", "1/km", "%")
        assert measure.better in ("smaller", "larger")
        assert sum(f"| `{name}` |" in line for line in table) == 1
    better = {name for name, measure in DECLARED.items() if measure.better == "larger"}
    assert better == {"delta1", "delta2", "delta3", "boundary_f1", "pair_accuracy"}
