"""What networks ask of the threads that call them."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import Any

import numpy as np
import pytest

from featherdepth.completion.model import CompletionModel
from featherdepth.errors import UsageError
from featherdepth.runtime.backends import onnx, openvino
from featherdepth.runtime.model import DepthModel
from featherdepth.types import Depth, DepthKind


class Counted:
    """Stands for what a backend opened: counts the calls that run at once, of the first ones apart.

    A session of onnxruntime serves any number. A compiled model of OpenVINO hangs when two threads
    make the first call, but in one process of a dozen.
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

    def run(self, _outputs: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        return self.infer({0: inputs["images"]})


def called_by_four(network: Any, numbers: range) -> list[float]:
    """The network's answers to four threads, the first calls together."""
    together = Barrier(4)

    def call(i: int) -> float:
        if i < 4:
            together.wait(timeout=10)
        return float(network(np.full((1, 3, 2, 2), i, np.float32)).mean())

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(call, numbers))


@pytest.mark.parametrize("streams", [1, 2, 3])
def test_openvino_makes_the_first_call_alone_and_later_ones_at_once(streams: int) -> None:
    compiled = Counted()
    network = openvino._network(compiled, streams)

    assert called_by_four(network, range(8)) == list(range(8))
    assert compiled.beside_the_first == 1
    assert compiled.most == streams


@pytest.mark.parametrize("streams", [1, 2, 3])
def test_onnxruntime_computes_no_more_calls_at_once_than_it_has_streams(streams: int) -> None:
    session = Counted()
    network = onnx._network(session, "images", streams)

    assert called_by_four(network, range(8)) == list(range(8))
    assert session.most == streams


@pytest.mark.parametrize("cls", [DepthModel, CompletionModel])
def test_of_no_stream_nothing_comes(cls: type[DepthModel] | type[CompletionModel]) -> None:
    with pytest.raises(UsageError, match="streams is 0; expected 1 or more"):
        cls.from_pretrained("small", streams=0)


def test_depth_that_is_known_has_streams_too() -> None:
    known = Depth(
        values=np.ones((4, 4), np.float32), valid=np.ones((4, 4), np.bool_), kind=DepthKind.METRIC
    )

    with pytest.raises(UsageError, match="streams is 0; expected 1 or more"):
        CompletionModel(known, streams=0)
