"""Reading ahead keeps order, passes faults on, and never runs far ahead."""

import threading
import time
from collections.abc import Iterator

import pytest

from featherdepth.errors import InputError
from featherdepth.runtime.ahead import work_ahead


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
