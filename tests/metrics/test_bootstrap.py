"""Bootstrap intervals of a mean: seeded, vectorised, right on known cases."""

import numpy as np
import pytest

from featherdepth.metrics import bootstrap
from featherdepth.metrics.bootstrap import mean_intervals


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, (400, 2))


def test_the_width_is_that_of_the_normal_approximation(values: np.ndarray) -> None:
    low, high = mean_intervals(values, seed=0)

    half = 1.96 * values.std(axis=0) / np.sqrt(400)
    np.testing.assert_allclose(low, values.mean(axis=0) - half, atol=0.02)
    np.testing.assert_allclose(high, values.mean(axis=0) + half, atol=0.02)


def test_one_seed_gives_one_interval(values: np.ndarray) -> None:
    first, again, other = (mean_intervals(values, seed=s)[0] for s in (0, 0, 1))

    assert first.tolist() == again.tolist() != other.tolist()


def test_columns_are_resampled_together(values: np.ndarray) -> None:
    doubled = np.column_stack([values[:, 0], 2 * values[:, 0]])

    low, high = mean_intervals(doubled, seed=0)

    assert low[1] == pytest.approx(2 * low[0])
    assert high[1] == pytest.approx(2 * high[0])


def test_one_image_has_an_interval_without_width() -> None:
    low, high = mean_intervals(np.array([[0.25, 4.0]]), seed=0)

    assert low.tolist() == high.tolist() == [0.25, 4.0]


def test_a_wider_level_is_wider(values: np.ndarray) -> None:
    low95, high95 = mean_intervals(values, seed=0)
    low50, high50 = mean_intervals(values, seed=0, level=0.5)

    assert (low95 < low50).all()
    assert (high50 < high95).all()


def test_chunks_do_not_change_what_is_drawn_much(
    values: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mean_intervals(values, seed=0)
    monkeypatch.setattr(bootstrap, "CELLS", 7 * 400)

    parts = mean_intervals(values, seed=0)

    np.testing.assert_allclose(parts, whole)


def test_no_rows_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no rows"):
        mean_intervals(np.empty((0, 3)), seed=0)
