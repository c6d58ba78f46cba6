"""What computes: one file a backend, each a class with the members of `Backend`."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from jaxtyping import Float32

from featherdepth.errors import BackendError
from featherdepth.registry import Registry
from featherdepth.types import Preset

Precision = Literal["fp32", "bf16", "int8"]
Network = Callable[[Float32[np.ndarray, "b c h w"]], Float32[np.ndarray, "b d h w"]]
"""RGB in 0..1 to raw depth, at the input's size. Threads may call it; some wait for others.

RunError: the backend gave up, for lack of memory as a rule.
"""

BACKENDS = Registry(
    "backend",
    {
        "onnx": "featherdepth.runtime.backends.onnx:Onnx",
        "openvino": "featherdepth.runtime.backends.openvino:OpenVino",
        "torch": "featherdepth.runtime.backends.pytorch:PyTorch",
        "torch-compile": "featherdepth.runtime.backends.pytorch:Compiled",
    },
)

PACKAGES = {
    "onnx": "onnxruntime",
    "openvino": "openvino",
    "torch": "torch",
    "torch-compile": "torch",
}
EXTRAS = {
    "onnx": "featherdepth",
    "openvino": "featherdepth[openvino]",
    "torch": "featherdepth[train]",
    "torch-compile": "featherdepth[train]",
}
FASTEST_FIRST = ("openvino", "onnx")
"""What `auto` picks from; torch takes 2 s to import and is slower on a CPU."""
SLOW_TO_START = "torch-compile"
"""Taken where it is named alone: its first call takes a minute."""


class Backend(Protocol):
    """A way to run the graph of a model folder."""

    @staticmethod
    def open(
        folder: Path,
        preset: Preset,
        threads: int | None,
        precision: Precision,
        streams: int = 1,
        *,
        device: str | None = None,
    ) -> Network:
        """Load a model folder whose config.json is `preset`; the sha256 is checked here.

        Args:
            threads: of all calls together; by default what the backend takes.
            streams: calls that are computed at once, by those threads together; more of them
                wait. A backend that cannot computes one after the other.
            device: "cpu", or what torch calls another; None for the usual one.

        Raises:
            BackendError: the backend cannot compute at this precision here.
            WeightsError: the folder lacks what the backend reads.
        """
        ...


def available(name: str) -> bool:
    """Whether the package behind a backend is installed; it is not imported."""
    return find_spec(PACKAGES[name]) is not None


def choose(name: str) -> str:
    """The backend that `name` stands for; "auto" is the fastest that is installed.

    Raises:
        UsageError: no such backend.
        BackendError: its package is not installed; the message has the install line.
    """
    if name == "auto":
        name = next((n for n in FASTEST_FIRST if available(n)), FASTEST_FIRST[-1])
    if name not in BACKENDS:
        BACKENDS.load(name)  # raises, with the nearest name
    if not available(name):
        raise BackendError(
            f"backend {name!r} needs {PACKAGES[name]}, which is not installed;"
            f" pip install '{EXTRAS[name]}'"
        )
    return name
