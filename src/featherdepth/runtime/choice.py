"""What `auto` stands for: the fastest of what is installed, that this CPU is made for, and that was
seen to lose nothing.

In 8 bits a call of `small` takes 0.42 (OpenVINO) to 0.46 times (onnxruntime) as long on a CPU with
AVX-512 VNNI, and 0.6 times on one with AVX2 alone. bfloat16 takes 0.55 times as long where the CPU
has instructions for it (AVX-512 BF16).
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast, get_args

from featherdepth.errors import UsageError
from featherdepth.networks.folder import GRAPH, GRAPH_INT8
from featherdepth.runtime.backends import FASTEST_FIRST, Precision, available, choose
from featherdepth.runtime.cpu import faster_in_8_bits, multiplies_in_bf16
from featherdepth.runtime.exported import SUFFIXES
from featherdepth.types import Preset

logger = logging.getLogger(__name__)

AUTO = "auto"
CPU = (None, "cpu")
"""Devices on which every backend computes."""
MOST_RISE = 0.01
"""Relative rise of abs_rel over fp32 up to which `auto` takes a precision."""


def choose_for(folder: Path, preset: Preset, backend: str, precision: str) -> tuple[str, Precision]:
    """Backend and precision for a model folder.

    Args:
        backend, precision: names, or "auto".

    Raises:
        UsageError: an unknown name.
        BackendError: the backend is not installed.
    """
    if precision != AUTO:
        return _backend_for(folder, backend), precision_named(precision)
    for name, fast in _fastest(folder):
        if preset.verified.get(fast, 1.0) <= MOST_RISE and backend in (AUTO, name):
            return name, fast
    return _backend_for(folder, backend), "fp32"


def backend_on(device: str | None, name: str) -> str:
    """The backend for a device: torch's, for other devices than the CPU.

    Raises:
        UsageError: a backend that computes on the CPU alone.
    """
    if device in CPU:
        return name
    if name in FASTEST_FIRST:
        raise UsageError(f"backend {name!r} runs on the CPU, not on {device}; leave it out")
    return "torch" if name == AUTO else name


def precision_named(name: str) -> Precision:
    """A precision by its name; "auto" is fp32, where nothing is known about others.

    Raises:
        UsageError: there is none of that name.
    """
    if name == AUTO:
        return "fp32"
    if name not in get_args(Precision):
        raise UsageError(f"precision {name!r} is unknown; expected auto, fp32, bf16 or int8")
    return cast(Precision, name)


def repeatable(reference: object, precision: str) -> str:
    """The precision for results that must not hang on the machine: "auto" is fp32.

    An exported file keeps its own.
    """
    file = Path(str(reference)).suffix in SUFFIXES
    return "fp32" if precision == AUTO and not file else precision


def _fastest(folder: Path) -> Iterator[tuple[str, Precision]]:
    """What this CPU is made for, in the order of speed."""
    graph, graph_int8 = (folder / GRAPH).exists(), (folder / GRAPH_INT8).exists()
    if graph_int8 and faster_in_8_bits():
        yield from ((name, "int8") for name in ("openvino", "onnx") if available(name))
    if graph and available("openvino") and multiplies_in_bf16():
        yield "openvino", "bf16"


def _backend_for(folder: Path, name: str) -> str:
    """Pick the backend; without model.onnx (a run in progress) "auto" falls back to torch."""
    if name == AUTO and not (folder / GRAPH).exists() and available("torch"):
        logger.warning("%s: has no %s; torch is used instead", folder, GRAPH)
        return "torch"
    return choose(name)
