"""OpenVINO on the CPU: often the fastest, and bf16 where the CPU has it."""

import io
import logging
import shutil
import tempfile
from contextlib import nullcontext
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

import numpy as np
from jaxtyping import Float32

from featherdepth.errors import BackendError, RunError, WeightsError
from featherdepth.networks.folder import (
    SHA256,
    WEIGHTS,
    check_graph,
    check_weights,
    graph_name,
    read_graph,
)
from featherdepth.runtime.backends import Network, Precision
from featherdepth.runtime.cache import fetch, keep, key_of
from featherdepth.runtime.cpu import cpu_name
from featherdepth.runtime.exported import KEY, Exported, parse_exported
from featherdepth.runtime.intel import load_openvino
from featherdepth.types import Preset

openvino = load_openvino()

logger = logging.getLogger(__name__)

HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""What is computed in between, where a graph has 8-bit parts."""
_FIRST_CALL = Lock()
"""Held by the first call of a network. OpenVINO sets up parts of its Python side when they are
first needed, and waits for Python's global lock meanwhile: of two threads each can wait for what
the other holds (2026.4, 3 of 40 processes)."""


class OpenVino:
    """OpenVINO, float32, bfloat16 or 8 bits."""

    @staticmethod
    def open(
        folder: Path,
        preset: Preset,
        threads: int | None,
        precision: Precision,
        streams: int = 1,
        *,
        device: str | None = None,  # noqa: ARG004 - the CPU
    ) -> Network:
        """Load model.onnx with its weights from the folder and compile it for this CPU."""
        check_weights(folder, preset)
        core = openvino.Core()
        _check_precision(core, precision)
        graph = graph_name(precision)
        data = read_graph(folder, precision)
        settings = _settings(precision, threads, streams)
        key = _key(core, preset, data, settings)
        compiled = _kept(core, key, settings)
        if compiled is None:
            try:
                model = _read(core, folder, graph)
                _check_for(model, folder, preset)
                compiled = core.compile_model(model, "CPU", settings)
            except RuntimeError as error:
                reason = " ".join(str(error).split())
                raise WeightsError(
                    f"{folder / graph}: OpenVINO cannot load it: {reason}"
                ) from error
            _keep(compiled, key)
        return _network(compiled, streams)

    @staticmethod
    def open_file(path: Path, threads: int | None, streams: int = 1) -> tuple[Exported, Network]:
        """Load an .xml file that `featherdepth export` wrote, with the .bin beside it.

        Raises:
            UsageError: it does not say what its numbers mean: another program wrote it.
            WeightsError: one of the two cannot be read, or is damaged.
            BackendError: it computes in bf16, and this CPU does not.
        """
        beside = path.with_suffix(".bin")
        for file in (path, beside):
            if not file.is_file():
                raise WeightsError(f"{file}: not found; an OpenVINO model is an .xml and a .bin")
        core = openvino.Core()
        try:
            model = core.read_model(path, beside)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise WeightsError(f"{path}: OpenVINO cannot read it: {reason}") from error
        place = [KEY, "model"]
        text = str(model.get_rt_info(place).value) if model.has_rt_info(place) else None
        exported = parse_exported(text, path)
        names = [name for port in model.inputs for name in port.names]
        if exported.port not in names:
            raise WeightsError(
                f"{path}: its inputs are {', '.join(names)}, its metadata says {exported.port};"
                " export it anew"
            )
        precision: Precision = "bf16" if exported.precision == "bf16" else "fp32"
        _check_precision(core, precision)
        try:
            compiled = core.compile_model(model, "CPU", _settings(precision, threads, streams))
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise WeightsError(f"{path}: OpenVINO cannot load it: {reason}") from error
        network = _network(compiled, streams)
        return exported, lambda images: network(exported.fed(images))


def _network(compiled: Any, streams: int) -> Network:
    """A compiled model as a function that waits where more than `streams` threads call it."""
    idle: SimpleQueue[Any] = SimpleQueue()
    for _ in range(streams):
        idle.put(compiled.create_infer_request())
    called = False

    def run(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
        nonlocal called
        request = idle.get()
        try:
            with nullcontext() if called else _FIRST_CALL:
                # Copied: the request's own memory is overwritten by the next call.
                depth: Float32[np.ndarray, "b 1 h w"] = request.infer({0: images})[0].copy()
            called = True
        except RuntimeError as error:
            raise RunError(f"OpenVINO gave up: {' '.join(str(error).split())}") from error
        finally:
            idle.put(request)
        if not depth.size:  # without memory it says nothing
            raise RunError("OpenVINO gave up: an empty map")
        return depth

    return run


def _settings(precision: Precision, threads: int | None, streams: int) -> dict[str, object]:
    settings: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": HINTS[precision],
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    if streams > 1:
        settings["NUM_STREAMS"] = streams
    return settings


def computes_bf16(core: Any) -> bool:
    """Whether this CPU has arithmetic for it; where it has none, OpenVINO rounds as if, slowly."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _check_precision(core: Any, precision: Precision) -> None:
    if precision not in HINTS:
        raise BackendError(
            f"backend 'openvino' runs these weights in {' or '.join(HINTS)}, not {precision};"
            " leave --precision out"
        )
    if precision == "bf16" and not computes_bf16(core):
        name = core.get_property("CPU", "FULL_DEVICE_NAME")
        raise BackendError(f"precision 'bf16': {name} has no bf16 arithmetic; use --precision fp32")


def _key(core: Any, preset: Preset, graph: bytes, settings: dict[str, object]) -> str:
    """All that a compiled model depends on."""
    return key_of(
        (
            openvino.__version__,
            cpu_name(),
            " ".join(sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))),
            repr(sorted(settings.items())),
            preset.sha256,
            graph,
        )
    )


def _kept(core: Any, key: str, settings: dict[str, object]) -> Any:
    """The compiled model of an earlier process, or None: a fifth of the time."""
    data = fetch(key)
    if data is None:
        return None
    try:
        return core.import_model(io.BytesIO(data), "CPU", settings)
    except RuntimeError as error:
        logger.info("a compiled model cannot be used: %s", " ".join(str(error).split()))
        return None


def _keep(compiled: Any, key: str) -> None:
    try:
        data = compiled.export_model()
    except RuntimeError as error:
        logger.info("a compiled model cannot be kept: %s", " ".join(str(error).split()))
        return
    keep(key, data.getvalue() if isinstance(data, io.BytesIO) else bytes(data))


def _check_for(model: Any, folder: Path, preset: Preset) -> None:
    """Check that a graph which names its weights is for those of the folder."""
    place = ["framework", SHA256]
    stated = str(model.get_rt_info(place).value) if model.has_rt_info(place) else None
    check_graph(stated, folder, preset)


def _read(core: Any, folder: Path, graph: str) -> Any:
    """Read; by way of a copy where the files are links, as in the cache of a hub.

    OpenVINO follows no link that leads out of the graph's folder.
    """
    if not any((folder / name).is_symlink() for name in (graph, WEIGHTS)):
        return core.read_model(folder / graph)
    with tempfile.TemporaryDirectory(prefix="featherdepth-", ignore_cleanup_errors=True) as name:
        for file in (graph, WEIGHTS):
            shutil.copyfile(folder / file, Path(name, file))
        return core.read_model(Path(name, graph))
