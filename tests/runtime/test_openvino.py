"""What OpenVINO asks of threads."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import numpy as np
import pytest

from featherdepth.runtime.backends.openvino import _network


class Counted:
    """Stands for a compiled model: counts the calls that run at once, of the first ones apart.

    Real ones hang when two threads make the first call, but in one process of a dozen.
    """

    def __init__(self) -> None:
        self.lock, self.running, self.finished = Lock(), 0, 0
        self.beside_the_first = self.most = 0

    def create_infer_request(self) -> "Counted":
        return self

    def infer(self, inputs: dict[int, np.ndarray]) -> list[np.ndarray]:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
            if not self.finished:
                self.beside_the_first = max(self.beside_the_first, self.running)
        time.sleep(0.1)
        with self.lock:
            self.running -= 1
            self.finished += 1
        return [inputs[0]]


@pytest.mark.parametrize("streams", [1, 2, 3])
def test_the_first_call_is_alone_and_later_ones_are_not(streams: int) -> None:
    compiled, together = Counted(), Barrier(4)
    network = _network(compiled, streams)

    def call(i: int) -> float:
        together.wait(timeout=10)
        return float(network(np.full((1, 3, 2, 2), i, np.float32)).mean())

    with ThreadPoolExecutor(4) as threads:
        first = list(threads.map(call, range(4)))
        later = list(threads.map(call, range(4, 8)))

    assert first + later == list(range(8))
    assert compiled.beside_the_first == 1
    assert compiled.most == streams
