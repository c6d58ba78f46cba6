"""onnxruntime on the CPU: the backend of the core installation."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Float32
from onnxruntime.capi import onnxruntime_pybind11_state as state

from featherdepth.errors import BackendError, WeightsError
from featherdepth.networks.folder import GRAPH, WEIGHTS, read_graph, read_weights
from featherdepth.runtime.backends import Network, Precision
from featherdepth.types import Preset

ERRORS_ONLY = 3
FAULTS = tuple(c for c in vars(state).values() if isinstance(c, type) and issubclass(c, Exception))
"""onnxruntime has one class for each status, and no common base."""


class Onnx:
    """onnxruntime, float32."""

    @staticmethod
    def open(folder: Path, preset: Preset, threads: int | None, precision: Precision) -> Network:
        """Load model.onnx over the bytes of model.safetensors whose sha256 was checked."""
        if precision != "fp32":
            raise BackendError(
                f"backend 'onnx' computes in fp32, not {precision}; leave --precision out,"
                " or --backend openvino"
            )
        options = onnxruntime.SessionOptions()  # type: ignore[attr-defined] # it has no __all__
        options.intra_op_num_threads = threads or 0
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # Waiting threads that spin take the core from the decoder of the next photo: with one
        # other busy process a call took 96 ms with spinning and 59 ms without; alone, the same.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = read_weights(folder, preset)
        # From memory: the bytes that were checked are the bytes used, and a graph that points
        # elsewhere finds nothing.
        options.add_external_initializers_from_files_in_memory([WEIGHTS], [weights], [len(weights)])
        try:
            session: Any = onnxruntime.InferenceSession(  # type: ignore[attr-defined]
                read_graph(folder), options, providers=["CPUExecutionProvider"]
            )
        except FAULTS as error:
            reason = " ".join(str(error).split())
            raise WeightsError(
                f"{folder / GRAPH}: onnxruntime cannot load it: {reason}; write it anew"
            ) from error

        def run(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
            depth: Float32[np.ndarray, "b 1 h w"] = session.run(None, {"images": images})[0]
            return depth

        return run
