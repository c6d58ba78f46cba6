"""onnxruntime on the CPU: the backend of the core installation."""

import logging
import tempfile
from pathlib import Path
from threading import Semaphore
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Float32
from onnxruntime.capi import onnxruntime_pybind11_state as state

from featherdepth.errors import BackendError, RunError, WeightsError
from featherdepth.networks.folder import (
    SHA256,
    WEIGHTS,
    check_graph,
    graph_name,
    read_graph,
    read_weights,
)
from featherdepth.runtime.backends import Network, Precision
from featherdepth.runtime.cache import cache_folder, fetch, keep, key_of
from featherdepth.runtime.cpu import cpu_name, features, threads_beside
from featherdepth.runtime.exported import KEY, Exported, parse_exported
from featherdepth.types import Preset

logger = logging.getLogger(__name__)

SILENT = 4
"""Errors are raised; onnxruntime would write them on standard error as well."""
FAULTS: tuple[type[Exception], ...] = tuple(
    c for c in vars(state).values() if isinstance(c, type) and issubclass(c, Exception)
)
"""onnxruntime has one class for each status, and no common base."""
UNWRITTEN: tuple[type[Exception], ...] = (OSError, *FAULTS)


class Onnx:
    """onnxruntime, float32 or 8 bits."""

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
        """Load the graph over the bytes of model.safetensors whose sha256 was checked."""
        if precision == "bf16":
            raise BackendError(
                f"backend 'onnx' computes in fp32 or int8, not {precision}; leave --precision out,"
                " or --backend openvino"
            )
        threads = threads_beside(streams, threads)
        weights, data = read_weights(folder, preset), read_graph(folder, precision)
        # All that the work of onnxruntime on a graph depends on: machines of one name differ in
        # their instructions, and a home may be shared. Threads it does not depend on.
        can = " ".join(sorted(features()))
        key = key_of((onnxruntime.__version__, cpu_name(), can, preset.sha256, data))
        try:
            session = _kept(key, weights, threads) or _made(key, data, weights, threads)
        except FAULTS as error:
            reason = " ".join(str(error).split())
            graph = folder / graph_name(precision)
            raise WeightsError(
                f"{graph}: onnxruntime cannot load it: {reason}; write it anew"
            ) from error
        check_graph(session.get_modelmeta().custom_metadata_map.get(SHA256), folder, preset)
        return _network(session, "images", streams)

    @staticmethod
    def open_file(path: Path, threads: int | None, streams: int = 1) -> tuple[Exported, Network]:
        """Load an .onnx file that `featherdepth export` wrote, its weights inside.

        Read from memory: a graph that keeps data in other files finds none.

        Raises:
            UsageError: it does not say what its numbers mean: another program wrote it.
            WeightsError: it cannot be read, or is damaged.
        """
        options = _options(threads_beside(streams, threads))
        # Where other versions would look for data: nowhere.
        key = "session.model_external_initializers_file_folder_path"
        options.add_session_config_entry(key, str(path / "nowhere"))
        try:
            session = _session(path.read_bytes(), options)
        except OSError as error:
            raise WeightsError(f"{path}: cannot read it: {error.strerror}") from error
        except FAULTS as error:
            reason = " ".join(str(error).split())
            if "xternal data" in reason:
                reason = "it keeps data in another file; expected one file with its weights inside"
            raise WeightsError(f"{path}: onnxruntime cannot load it: {reason}") from error
        exported = parse_exported(session.get_modelmeta().custom_metadata_map.get(KEY), path)
        found = [port.name for port in session.get_inputs()]
        if found != [exported.port]:
            raise WeightsError(
                f"{path}: its inputs are {', '.join(found)}, its metadata says {exported.port};"
                " export it anew"
            )
        network = _network(session, exported.port, streams)
        return exported, lambda images: network(exported.fed(images))


def _network(session: Any, port: str, streams: int) -> Network:
    """A session as a function that waits where more than `streams` threads call it."""
    slots = Semaphore(streams)

    def run(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
        with slots:  # onnxruntime itself serves any number of callers, each on a core of its own
            try:
                depth: Float32[np.ndarray, "b 1 h w"] = session.run(None, {port: images})[0]
            except FAULTS as error:
                raise RunError(f"onnxruntime gave up: {' '.join(str(error).split())}") from error
        return depth

    return run


def _kept(key: str, weights: bytes, threads: int | None) -> Any:
    """A session of a graph that was optimized before: a third of the time."""
    data = fetch(key)
    if data is None:
        return None
    options = _options(threads, weights)
    level = onnxruntime.GraphOptimizationLevel  # type: ignore[attr-defined]
    options.graph_optimization_level = level.ORT_DISABLE_ALL
    try:
        return _session(data, options)
    except FAULTS as error:
        logger.info("the kept graph %s cannot be loaded, made again: %s", key, error)
        return None


def _made(key: str, data: bytes, weights: bytes, threads: int | None) -> Any:
    """A session, and its optimized graph for the next one."""
    if cache_folder() is None:
        return _session(data, _options(threads, weights))
    try:
        with tempfile.TemporaryDirectory(prefix="featherdepth-") as name:
            path = Path(name) / "optimized.onnx"
            options = _options(threads, weights)
            options.optimized_model_filepath = str(path)
            session = _session(data, options)
            keep(key, path.read_bytes())
            return session
    except UNWRITTEN as error:  # no space to write it is no reason to fail
        logger.info("no optimized graph is kept: %s", error)
        return _session(data, _options(threads, weights))


def _session(data: bytes, options: Any) -> Any:
    return onnxruntime.InferenceSession(  # type: ignore[attr-defined] # it has no __all__
        data, options, providers=["CPUExecutionProvider"]
    )


def _options(threads: int | None, weights: bytes | None = None) -> Any:
    """Settings of a session.

    Args:
        weights: the content of model.safetensors. From memory: the bytes that were checked are the
            bytes used, and a graph that points elsewhere finds nothing.
    """
    options = onnxruntime.SessionOptions()  # type: ignore[attr-defined] # it has no __all__
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    # Waiting threads that spin take the core from the decoder of the next photo: with one
    # other busy process a call took 96 ms with spinning and 59 ms without; alone, the same.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if weights is not None:
        options.add_external_initializers_from_files_in_memory([WEIGHTS], [weights], [len(weights)])
    return options
