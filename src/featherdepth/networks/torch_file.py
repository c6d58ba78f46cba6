"""Read PyTorch checkpoints that others wrote, without running anything they contain."""

import argparse
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from featherdepth.errors import WeightsError

# PENet's training leaves `metrics.Result` in its checkpoints: plain numbers, read into this.
_Scores = type("Result", (), {"__module__": "metrics"})
_HARMLESS: list[Any] = [argparse.Namespace, _Scores]

# What a damaged or unsuitable file makes the weights-only reader raise.
_UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
)


def read_torch_file(path: Path) -> Any:
    """What `torch.save` put into a file, read weights-only onto the CPU.

    Tensors, plain containers, `argparse.Namespace` (training scripts leave their settings in
    their checkpoints) and the scores that PENet's leaves are read; anything that would need code
    of its own is refused.

    Raises:
        WeightsError: the file is missing, damaged, or holds more than that.
    """
    try:
        with torch.serialization.safe_globals(_HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd files, which are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it: {error.strerror or error}") from error
    except _UNREADABLE as error:
        raise WeightsError(
            f"{path.name}: not readable as plain tensors ({_reason(error)}); expected a checkpoint"
            " that loads with weights_only=True: save its state dict alone where you trust the file"
        ) from error


def as_state(value: Any, path: Path) -> dict[str, Tensor]:
    """`value` as a state dict.

    Raises:
        WeightsError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise WeightsError(
            f"{path.name}: expected a table of tensors, found {type(value).__name__}"
        )
    others = [k for k, v in value.items() if not (isinstance(k, str) and isinstance(v, Tensor))]
    if others or not value:
        held = f"{str(others[0])!r} in it is none" if others else "it is empty"
        raise WeightsError(f"{path.name}: expected a table of tensors, but {held}")
    return dict(value)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    _, _, refused = text.partition("Unsupported global: GLOBAL ")
    if refused:
        return f"it holds {refused.split()[0]}"
    return type(error).__name__
