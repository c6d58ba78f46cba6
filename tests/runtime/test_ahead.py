"""Reading ahead keeps order, passes faults on, and never runs far ahead."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from featherdepth.errors import InputError, WeightsError
from featherdepth.runtime.ahead import opened_ahead, work_ahead
from featherdepth.runtime.backends import Network


def test_results_come_in_order_whatever_finishes_first() -> None:
    def read(i: int) -> int:
        time.sleep(0.02 if i % 2 == 0 else 0)
        return 10 * i

    assert list(work_ahead(range(8), read, workers=3)) == [(i, 10 * i) for i in range(8)]


def test_a_photo_that_cannot_be_read_is_an_error_in_its_place() -> None:
    def read(i: int) -> int:
        if i == 1:
            raise InputError("one: broken")
        return i

    (_, first), (item, fault), (_, last) = work_ahead(range(3), read)

    assert (first, item, last) == (0, 1, 2) and isinstance(fault, InputError)


def test_any_other_error_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(work_ahead([0], lambda i: 1 // i))


def test_items_are_taken_as_they_are_needed() -> None:
    taken = []

    def endless() -> Iterator[int]:
        i = 0
        while True:
            taken.append(i)
            yield i
            i += 1

    stream = work_ahead(endless(), lambda i: i, workers=2)
    for _ in range(5):
        next(stream)
    stream.close()

    assert len(taken) <= 5 + 3


def test_reading_overlaps_with_the_caller() -> None:
    reading = threading.Event()

    def read(i: int) -> int:
        if i == 1:
            reading.set()
        return i

    stream = work_ahead(range(3), read, workers=1)
    next(stream)

    assert reading.wait(timeout=5)  # the second is read while we still hold the first
    stream.close()


def test_a_network_is_opened_while_others_go_on_and_calls_wait_for_it() -> None:
    may_open = threading.Event()

    def opening() -> Network:
        may_open.wait(10)
        return lambda images: 2 * images

    network = opened_ahead(opening)  # returns, though nothing is open
    threading.Timer(0.05, may_open.set).start()

    image = np.ones((1, 3, 2, 2), dtype=np.float32)
    assert (network(image) == 2).all() and (network(image) == 2).all()


def test_what_opening_raises_is_raised_by_each_call() -> None:
    def opening() -> Network:
        raise WeightsError("damaged")

    network = opened_ahead(opening)
    for _ in range(2):
        with pytest.raises(WeightsError, match="damaged"):
            network(np.ones((1, 3, 2, 2), dtype=np.float32))
