"""Which measured points are wrong, and which only seem so."""

import tracemalloc

import numpy as np
import pytest

from featherdepth.geometry.anchors import nearest_others
from featherdepth.geometry.outliers import agreeing, confirmed


def scattered(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, (480, 640), (count, 2))


def test_neighbors_of_a_depth_camera_s_map_take_little_memory() -> None:
    places = np.argwhere(np.random.default_rng(0).random((240, 320)) < 0.9)

    tracemalloc.start()
    near = nearest_others(places, 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1600 * len(places)  # 4,400 bytes a point where all are sought at once
    away = np.abs(places[near] - places[:, None]).max(axis=(1, 2))
    assert away.max() <= 8


def test_true_points_on_something_small_are_confirmed_by_each_other() -> None:
    places = scattered(4000)
    near = nearest_others(places, 8)
    pole = np.abs(places[:, 1] - 320) < 6  # a pole that the map does not show
    depth = np.where(pole, np.log(2.0), np.log(4.0))
    ratio = np.where(pole, np.log(0.5), 0.0)

    assert agreeing(near, ratio)[pole].mean() < 0.4
    kept = confirmed(near, depth, ratio)
    assert kept[pole].mean() > 0.95  # but a few that nobody stands beside
    assert kept[~pole].all()


def test_one_wrong_point_is_not_confirmed_by_being_rare() -> None:
    near, wrong = nearest_others(scattered(4000), 8), 1234
    ratio = np.zeros(4000)
    ratio[wrong] = np.log(1.5)

    kept = confirmed(near, np.log(4.0) + ratio, ratio)

    assert np.flatnonzero(~kept).tolist() == [wrong]


def test_points_of_a_sensor_that_errs_need_company() -> None:
    places = scattered(4000)
    near = nearest_others(places, 8)
    random = np.random.default_rng(1)
    wrong = random.random(4000) < 0.05
    pole = (np.abs(places[:, 1] - 320) < 6) & ~wrong
    ratio = np.where(pole, np.log(0.5), np.where(wrong, random.uniform(-0.7, 0.7, 4000), 0.0))

    kept = confirmed(near, np.log(4.0) + ratio, ratio)

    assert kept[~wrong].mean() > 0.99
    assert agreeing(near, ratio)[pole].mean() < 0.4 < 0.8 < kept[pole].mean()
    assert (~kept)[wrong & (np.abs(ratio) > 0.1)].mean() > 0.75


def test_points_that_two_neighbors_measure_too_stay_whatever_the_map_says() -> None:
    places = scattered(4000)
    near = nearest_others(places, 8)
    pole = np.abs(places[:, 1] - 320) < 6
    depth, ratio = np.where(pole, np.log(2.0), np.log(4.0)), np.where(pole, np.log(0.5), 0.0)
    wrong = np.arange(4000) % 100 == 0
    wrong_ratio = np.where(wrong, np.linspace(0.6, 1.6, 4000), ratio)

    kept = agreeing(near, wrong_ratio, least=0.5, log_depth=depth + wrong_ratio - ratio)

    assert kept[pole & ~wrong].mean() > 0.9 > 0.4 > agreeing(near, ratio, least=0.5)[pole].mean()
    assert not kept[wrong].any()


@pytest.mark.parametrize("half", [3, 4])
def test_of_two_halves_that_contradict_each_other_neither_goes(half: int) -> None:
    near = nearest_others(scattered(2 * half), 8)
    ratio = np.repeat([0.0, 1.0], half)

    assert agreeing(near, ratio).all()
    assert confirmed(near, ratio, ratio).any()
