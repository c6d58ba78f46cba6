"""Timing in pairs: calls that alternate, so that a machine that slows down slows all of them."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch


def interleave(
    calls: Mapping[str, Callable[[], object]], *, rounds: int, warmup: int, device: torch.device
) -> dict[str, np.ndarray]:
    """Milliseconds of each call in each round; who comes first rotates."""
    names = list(calls)
    times: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(warmup + rounds):
        first = round_ % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(milliseconds(calls[name], device))
    return {name: np.array(values[warmup:]) for name, values in times.items()}


def milliseconds(call: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call, the device's work included."""
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (time.perf_counter() - start)


def spread(values: np.ndarray) -> dict[str, float]:
    """Median and 95 % quantile."""
    return {"median": float(np.median(values)), "p95": float(np.quantile(values, 0.95))}


def interval(ratios: np.ndarray) -> dict[str, float]:
    """Median of the ratios of neighbors, with its 95 % bootstrap interval."""
    generator = np.random.default_rng(0)
    medians = np.median(generator.choice(ratios, (2000, len(ratios))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return {"median": float(np.median(ratios)), "low": float(low), "high": float(high)}


def machine() -> dict[str, Any]:
    """What was measured on."""
    parts = torch.cpu.get_capabilities()
    isa = [name for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16") if parts.get(name)]
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "cpu": parts.get("cpu_name", platform.processor()),
        "cores": os.cpu_count(),
        "isa": isa,
        "threads": torch.get_num_threads(),
        "accelerator": accelerator,
        "torch": torch.__version__,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
