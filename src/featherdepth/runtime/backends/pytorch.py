"""PyTorch in eval mode: for networks that are still being trained, and for foreign weights."""

import contextlib
import copy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from featherdepth.errors import BackendError, RunError, UsageError
from featherdepth.networks.depthnet import DepthNet
from featherdepth.networks.devices import find_device
from featherdepth.networks.folder import file_sha256
from featherdepth.networks.foreign import load_foreign
from featherdepth.networks.listing import list_networks
from featherdepth.networks.weights import load_model
from featherdepth.networks.zoo import ZOO
from featherdepth.runtime.backends import Network, Precision
from featherdepth.types import DepthKind, Preset


class PyTorch:
    """PyTorch, BatchNorm folded, on a CUDA or Apple device where there is one, else on the CPU."""

    compiled = False

    @classmethod
    def open(
        cls,
        folder: Path,
        preset: Preset,  # noqa: ARG003 - every backend takes it
        threads: int | None,
        precision: Precision,
        streams: int = 1,  # noqa: ARG003 - torch shares its threads among the operations of a call
        *,
        device: str | None = None,
    ) -> Network:
        """Build the network and load model.safetensors; needs no model.onnx.

        Args:
            device: by default the first of CUDA, Apple's and the CPU that is there.
        """
        module = load_model(folder)[1]
        return run_module(module, threads, precision, device=device, compiled=cls.compiled)

    @staticmethod
    def open_foreign(
        network: str,
        path: Path,
        threads: int | None,
        precision: Precision,
        device: str | None = None,
    ) -> tuple[Preset, Network]:
        """Load another's weights file and say what its numbers mean; errors as below."""
        preset, module = load_foreign_depth(network, path)
        return preset, run_module(module, threads, precision, device=device)


class Compiled(PyTorch):
    """By way of `torch.compile`: the first call at each size takes a minute on a CPU.

    Needs a C++ compiler, which is missed at the first call.
    """

    compiled = True


def load_foreign_depth(network: str, path: Path) -> tuple[Preset, DepthNet]:
    """Load another's weights file, weights-only, and say what its numbers mean.

    Raises:
        UsageError: a network that gives no depth, or has no foreign weights.
        WeightsError: a file that cannot be read or is of another network.
    """
    if network in ZOO:
        raise UsageError(
            f"{network}@{path.name}: {network} completes measured depth and predicts none from"
            " a photo alone"
        )
    module, _ = load_foreign(network, path)
    if not isinstance(module, DepthNet):
        raise UsageError(f"{network}@{path.name}: {network} is an encoder and gives no depth")
    row = next(row for row in list_networks() if row["name"] == network)
    preset = Preset(
        name=f"{network}@{path.name}",
        network=network,
        kind=DepthKind.AFFINE_INVARIANT,
        resize="stretch" if network.startswith("leres") else "keep",
        mean=_three(module.normalize.mean),
        std=_three(module.normalize.std),
        params=row["params"],
        macs=row["macs"],
        license="of the file's author",
        sha256=file_sha256(path),
    )
    return preset, module


def _three(buffer: torch.Tensor) -> tuple[float, float, float]:
    first, second, third = buffer.flatten().tolist()
    return first, second, third


def run_module(
    module: nn.Module,
    threads: int | None,
    precision: Precision,
    *,
    device: str | None = None,
    compiled: bool = False,
) -> Network:
    """A torch network as a function of arrays.

    Args:
        threads: set for the whole process: torch knows no other way.
        device: by default the first of CUDA, Apple's and the CPU that is there.
        compiled: translate it, once for each size, at the first call.

    Raises:
        UsageError: no such device.
        BackendError: a precision that torch does not run these weights in, or a device that is not
            there; in a call, that torch cannot compile here.
    """
    if precision == "int8":
        raise BackendError("backend 'torch' runs fp32 or bf16, not int8; leave --precision out")
    if threads is not None:
        torch.set_num_threads(threads)
    place = _place(device)
    module = folded(module.eval()).to(place).to(memory_format=torch.channels_last)  # type: ignore[call-overload] # its stub lacks the keyword
    call: Callable[[torch.Tensor], torch.Tensor] = module
    if compiled:
        # Weights that never change are laid out for the kernels once, and not at every call.
        call = torch.compile(module, dynamic=False, options={"freezing": True})

    one_at_a_time = Lock()

    def run(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
        half = torch.autocast(place.type, torch.bfloat16)
        chosen = half if precision == "bf16" else contextlib.nullcontext()
        with one_at_a_time, torch.inference_mode(), chosen:
            batch = torch.from_numpy(images).to(place, memory_format=torch.channels_last)
            try:
                depth: Float32[np.ndarray, "b 1 h w"] = call(batch).float().cpu().numpy()
            except torch._dynamo.exc.TorchDynamoException as error:
                reason = str(error).partition("\n")[0]
                raise BackendError(
                    f"backend 'torch-compile': torch cannot compile here: {reason}; use backend"
                    " 'torch'"
                ) from error
            except RuntimeError as error:
                raise RunError(f"torch gave up: {' '.join(str(error).split())}") from error
        return depth

    return run


def folded(module: nn.Module) -> nn.Module:
    """A copy with BatchNorm inside the convolution that stands before it in a sequence."""
    module = copy.deepcopy(module)
    for part in module.modules():
        if not isinstance(part, nn.Sequential):
            continue
        for (first, conv), (second, norm) in pairwise(list(part.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(part, first, fuse_conv_bn_eval(conv, norm))
                setattr(part, second, nn.Identity())
    return module


def _place(device: str | None) -> torch.device:
    if device is not None:
        return find_device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
