"""The one place that decides in which precision a network is trained.

Weights, losses, gradients and the optimizer are float32 always. With bfloat16 only the network's
own convolutions and products run lower, under autocast; what leaves the network is float32 again.
"""

from types import MethodType
from typing import Any, Literal

import torch
from accelerate.utils.operations import convert_to_fp32
from torch import Tensor, nn
from torch.utils._pytree import tree_map

Precision = Literal["auto", "fp32", "bf16"]


def choose_precision(precision: Precision, device: torch.device) -> Literal["fp32", "bf16"]:
    """What `auto` means on a device: bf16 where there is hardware for products of it.

    On a CPU that is AMX or AVX-512 BF16: a step of `efficientnet-lite2-ffm` and of `small` takes
    half as long with the latter as in float32 (one thread of an AMD EPYC, 192x256, batch 16).
    """
    if precision != "auto":
        return precision
    return "bf16" if multiplies_bf16(device) else "fp32"


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a device has hardware for products of bfloat16.

    A CPU without it computes the same by emulation: a step of completion took 2.5 times as long as
    in float32 (one thread with AVX-512 VNNI, 224x320, batch 8).
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


class Lowered(nn.Module):
    """A network whose calls, methods included, run in the precision of the run and yield float32.

    Args:
        channels_last: hand images (4 axes) over with channels innermost.
    """

    def __init__(
        self, module: nn.Module, device: torch.device, *, bf16: bool, channels_last: bool
    ) -> None:
        super().__init__()
        self.module = module
        self._device_type = device.type
        self._bf16 = bf16
        self._channels_last = channels_last

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._lower(self.module, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            attribute = getattr(self.module, name)
        if not isinstance(attribute, MethodType):
            return attribute
        return lambda *args, **kwargs: self._lower(attribute, args, kwargs)

    def _lower(self, call: Any, args: Any, kwargs: Any) -> Any:
        if self._channels_last:
            args, kwargs = tree_map(_channels_last, (args, kwargs))
        if not self._bf16:
            return call(*args, **kwargs)
        with torch.autocast(self._device_type, dtype=torch.bfloat16):
            result = call(*args, **kwargs)
        return convert_to_fp32(result)  # type: ignore[no-untyped-call]


def _channels_last(value: Any) -> Any:
    if isinstance(value, Tensor) and value.ndim == 4:
        return value.contiguous(memory_format=torch.channels_last)
    return value
