"""What `evaluate` costs beside the bare network calls, and whether its memory grows.

    FEATHERDEPTH_DATA=<data folder> python -m benchmarks.evaluation_cost -o OUT.json

A model folder of the network with random weights scores pairs of NYUv2's size (640x480, JPEG and
PNG). Chunks of pairs are evaluated and, alternately, their network inputs alone are run through
the same opened model; the figure is the median of the ratios of neighbors. Memory is the peak of
fresh processes that evaluate few and many images.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.timing import interleave, interval, machine, spread

from featherdepth.config import DATA_VARIABLE, data_path
from featherdepth.data.probe import open_data
from featherdepth.data.reader import Reader
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.export.onnx import write_graph
from featherdepth.metrics.protocols import load_protocol
from featherdepth.networks.build import build_network
from featherdepth.networks.depthnet import DepthNet
from featherdepth.networks.weights import save_model
from featherdepth.runtime.fit import fit
from featherdepth.runtime.model import DepthModel
from featherdepth.types import DepthKind, Preset, Sample


class Part(Reader):
    """Some samples of a reader, read anew from their files every time."""

    def __init__(self, whole: Reader, indices: list[int], *, tag: str = "") -> None:
        super().__init__()
        self.name, self.terms, self.split = whole.name, whole.terms, whole.split
        self._whole, self._indices = whole, indices
        self.keys = [f"{tag}{n}-{whole.keys[i]}" for n, i in enumerate(indices)]

    def _read(self, index: int) -> Sample:
        return replace(self._whole[self._indices[index]], key=self.keys[index])

    def _size(self, index: int) -> tuple[int, int]:
        top, left, height, width = self._whole.usable(self._indices[index])
        return top + height, left + width

    def usable(self, index: int) -> tuple[int, int, int, int]:
        return self._whole.usable(self._indices[index])


def make_model(network: str, folder: Path) -> Path:
    """A model folder with random weights and its graph."""
    torch.manual_seed(0)
    module = build_network(network).eval()
    assert isinstance(module, DepthNet)  # noqa: S101 - for types
    norm = module.normalize
    mean, std = (tuple(t.flatten().tolist()) for t in (norm.mean, norm.std))
    preset = Preset(
        name=f"random-{network}",
        network=network,
        kind=DepthKind.AFFINE_INVARIANT,
        mean=mean,
        std=std,
        params=0,
        macs=0,
        license="Apache-2.0",
    )
    save_model(folder, preset, module, "# random\n")
    write_graph(folder)
    return folder


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ratio and memory."""
    path = make_model(options.network, folder / "model")
    model = DepthModel.from_pretrained(path, backend=options.backend, threads=options.threads)
    whole = open_data(options.data, options.split)
    rules = load_protocol(options.protocol)
    chunk = [i % len(whole) for i in range(options.chunk)]
    inputs = []
    for index in chunk:
        pixels, _ = fit(
            whole[index].image,
            size=model.preset.size,
            multiple=model.preset.multiple,
            rule=model.preset.resize,
        )
        inputs.append(pixels[None])

    def bare() -> None:
        for pixels in inputs:
            model.network(pixels)

    def evaluated() -> None:
        evaluate(model, Part(whole, chunk), rules, name="m")

    rounds = max(1, round(options.images / options.chunk))
    kept = interleave(
        {"bare": bare, "evaluate": evaluated},
        rounds=rounds,
        warmup=1,
        device=torch.device("cpu"),
    )
    total = {name: float(values.sum()) / 1000 for name, values in kept.items()}
    return {
        "images": rounds * options.chunk,
        "input": list(inputs[0].shape[2:]),
        "backend": model.backend,
        "precision": model.precision,
        "bare_ms": spread(kept["bare"] / options.chunk),
        "evaluate_ms": spread(kept["evaluate"] / options.chunk),
        "seconds": total,
        "ratio": interval(kept["evaluate"] / kept["bare"]),
        "ratio_of_sums": total["evaluate"] / total["bare"],
        "peak_mb": {f"images_{n}": peak(options, path, n) for n in options.memory},
    }


def peak(options: argparse.Namespace, model: Path, images: int) -> float:
    """MB that a fresh process needs at most to evaluate so many images."""
    command = [sys.executable, "-m", "benchmarks.evaluation_cost", "-o", "-", "--only", str(model)]
    command += ["--images", str(images), "--data", str(options.data), "--split", options.split]
    command += ["--backend", options.backend, "--protocol", options.protocol]
    command += ["--threads", str(options.threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.strip().splitlines()[-1])


def only(options: argparse.Namespace) -> None:
    """Evaluate and print this process's peak memory in MB."""
    model = DepthModel.from_pretrained(
        options.only, backend=options.backend, threads=options.threads
    )
    whole = open_data(options.data, options.split)
    indices = [i % len(whole) for i in range(options.images)]
    evaluate(
        model, Part(whole, indices), load_protocol(options.protocol), name="m", size=(128, 192)
    )
    print(peak_rss_mb())


def peak_rss_mb() -> float:
    """Of this program alone: what getrusage gives also counts the parent before exec."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--network", default="base")
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--split", default="val")
    parser.add_argument("--protocol", default="nyu-eigen-filled-v1")
    parser.add_argument("--images", type=int, default=654)
    parser.add_argument("--chunk", type=int, default=22)
    parser.add_argument("--memory", type=int, nargs="+", default=[50, 654, 2000])
    parser.add_argument("--backend", default="onnx")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.data is None:
        options.data = data_path(f"${{{DATA_VARIABLE}}}", "--data")
    torch.set_num_threads(options.threads)
    np.seterr(all="raise", under="ignore")
    if options.only is not None:
        only(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    named = {"network": options.network, "protocol": options.protocol, "chunk": options.chunk}
    output = Path(options.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    table = {"machine": machine(), **named, **result}
    output.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
    ratio = result["ratio"]
    print(f"ratio {ratio['median']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})")


if __name__ == "__main__":
    main()
