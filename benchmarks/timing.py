"""Timing in pairs: calls that alternate, so that a machine that slows down slows all of them."""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from featherdepth.evaluation.speed import timing
from featherdepth.evaluation.speed.timing import interval, spread
from featherdepth.runtime.cpu import cpu_name, features

__all__ = ["interleave", "interval", "machine", "milliseconds", "spread"]


def interleave(
    calls: Mapping[str, Callable[[], object]], *, rounds: int, warmup: int, device: torch.device
) -> dict[str, np.ndarray]:
    """As `featherdepth.evaluation.speed.timing.interleave`, the device's work included."""
    waiting = {name: partial(_waited, call, device) for name, call in calls.items()}
    return timing.interleave(waiting, rounds=rounds, warmup=warmup)


def milliseconds(call: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call, the device's work included."""
    start = time.perf_counter()
    _waited(call, device)
    return 1000 * (time.perf_counter() - start)


def _waited(call: Callable[[], object], device: torch.device) -> None:
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def machine() -> dict[str, Any]:
    """What was measured on."""
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "isa": sorted(features()),
        "threads": torch.get_num_threads(),
        "accelerator": accelerator,
        "torch": torch.__version__,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
