"""Count parameters and multiply-accumulates.

The convention `thop` is that of the table below, in force in the thop package from version 0.1:
hooks on leaf modules, so whatever is called as a function is invisible. BatchNorm counts 4 a value
and bilinear `nn.Upsample` 11; biases, activations and padding count 0. `conv` counts convolutions
and linear layers only. Both bill a transposed convolution on its output pixels, at stride 2 four
times what it costs; `true` is `conv` with the real cost. `full` adds to `thop` what hooks cannot
see: matrix products, bilinear resizes and average pools called as functions.

Run as a module, it rewrites `networks.json`, the shipped list of all networks:

    python -m featherdepth.networks.counting
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from featherdepth.networks import NETWORKS
from featherdepth.networks.build import build_network
from featherdepth.networks.listing import LISTING, NetworkRow

Convention = Literal["thop", "conv", "true", "full"]
SIZE = (448, 448)
UPSAMPLE_COST = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}


def count_params(module: nn.Module) -> int:
    """All parameters; buffers such as BatchNorm's running statistics are none."""
    return sum(p.numel() for p in module.parameters())


def count_macs(
    module: nn.Module, size: tuple[int, int] = SIZE, convention: Convention = "thop"
) -> int:
    """Multiply-accumulates of one input of (height, width) `size`.

    A network with other inputs says so by `example_inputs(height, width)`: all of one image and
    of that size.

    Nothing is computed and the module is left as it was: shapes alone pass through it, in eval
    mode, on torch's meta device.
    """
    total = [0]

    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        total[0] += _layer_macs(layer, inputs[0], output, convention)

    leaves = [m for m in module.modules() if not any(m.children())]
    handles = [leaf.register_forward_hook(hook) for leaf in leaves]
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    shapes = {name: torch.empty_like(tensor, device="meta") for name, tensor in state.items()}
    with torch.device("meta"):
        inputs = _example_inputs(module, size)
    functions = _CountFunctions(total)
    try:
        with _evaluating(module), torch.no_grad():
            if convention == "full":
                with functions:
                    torch.func.functional_call(module, shapes, inputs)
            else:
                torch.func.functional_call(module, shapes, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return total[0]


def _example_inputs(module: nn.Module, size: tuple[int, int]) -> tuple[Tensor, ...]:
    examples = getattr(module, "example_inputs", None)
    if examples is not None:
        return tuple(examples(*size))
    return (torch.empty(1, int(getattr(module, "input_channels", 3)), *size),)


def _layer_macs(layer: nn.Module, inputs: Tensor, output: Tensor, convention: Convention) -> int:
    if isinstance(layer, nn.ConvTranspose2d) and convention == "true":
        return inputs.numel() * (layer.out_channels // layer.groups) * prod(layer.kernel_size)
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d):
        return output.numel() * (layer.in_channels // layer.groups) * prod(layer.kernel_size)
    if isinstance(layer, nn.Linear):
        return output.numel() * layer.in_features
    if convention in ("conv", "true"):
        return 0
    if isinstance(layer, nn.modules.batchnorm._BatchNorm | nn.LayerNorm):
        return inputs.numel() * (4 if next(layer.parameters(), None) is not None else 2)
    if isinstance(layer, nn.Upsample) and convention == "thop":
        return UPSAMPLE_COST[layer.mode] * output.numel()
    if isinstance(layer, nn.AvgPool2d) and convention == "thop":
        return output.numel()
    if isinstance(layer, nn.AdaptiveAvgPool2d) and convention == "thop":
        return _pool_macs(inputs, output)
    if isinstance(layer, nn.Softmax):
        length = inputs.shape[layer.dim if layer.dim is not None else -1]
        return (3 * length - 1) * (inputs.numel() // length)
    return 0


def _pool_macs(inputs: Tensor, output: Tensor) -> int:
    window = prod(inputs.shape[2:]) // prod(output.shape[2:])
    return (window + 1) * output.numel()


class _CountFunctions(TorchFunctionMode):
    """Counts what is called as a function; `nn.Upsample` and pools also arrive here."""

    def __init__(self, total: list[int]) -> None:
        super().__init__()
        self.total = total

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in (torch.matmul, Tensor.matmul, Tensor.__matmul__):
            self.total[0] += result.numel() * args[0].shape[-1]
        elif func is F.interpolate:
            mode = (kwargs or {}).get("mode", "nearest")
            self.total[0] += UPSAMPLE_COST[mode] * result.numel()
        elif func in (F.avg_pool2d, F.adaptive_avg_pool2d):
            self.total[0] += _pool_macs(args[0], result)
        return result


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    were_training = [m for m in module.modules() if m.training]
    module.eval()
    try:
        yield
    finally:
        for m in were_training:
            m.training = True


def count_network(name: str) -> NetworkRow:
    """The row of one network."""
    with torch.device("meta"):
        network = build_network(name)
    return {"name": name, "params": count_params(network), "macs": count_macs(network)}


def write_listing(rows: Iterable[NetworkRow], path: Path = LISTING) -> None:
    """Write `networks.json`."""
    text = ",\n  ".join(json.dumps(row) for row in rows)
    path.write_text(f"[\n  {text}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    write_listing(map(count_network, NETWORKS))
