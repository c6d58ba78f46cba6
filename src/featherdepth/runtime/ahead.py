"""What other threads do ahead: the next items, whose results this one takes in order; opening."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from jaxtyping import Float32

from featherdepth.errors import InputError
from featherdepth.runtime.backends import Network
from featherdepth.runtime.cpu import cores

T = TypeVar("T")
R = TypeVar("R")

WORKERS = min(4, cores())


def work_ahead(
    items: Iterable[T], work: Callable[[T], R], *, workers: int = WORKERS
) -> Generator[tuple[T, R | InputError], None, None]:
    """Yield each item with what `work` made of it, or with the InputError it raised, in order.

    At most `workers` + 1 results wait at a time, however many items there are.
    """
    source = iter(items)
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="ahead") as pool:
        try:
            for item in islice(source, workers + 1):
                waiting.append((item, pool.submit(work, item)))
            while waiting:
                item, future = waiting.popleft()
                try:
                    result: R | InputError = future.result()
                except InputError as error:
                    result = error
                for following in islice(source, 1):
                    waiting.append((following, pool.submit(work, following)))
                yield item, result
        finally:  # the caller stopped early
            for _, future in waiting:
                future.cancel()


def opened_ahead(opening: Callable[[], Network]) -> Network:
    """A network that another thread opens; a call waits for it, and raises what opening raised."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="open")
    opened = pool.submit(opening)
    pool.shutdown(wait=False)

    def call(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
        return opened.result()(images)

    return call
