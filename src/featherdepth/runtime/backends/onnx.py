"""onnxruntime on the CPU: the backend of the core installation."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Float32
from onnxruntime.capi import onnxruntime_pybind11_state as state

from featherdepth.errors import BackendError, WeightsError
from featherdepth.networks.folder import (
    SHA256,
    WEIGHTS,
    check_graph,
    graph_name,
    read_graph,
    read_weights,
)
from featherdepth.runtime.backends import Network, Precision
from featherdepth.runtime.exported import KEY, Exported, parse_exported
from featherdepth.types import Preset

ERRORS_ONLY = 3
FAULTS = tuple(c for c in vars(state).values() if isinstance(c, type) and issubclass(c, Exception))
"""onnxruntime has one class for each status, and no common base."""


class Onnx:
    """onnxruntime, float32 or 8 bits."""

    @staticmethod
    def open(folder: Path, preset: Preset, threads: int | None, precision: Precision) -> Network:
        """Load the graph over the bytes of model.safetensors whose sha256 was checked."""
        if precision == "bf16":
            raise BackendError(
                f"backend 'onnx' computes in fp32 or int8, not {precision}; leave --precision out,"
                " or --backend openvino"
            )
        options = _options(threads)
        weights = read_weights(folder, preset)
        # From memory: the bytes that were checked are the bytes used, and a graph that points
        # elsewhere finds nothing.
        options.add_external_initializers_from_files_in_memory([WEIGHTS], [weights], [len(weights)])
        try:
            session: Any = onnxruntime.InferenceSession(  # type: ignore[attr-defined]
                read_graph(folder, precision), options, providers=["CPUExecutionProvider"]
            )
        except FAULTS as error:
            reason = " ".join(str(error).split())
            graph = folder / graph_name(precision)
            raise WeightsError(
                f"{graph}: onnxruntime cannot load it: {reason}; write it anew"
            ) from error
        check_graph(session.get_modelmeta().custom_metadata_map.get(SHA256), folder, preset)

        def run(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
            depth: Float32[np.ndarray, "b 1 h w"] = session.run(None, {"images": images})[0]
            return depth

        return run

    @staticmethod
    def open_file(path: Path, threads: int | None) -> tuple[Exported, Network]:
        """Load an .onnx file that `featherdepth export` wrote, its weights inside.

        Read from memory: a graph that keeps data in other files finds none.

        Raises:
            UsageError: it does not say what its numbers mean: another program wrote it.
            WeightsError: it cannot be read, or is damaged.
        """
        options = _options(threads)
        # Where other versions would look for data: nowhere.
        key = "session.model_external_initializers_file_folder_path"
        options.add_session_config_entry(key, str(path / "nowhere"))
        try:
            session: Any = onnxruntime.InferenceSession(  # type: ignore[attr-defined]
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
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

        def run(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
            fed = exported.fed(images)
            depth: Float32[np.ndarray, "b 1 h w"] = session.run(None, {exported.port: fed})[0]
            return depth

        return exported, run


def _options(threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()  # type: ignore[attr-defined] # it has no __all__
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    # Waiting threads that spin take the core from the decoder of the next photo: with one
    # other busy process a call took 96 ms with spinning and 59 ms without; alone, the same.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
