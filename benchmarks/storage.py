"""What 8-bit storage costs at run time: the same weights in fp16 and 8 bits, in paired calls.

python -m benchmarks.storage -o docs/results/storage-timing.json

Beside each ratio stands that of the fp16 folder to itself, opened twice: what pairing cannot tell
apart. `parity` is the largest difference from torch on the stored weights over ten sizes, as a
share of the output's range.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.timing import interleave, interval, machine, spread

from featherdepth import rng
from featherdepth.export.onnx import write_graph
from featherdepth.export.parity import differences
from featherdepth.networks.folder import GRAPH, WEIGHTS, read_config
from featherdepth.networks.weights import load_model, save_model
from featherdepth.runtime.backends import BACKENDS, available
from featherdepth.runtime.reference import resolve


def measure(model: str, size: tuple[int, int], rounds: int, threads: int) -> dict[str, Any]:
    """Sizes, parity and paired timings of one model in both storages."""
    pixels = rng.generator(0, "storage", *size).random((1, 3, *size), dtype=np.float32)
    preset, module = load_model(resolve(model).path)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: Path(scratch, name) for name in ("fp16", "int8")}
        for storage, folder in folders.items():
            save_model(folder, preset, module, "", storage="int8" if storage == "int8" else "fp16")
            write_graph(folder)
        rows = {}
        for backend in (name for name in ("onnx", "openvino") if available(name)):
            opened = {
                name: BACKENDS.load(backend).open(folder, read_config(folder), threads, "fp32")
                for name, folder in (*folders.items(), ("again", folders["fp16"]))
            }
            calls = {name: lambda run=run: run(pixels) for name, run in opened.items()}
            times = interleave(calls, rounds=rounds, warmup=5, device=torch.device("cpu"))
            worst = max(d.share for d in differences(folders["int8"], backends=[backend]))
            rows[backend] = {
                "ms": {name: spread(values) for name, values in times.items() if name != "again"},
                "ratio": interval(times["int8"] / times["fp16"]),
                "fp16_to_itself": interval(times["again"] / times["fp16"]),
                "parity": worst,
            }
        return {
            "model": preset.name,
            "size": list(size),
            "rounds": rounds,
            "threads": threads,
            "bytes": {
                name: {file: (folder / file).stat().st_size for file in (WEIGHTS, GRAPH)}
                for name, folder in folders.items()
            },
            "backends": rows,
            "machine": machine(),
        }


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default="small")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 320))
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    height, width = options.size
    result = measure(options.model, (height, width), options.rounds, options.threads)
    text = json.dumps(result, indent=1, sort_keys=True) + "\n"
    options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
