"""Measures of whole maps as a protocol takes them: by hand, and beside plain NumPy."""

from dataclasses import replace

import numpy as np
import pytest

from featherdepth.metrics import map_measures, order
from featherdepth.metrics.map_measures import DECLARED, MAP_MEASURES, SEED, View
from featherdepth.metrics.measures import MEASURES
from featherdepth.metrics.order import pair_accuracy
from featherdepth.metrics.protocols import load_protocol
from featherdepth.metrics.score_maps import score_map
from featherdepth.types import Depth, DepthKind, Intrinsics

METRIC, DISPARITY = DepthKind.METRIC, DepthKind.AFFINE_INVARIANT_DISPARITY
LENS = Intrinsics(fx=6.0, fy=5.0, cx=3.2, cy=1.9, width=7, height=5, source="given")


def depth(values: np.ndarray, kind: DepthKind = METRIC, valid: np.ndarray | None = None) -> Depth:
    known = np.ones(values.shape, dtype=np.bool_) if valid is None else valid
    height, width = values.shape
    return Depth(
        values=np.where(known, values, 0).astype(np.float32),
        valid=known,
        kind=kind,
        intrinsics=replace(LENS, width=width, height=height),
    )


def view_of(prediction: np.ndarray, truth: np.ndarray, chosen: np.ndarray) -> View:
    p, g = prediction[chosen], truth[chosen]
    return View(key="a", chosen=chosen, truth=g, aligned=p, farness=p, camera=LENS)


def signs_whdr(p: np.ndarray, g: np.ndarray, i: np.ndarray, j: np.ndarray) -> float:
    return float(np.mean(((g[i] > g[j]) != (p[i] > p[j])) | ((g[i] < g[j]) != (p[i] < p[j]))))


def ratio_whdr(p: np.ndarray, g: np.ndarray, i: np.ndarray, j: np.ndarray) -> float:
    def says(values: np.ndarray) -> np.ndarray:
        farther = (values[i] / values[j] > 1.03).astype(int)
        return farther - (values[i] / values[j] < 1 / 1.03).astype(int)

    return float(np.mean(says(g) != says(p)))


def edges_f1(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> float:
    """F1 from shifted copies with a border of holes."""

    def shifted(values: np.ndarray, axis: int, step: int) -> np.ndarray:
        wide = np.pad(values, 1)
        return np.roll(wide, -step, axis)[1:-1, 1:-1]

    steps = [(axis, step) for axis in (0, 1) for step in (1, -1)]
    thresholds = np.array([1.05 + k * 0.2 / 9 for k in range(10)])
    scores = []
    for t in thresholds:
        shares = []
        for axis, step in steps:
            known = valid & shifted(valid, axis, step)
            a, b = ((shifted(m, axis, step) > t * m) & known for m in (p, g))
            shares.append([(a & b).sum() / max(m.sum(), 1) for m in (a, b)])
        precision, recall = np.mean(shares, axis=0)
        scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return float((np.array(scores) * thresholds).sum() / thresholds.sum())


def points_error(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> float:
    rows, columns = np.mgrid[:5, :7]
    rays = np.stack([(columns - 3.2) / 6, (rows - 1.9) / 5, np.ones((5, 7))])
    return float(np.sqrt((((p - g) * rays) ** 2).sum(axis=0))[valid].mean())


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_every_measure_of_a_map_agrees_with_plain_numpy(seed: int, holes: float) -> None:
    random = np.random.default_rng(seed)
    truth = random.uniform(1, 4, (5, 7))
    prediction = truth * random.uniform(0.8, 1.25, (5, 7))
    truth[2:, 3:], prediction[1:, 4:] = 2.0, 2.5  # flat parts: ties of order, and no edges
    chosen = random.random((5, 7)) >= holes
    chosen[0, :2] = True
    view = view_of(prediction, truth, chosen)
    p, g = prediction[chosen], truth[chosen]
    expected = {
        "whdr": signs_whdr(p, g, *order.random_pairs(p.size, SEED, "a")),
        "whdr_3": ratio_whdr(p, g, *order.random_pairs(p.size, SEED, "a")),
        "boundary_f1": edges_f1(prediction, truth, chosen),
        "cloud_error": points_error(prediction, truth, chosen),
    }

    assert set(expected) == set(MAP_MEASURES)
    for name, value in expected.items():
        assert MAP_MEASURES[name].of(view) == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("seed", range(6))
def test_the_accuracy_of_pairs_agrees_with_plain_numpy(seed: int) -> None:
    random = np.random.default_rng(seed)
    farness = random.integers(0, 6, (5, 7)).astype(np.float32)  # with ties
    first, second = (
        np.stack([random.integers(0, 5, 40), random.integers(0, 7, 40)], axis=1) for _ in "ab"
    )
    nearer = random.random(40) < 0.5
    difference = farness[first[:, 0], first[:, 1]] - farness[second[:, 0], second[:, 1]]
    right = (difference < 0) & nearer | (difference > 0) & ~nearer

    found = pair_accuracy(farness, first, second, nearer)

    assert found == pytest.approx(right.sum() / 40, abs=1e-6)


def test_values_by_hand_through_a_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    # All six pairs of four pixels; 1:1.01 are alike and 1:1.2 are not, 2:4 not and 1.9:1.91 are.
    pairs = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 2, 3, 2, 3, 3])
    monkeypatch.setattr(map_measures.order, "random_pairs", lambda *_: pairs)
    truth = depth(np.array([[1, 1.01], [2, 4]]))
    prediction = depth(np.array([[1, 1.2], [1.9, 1.91]]))
    rules = replace(load_protocol("metric"), measures=tuple(MAP_MEASURES))

    values = score_map(rules, prediction, truth).values

    assert values["whdr"] == 0
    assert values["whdr_3"] == pytest.approx(2 / 6)
    # Lens: rays at (columns 0, 1; rows 0, 1) minus (3.2, 1.9), over 6 and 5.
    lengths = [np.hypot(np.hypot((u - 3.2) / 6, (v - 1.9) / 5), 1) for v in (0, 1) for u in (0, 1)]
    errors = np.array([0, 0.19, 0.1, 2.09])
    assert values["cloud_error"] == pytest.approx(float(np.mean(errors * lengths)), rel=1e-6)
    # Up and left nothing gets nearer in the truth, and those directions count 0. To the right the
    # truth has 2:4 alone, where p is flat, and p has 1:1.2 alone: up to t = 1.2 nothing in common.
    # Downwards both of both: 1 and 1.01 over 2 and 4, and in p 1:1.9 and 1.2:1.91.
    # So P and R are a quarter each, at every t.
    assert values["boundary_f1"] == pytest.approx(0.25)


def test_order_is_that_of_the_prediction_as_it_came_and_disparity_counts_backwards() -> None:
    truth = depth(np.linspace(1, 8, 40).reshape(5, 8))
    rules = replace(load_protocol("midas"), measures=("whdr", "whdr_3"))

    right = score_map(rules, depth(1 / truth.values, DISPARITY), truth).values
    wrong = score_map(rules, depth(truth.values, DISPARITY), truth).values

    assert right["whdr"] == pytest.approx(0, abs=1e-12)
    assert right["whdr_3"] == pytest.approx(0, abs=2e-3)  # inverted in 24 bits, at the threshold
    assert wrong["whdr"] > 0.95  # but for pairs of a pixel with itself


def test_every_declared_measure_has_both_checks() -> None:
    by_pixel = set(MEASURES)  # tests/metrics/test_measures.py holds both dictionaries to this set
    assert set(DECLARED) == by_pixel | set(MAP_MEASURES) | {"pair_accuracy"}
