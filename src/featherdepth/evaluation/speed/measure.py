"""Timings of several models in one interleaved run, and what this machine could do at most."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from featherdepth.evaluation.speed.limit import operations, rates
from featherdepth.evaluation.speed.timing import interleave, interval, ratios, spread
from featherdepth.geometry.resize import Size, resize_map
from featherdepth.images.write import save
from featherdepth.runtime.cpu import cores, cpu_name, features
from featherdepth.runtime.model import DepthModel

COUNTED_AT = 448 * 448
"""Pixels of the input for which a model's MACs are stated."""
PACKAGES = ("numpy", "Pillow", "onnxruntime", "openvino", "torch")


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """Something that is timed."""

    name: str
    call: Callable[[], object]
    """One network call on an input that is ready, in memory."""
    precision: str
    macs: float | None = None
    """Multiplications of that call; None if not known."""
    facts: Mapping[str, Any] | None = None
    """Further entries of its row."""


def contestant(
    name: str,
    model: DepthModel,
    photo: bytes,
    size: int | Size | None,
    *,
    photo_name: str | None = None,
) -> Contestant:
    """A model that looks at a photo; what the network sees is made beforehand."""
    preset = model.preset
    image = model.read(photo, size=size, name=photo_name)
    pixels, _ = model.fitted(image, model.input_size(size))
    batch = pixels[None]
    height, width = pixels.shape[1:]
    macs = preset.macs * height * width / COUNTED_AT if preset.macs else None
    return Contestant(
        name=name,
        call=lambda: model.network(batch),
        precision=model.precision,
        macs=macs,
        facts={
            "model": preset.name,
            "backend": model.backend,
            "input": [height, width],
            "params": preset.params,
        },
    )


def measure(
    contestants: Sequence[Contestant],
    *,
    rounds: int,
    warmup: int,
    threads: int,
    limit: bool = True,
    done: Callable[[], object] | None = None,
) -> dict[str, Any]:
    """Time the calls of all in turns.

    Args:
        threads: that the contestants were opened with; operations of the limit take as many.
        limit: measure also what the machine can do at most.
        done: called after each round.

    Returns:
        `machine`, `rounds`, `limit` (by precision) and `rows`: `median_ms`, `p95_ms`, `ratio_to`
        (time over the time of each other: below 1 is faster), `gflops` (two a MAC) and `share` of
        the limit at its precision.
    """
    calls: dict[str, Callable[[], object]] = {c.name: c.call for c in contestants}
    precisions = frozenset(c.precision for c in contestants) & {"fp32", "bf16", "int8"}
    bounds = operations(threads, precisions) if limit else {}
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    times = interleave({**calls, **bounds}, rounds=rounds, warmup=warmup, done=done)
    # The best round: a limit is what was reached once.
    best = rates({name: float(times[name].min()) for name in bounds})
    own = {name: times[name] for name in calls}
    rows = [_row(c, own, best.get(c.precision)) for c in contestants]
    return {
        "machine": {**machine(), "threads": threads, "load_before": before},
        "rounds": rounds,
        "limit": best,
        "rows": rows,
    }


def _row(
    one: Contestant, times: Mapping[str, Float64[np.ndarray, " rounds"]], limit: Any
) -> dict[str, Any]:
    found = spread(times[one.name])
    row: dict[str, Any] = {
        "name": one.name,
        "precision": one.precision,
        **(one.facts or {}),
        "median_ms": found["median"],
        "p95_ms": found["p95"],
        "ratio_to": ratios(times, one.name),
    }
    if one.macs is not None:
        row["macs"] = round(one.macs)
        row["gflops"] = 2 * one.macs / found["median"] / 1e6
        row["share"] = None if limit is None else row["gflops"] / limit["gflops"]
    return row


def stages(
    model: DepthModel, photo: bytes, *, size: int | Size | None, rounds: int, warmup: int
) -> dict[str, Any]:
    """Where the time of one photo goes, from a file in memory to a file on disk.

    Returns:
        Milliseconds (`median`, `p95`) of `read`, `prepare`, `network`, `resize` and `write` (16-bit
        PNG), of `infer` (all but writing), and `infer_over_network` with its interval.
    """
    image = model.read(photo, size=size)
    wanted = model.input_size(size)

    pixels, window = model.fitted(image, wanted)
    batch = pixels[None]
    raw = np.ascontiguousarray(model.network(batch)[0, 0][window])
    depth = model.infer(photo, size=size)
    with tempfile.TemporaryDirectory(prefix="featherdepth-") as folder:
        out = Path(folder, "depth.png")
        calls: dict[str, Callable[[], object]] = {
            "read": lambda: model.read(photo, size=size),
            "prepare": lambda: model.fitted(image, wanted),
            "network": lambda: model.network(batch),
            "resize": lambda: resize_map(raw, image.photo_size),
            "write": lambda: save(depth, out),
            "infer": lambda: model.infer(photo, size=size),
        }
        times = interleave(calls, rounds=rounds, warmup=warmup)
    found: dict[str, Any] = {name: spread(values) for name, values in times.items()}
    return {**found, "infer_over_network": interval(times["infer"] / times["network"])}


def machine() -> dict[str, Any]:
    """What was measured on."""
    return {
        "cpu": cpu_name(),
        "isa": sorted(features()),
        "cores": cores(),
        "packages": _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
