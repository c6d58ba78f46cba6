"""PyTorch in eval mode: for networks that are still being trained, and for foreign weights."""

import contextlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from featherdepth.errors import BackendError
from featherdepth.networks.weights import load_model
from featherdepth.runtime.backends import Network, Precision
from featherdepth.types import Preset


class PyTorch:
    """PyTorch, on a CUDA device where there is one, else on the CPU."""

    @staticmethod
    def open(
        folder: Path,
        preset: Preset,  # noqa: ARG004 - every backend takes it
        threads: int | None,
        precision: Precision,
    ) -> Network:
        """Build the network and load model.safetensors; needs no model.onnx."""
        return run_module(load_model(folder)[1], threads, precision)


def run_module(module: nn.Module, threads: int | None, precision: Precision) -> Network:
    """A torch network as a function of arrays.

    `threads` is set for the whole process: torch knows no other way.

    Raises:
        BackendError: a precision that torch does not run these weights in.
    """
    if precision == "int8":
        raise BackendError("backend 'torch' runs fp32 or bf16, not int8; leave --precision out")
    if threads is not None:
        torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module = module.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload] # its stub lacks the keyword

    def run(images: Float32[np.ndarray, "b 3 h w"]) -> Float32[np.ndarray, "b 1 h w"]:
        half = torch.autocast(device.type, torch.bfloat16)
        with torch.inference_mode(), half if precision == "bf16" else contextlib.nullcontext():
            batch = torch.from_numpy(images).to(device, memory_format=torch.channels_last)
            depth: Float32[np.ndarray, "b 1 h w"] = module(batch).float().cpu().numpy()
        return depth

    return run
