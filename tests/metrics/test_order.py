"""Order of pairs: by hand, by a loop, under increasing maps, and with the same pairs every time."""

import numpy as np
import pytest

from featherdepth.errors import InputError
from featherdepth.metrics import order

FIRST = np.array([0, 0, 0, 1, 1, 2])
SECOND = np.array([1, 2, 3, 2, 3, 3])


def test_one_swap_of_six_pairs_by_hand() -> None:
    truth, prediction = np.array([1.0, 2, 4, 8]), np.array([1.0, 3, 2, 8])

    assert order.whdr(prediction, truth, FIRST, SECOND) == pytest.approx(1 / 6)


def test_near_equality_counts_only_with_a_threshold_by_hand() -> None:
    truth, prediction = np.array([1.0, 1.01, 2, 4]), np.array([1.0, 1.2, 1.9, 1.91])

    assert order.whdr(prediction, truth, FIRST, SECOND) == 0
    # 1:1.01 is alike and 1:1.2 is not; 2:4 is not and 1.9:1.91 is.
    assert order.whdr_threshold(prediction, truth, FIRST, SECOND, tau=0.03) == pytest.approx(2 / 6)


def test_equality_is_an_order_of_its_own() -> None:
    one, other = np.array([0]), np.array([1])

    assert order.whdr(np.array([1.0, 1.0]), np.array([1.0, 1.0]), one, other) == 0
    assert order.whdr(np.array([1.0, 1.0]), np.array([1.0, 2.0]), one, other) == 1
    assert order.whdr(np.array([1.0, 2.0]), np.array([1.0, 1.0]), one, other) == 1


@pytest.mark.parametrize("seed", range(2))
def test_values_agree_with_a_loop_over_pairs(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(1, 30, 200) / 4.0  # with many ties
    prediction = truth + random.normal(0, 1, 200).round(1) + 5
    first, second = order.random_pairs(200, 0, "image")
    wrong = alike_wrong = 0
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        g, p = float(truth[i] - truth[j]), float(prediction[i] - prediction[j])
        wrong += (g > 0) - (g < 0) != (p > 0) - (p < 0)

        def says(a: float, b: float) -> int:
            if 1 / 1.03 <= a / b <= 1.03:
                return 0
            return 1 if a > b else -1

        alike_wrong += says(truth[i], truth[j]) != says(prediction[i], prediction[j])

    assert order.whdr(prediction, truth, first, second) == pytest.approx(wrong / 10_000, abs=1e-6)
    found = order.whdr_threshold(prediction, truth, first, second, tau=0.03)
    assert found == pytest.approx(alike_wrong / 10_000, abs=1e-6)


def test_whdr_is_the_same_after_any_increasing_map() -> None:
    random = np.random.default_rng(0)
    truth, prediction = random.uniform(1, 9, 500), random.uniform(1, 9, 500)
    pairs = order.random_pairs(500, 0, "a")

    value = order.whdr(prediction, truth, *pairs)

    assert order.whdr(np.exp(prediction) - 7, truth, *pairs) == value
    assert order.whdr(-prediction, truth, *pairs) == pytest.approx(1 - value, abs=0.02)


def test_pairs_are_disjoint_where_there_are_enough_pixels() -> None:
    enough = np.concatenate(order.random_pairs(20_000, 0, "a"))
    few = np.concatenate(order.random_pairs(19_999, 0, "a"))

    assert len(np.unique(enough)) == 20_000
    assert len(few) == 20_000
    assert len(np.unique(few)) < 15_000
    assert few.max() < 19_999


def test_pairs_depend_on_the_image_alone_and_not_on_global_state() -> None:
    np.random.seed(1)  # noqa: NPY002 - the state that unseeded code would draw from
    first = order.random_pairs(30_000, 0, "a")
    order.random_pairs(30_000, 0, "other")
    np.random.seed(2)  # noqa: NPY002
    again = order.random_pairs(30_000, 0, "a")

    assert all((x == y).all() for x, y in zip(first, again, strict=True))
    assert (order.random_pairs(30_000, 0, "b")[0] != first[0]).any()
    assert (order.random_pairs(30_000, 1, "a")[0] != first[0]).any()


def test_pair_accuracy_by_hand_reads_row_column_and_a_tie_is_wrong() -> None:
    farness = np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 6.0]])
    first = np.array([[0, 1], [1, 0], [1, 2], [1, 0]])
    second = np.array([[1, 0], [0, 1], [0, 0], [1, 1]])
    nearer = np.array([True, True, False, True])

    # 2 < 4 right; 4 < 2 wrong; 1 < 6 right; 4 and 4 no answer.
    assert order.pair_accuracy(farness, first, second, nearer) == 0.5


def test_a_model_that_knows_no_order_gets_no_point() -> None:
    points = np.array([[0, 0], [0, 1]]), np.array([[0, 1], [0, 0]])
    nearer = np.array([True, False])

    assert order.pair_accuracy(np.ones((1, 2)), *points, nearer) == 0


def test_a_point_outside_of_the_picture_is_refused() -> None:
    one = np.array([[0, 2]])

    with pytest.raises(InputError, match=r"point \(row 0, column 2\) outside of 2x3"):
        order.pair_accuracy(np.ones((3, 2)), one, one, np.array([True]))
    with pytest.raises(InputError, match="row -1"):
        order.pair_accuracy(np.ones((3, 2)), np.array([[-1, 0]]), one * 0, np.array([True]))
