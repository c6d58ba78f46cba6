"""Boundary F1 by hand, by a loop, and blind to scale."""

import numpy as np
import pytest

from featherdepth.metrics.boundary import boundary_f1


def all_valid(values: np.ndarray) -> np.ndarray:
    return np.ones(values.shape, dtype=np.bool_)


def box(size: int = 8) -> np.ndarray:
    """A near square before a far wall: edges in all four directions."""
    depth = np.full((size, size), 4.0)
    depth[2:6, 2:6] = 2.0
    return depth


def by_loop(prediction: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> float:
    height, width = truth.shape
    total = weights = 0.0
    for t in np.linspace(1.05, 1.25, 10):
        precision = recall = 0.0
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            both = found = wanted = 0
            for y in range(height):
                for x in range(width):
                    v, u = y + dy, x + dx
                    if not (0 <= v < height and 0 <= u < width and valid[y, x] and valid[v, u]):
                        continue
                    # Ratio of inverse depths: how much farther the neighbor is.
                    p = max(prediction[v, u], 1e-6) / max(prediction[y, x], 1e-6) > t
                    g = max(truth[v, u], 1e-6) / max(truth[y, x], 1e-6) > t
                    both, found, wanted = both + (p and g), found + p, wanted + g
            precision += 0.25 * both / max(found, 1)
            recall += 0.25 * both / max(wanted, 1)
        total += t * (2 * precision * recall / (precision + recall) if precision + recall else 0)
        weights += t
    return total / weights


def test_two_by_two_by_hand() -> None:
    truth, prediction = np.array([[1.0, 2], [1, 2]]), np.array([[1.0, 1.5], [1, 1]])

    assert boundary_f1(prediction, truth, all_valid(truth)) == pytest.approx(1 / 6, abs=1e-7)
    # Perfect, but three directions have no edge and count 0.
    assert boundary_f1(truth, truth, all_valid(truth)) == pytest.approx(0.25)


def test_a_perfect_prediction_of_a_box_gets_one_and_a_flat_one_nothing() -> None:
    truth = box()

    assert boundary_f1(truth, truth, all_valid(truth)) == pytest.approx(1)
    assert boundary_f1(np.full_like(truth, 3), truth, all_valid(truth)) == 0


@pytest.mark.parametrize("seed", range(2))
def test_values_agree_with_a_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = box() * random.uniform(0.9, 1.1, (8, 8))
    prediction = truth * random.uniform(0.85, 1.15, (8, 8))
    valid = random.uniform(size=(8, 8)) > 0.1

    found = boundary_f1(prediction, truth, valid)

    assert found == pytest.approx(by_loop(prediction, truth, valid), abs=1e-6)
    assert 0.1 < found < 0.95


def test_one_factor_on_the_prediction_changes_nothing() -> None:
    truth = box()
    prediction = truth * np.random.default_rng(0).uniform(0.9, 1.1, truth.shape)

    value = boundary_f1(prediction, truth, all_valid(truth))

    assert boundary_f1(7 * prediction, truth, all_valid(truth)) == pytest.approx(value)


def test_what_stands_in_holes_makes_no_edge() -> None:
    truth = box()
    valid = all_valid(truth)
    valid[0, 0] = False
    holed = truth.copy()
    holed[0, 0] = 0.0

    assert boundary_f1(truth, holed, valid) == pytest.approx(1)
