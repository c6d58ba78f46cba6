"""What this CPU can do, asked of the system: no package knows it everywhere."""

import os
import platform
from functools import cache
from importlib import import_module
from pathlib import Path

NAMES = {
    "avx2": "avx2",
    "avx512f": "avx512f",
    "avx512_vnni": "avx512_vnni",
    "avx_vnni": "avx_vnni",
    "avx512_bf16": "avx512_bf16",
    "amx_bf16": "amx_bf16",
    "amx_int8": "amx_int8",
    "asimd": "neon",
    "asimddp": "neon_dotprod",
    "i8mm": "neon_i8mm",
    "bf16": "neon_bf16",
}
"""Flag of Linux -> the name used here."""
OF_NUMPY = {
    "AVX2": "avx2",
    "AVX512F": "avx512f",
    "AVX512VNNI": "avx512_vnni",
    "NEON": "neon",
    "ASIMDDP": "neon_dotprod",
}
"""The same for the names of numpy, which looks by itself on every system."""
CPUINFO = Path("/proc/cpuinfo")


@cache
def features() -> frozenset[str]:
    """Which of `NAMES` the CPU has."""
    flags = _listed(("flags", "Features"))
    if flags is not None:
        return frozenset(NAMES[flag] for flag in flags.split() if flag in NAMES)
    try:
        core = import_module("numpy._core._multiarray_umath")
    except ImportError:  # its name is numpy's own business
        return frozenset()
    known: dict[str, bool] = getattr(core, "__cpu_features__", {})
    return frozenset(name for flag, name in OF_NUMPY.items() if known.get(flag))


def cpu_name() -> str:
    """What the maker calls it."""
    return _listed(("model name",)) or platform.processor() or platform.machine()


def faster_in_8_bits() -> bool:
    """Whether int8 is faster than fp32: with one instruction for sums of 8-bit products, or AVX2.

    AVX2 takes two: a call of `small` takes 0.6 times as long as in fp32 (0.4 with one instruction).
    What it would cut off between them does not occur (featherdepth.export.pair_ranges).
    """
    fast = {"avx2", "avx512_vnni", "avx_vnni", "amx_int8", "neon_dotprod", "neon_i8mm"}
    return bool(features() & fast)


def multiplies_in_bf16() -> bool:
    """Whether sums of bfloat16 products take one instruction: without it they are emulated."""
    return bool(features() & {"amx_bf16", "avx512_bf16"})


def cores() -> int:
    """How many this process may use; what limits its time, as `docker --cpus` does, is not seen."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_beside(streams: int, threads: int | None) -> int | None:
    """Threads of a session that so many calls at once share; None, for the backend to choose.

    A session of onnxruntime counts the thread that calls it as one of its own: `streams` of these
    and what is left of the session's are `threads` together.
    """
    return threads if streams == 1 else max(1, (threads or cores()) - streams + 1)


def _listed(keys: tuple[str, ...]) -> str | None:
    """The first line of that key in Linux's list."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in keys:
            return value.strip()
    return None
