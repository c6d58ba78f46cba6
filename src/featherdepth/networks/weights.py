"""A network's parameters to and from a model folder.

Stored are parameters with two or more axes as fp16 and everything else (biases, BatchNorm, the
mean and std buffers) as float32. Storage "int8" nearly halves that: the weights of convolutions and
linear layers are 8-bit with one scale an output channel (`networks.eight_bit`), the rest is as
before, and so are filters of few weights: depthwise ones and the first layer's.
`num_batches_tracked` counts batches and is left out.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from featherdepth.errors import WeightsError
from featherdepth.networks import eight_bit
from featherdepth.networks.build import build_network
from featherdepth.networks.folder import WEIGHTS, read_tensors, write_folder
from featherdepth.types import Preset

COUNTER = "num_batches_tracked"
CHANNELS_FIRST = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
"""Layers with the output channel on the first axis of `weight`: what 8-bit storage is for."""


def save_model(
    folder: Path,
    preset: Preset,
    module: nn.Module,
    card: str,
    *,
    storage: Literal["fp16", "int8"] = "fp16",
    halves: Collection[str] = (),
) -> Preset:
    """Write a module and its preset as a model folder.

    `params`, `storage` and `sha256` are filled in. model.onnx is made from the folder by
    `featherdepth.export.onnx.write_graph`.

    Args:
        halves: weights that stay in fp16 where the others are stored in 8 bits.

    Raises:
        WeightsError: a parameter is not finite, or too large for fp16.
        RunError: the folder cannot be written.
    """
    parameters = dict(module.named_parameters())
    small = set(_eight_bit_names(module)).difference(halves) if storage == "int8" else set()
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in module.state_dict().items():
        if name.endswith(COUNTER):
            continue
        values = _finite(name, tensor)
        if name in small:
            tensors[name], tensors[name + eight_bit.SUFFIX] = eight_bit.quantize(values)
        else:
            tensors[name] = _half(name, values) if name in parameters else values
    params = sum(p.numel() for p in parameters.values())
    return write_folder(folder, replace(preset, params=params, storage=storage), tensors, card)


def load_model(folder: Path) -> tuple[Preset, nn.Module]:
    """Build the network that config.json names and load its weights as float32, in eval mode.

    Raises:
        WeightsError: a file is missing or damaged, or keys or shapes do not match the network.
        UsageError: config.json names a network or setting that does not exist.
    """
    preset, tensors = read_tensors(folder)
    module = build_network(preset.network, preset.settings, mean=preset.mean, std=preset.std)
    _fill(module, tensors, preset, folder)
    return preset, module.eval()


def load_into(module: nn.Module, folder: Path) -> Preset:
    """Load the weights of a model folder into a module that is already built.

    Raises:
        WeightsError: a file is missing or damaged, or keys or shapes do not match the module.
    """
    preset, tensors = read_tensors(folder)
    _fill(module, tensors, preset, folder)
    return preset


def _eight_bit_names(module: nn.Module) -> Iterator[str]:
    for name, layer in module.named_modules():
        if isinstance(layer, CHANNELS_FIRST) and layer.weight[0].numel() >= eight_bit.FEWEST:
            yield f"{name}.weight".lstrip(".")


def _finite(name: str, tensor: torch.Tensor) -> np.ndarray:
    values = tensor.detach().to("cpu", torch.float32).numpy()
    if not np.isfinite(values).all():
        raise WeightsError(f"{name}: holds NaN or infinity; nothing was written")
    return values


def _half(name: str, values: np.ndarray) -> np.ndarray:
    if values.ndim < 2:
        return values
    if np.abs(values).max(initial=0.0) > np.finfo(np.float16).max:
        raise WeightsError(f"{name}: a value is beyond the range of fp16; nothing was written")
    return values.astype(np.float16)


def _fill(module: nn.Module, tensors: dict[str, np.ndarray], preset: Preset, folder: Path) -> None:
    tensors = _restored(tensors, preset, folder)
    own = {k: v for k, v in module.state_dict().items() if not k.endswith(COUNTER)}
    missing, surplus = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    faults = [f"misses {_some(missing)}"] if missing else []
    faults += [f"has unknown {_some(surplus)}"] if surplus else []
    shapes = [
        f"{k} is {tuple(tensors[k].shape)} where the network has {tuple(v.shape)}"
        for k, v in own.items()
        if k in tensors and tuple(v.shape) != tensors[k].shape
    ]
    faults += shapes[:1]
    if faults:
        raise WeightsError(
            f"{folder / WEIGHTS}: does not fit network {preset.network!r}: {'; '.join(faults)}"
        )
    for key, expected in (("mean", preset.mean), ("std", preset.std)):
        found = tensors.get(f"normalize.{key}")
        if found is not None and not np.allclose(found.reshape(-1), expected, atol=1e-6):
            raise WeightsError(
                f"{folder}: {key} in config.json is {list(expected)}, in {WEIGHTS}"
                f" {np.round(found.reshape(-1), 4).tolist()}; they must agree"
            )
    state = {k: torch.from_numpy(v.astype(np.float32)) for k, v in tensors.items()}
    module.load_state_dict(state, strict=False)  # only counters are absent: checked above


def _restored(
    tensors: dict[str, np.ndarray], preset: Preset, folder: Path
) -> dict[str, np.ndarray]:
    if preset.storage != "int8" and any(t.dtype == np.int8 for t in tensors.values()):
        raise WeightsError(
            f"{folder}: storage in config.json is {preset.storage!r}, but {WEIGHTS} holds 8-bit"
            " weights; they must agree"
        )
    try:
        return eight_bit.restore(tensors)
    except ValueError as error:
        raise WeightsError(f"{folder / WEIGHTS}: {error}; the file is damaged") from error


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
