"""Timings in pairs, and what is told from them."""

import time

import numpy as np
import pytest

from featherdepth.evaluation.speed.timing import interleave, interval, ratios, spread


def test_calls_take_turns_and_who_is_first_rotates() -> None:
    order: list[str] = []
    rounds = []

    times = interleave(
        {name: lambda name=name: order.append(name) for name in "abc"},
        rounds=3,
        warmup=1,
        done=lambda: rounds.append(len(order)),
    )

    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
    assert rounds == [3, 6, 9, 12]
    assert {name: len(values) for name, values in times.items()} == dict.fromkeys("abc", 3)


def test_times_are_milliseconds_of_the_rounds_that_count() -> None:
    waits = iter([0.05, 0.01, 0.01, 0.01])

    times = interleave({"a": lambda: time.sleep(next(waits))}, rounds=3, warmup=1)["a"]

    assert (times >= 10).all()
    assert np.median(times) < 40  # the warm-up of 50 ms is not among them


def test_a_ratio_is_the_median_over_neighbors_and_not_of_medians() -> None:
    # The machine slows down to a half in the middle: each pair still says 2.
    a, b = np.array([2.0, 2.0, 4.0, 4.0, 40.0]), np.array([1.0, 1.0, 2.0, 2.0, 20.0])

    found = ratios({"a": a, "b": b}, "a")

    assert found == {"b": {"median": 2.0, "low": 2.0, "high": 2.0}}


def test_an_interval_holds_its_median_and_narrows_with_more_rounds() -> None:
    random = np.random.default_rng(1)
    few, many = (interval(random.normal(1.0, 0.1, count)) for count in (9, 900))

    for found in (few, many):
        assert found["low"] <= found["median"] <= found["high"]
    assert many["high"] - many["low"] < 0.3 * (few["high"] - few["low"])


def test_spread_by_hand() -> None:
    assert spread(np.arange(101.0)) == {"median": 50.0, "p95": pytest.approx(95.0)}
