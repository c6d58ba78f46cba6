"""What `complete` costs beside `predict` with the same first stage.

    python -m benchmarks.completion_cost -o OUT.json
    ... --points 2000 --sky 192 --models small

A photo of 640x480 in memory and 500 points; with `--sky` none in so many rows from above, where
the network looks at two sizes. `DepthModel.infer` and `CompletionModel.complete` (with
the same opened model) alternate; the figure is the median of the ratios of neighbors, and the
difference in ms. Behind them, by themselves, since what runs between the two empties their caches,
the parts of the completion: alignment with the search for wrong points, the start by kriging, the
network, and all of the method. Memory is the peak of fresh processes. `--model base` without such
an embedded model takes random weights: the time does not hang on them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.evaluation_cost import make_model
from benchmarks.timing import interleave, interval, machine, spread

from featherdepth.completion import learned
from featherdepth.completion.complete import complete_map, scene_of
from featherdepth.completion.drift import drift
from featherdepth.completion.model import CompletionModel
from featherdepth.evaluation.speed.photo import made_up_pixels
from featherdepth.geometry.resize import resize_map
from featherdepth.runtime.model import DepthModel
from featherdepth.runtime.presets import embedded_models
from featherdepth.types import Depth, DepthKind, Image

SIZE = (480, 640)
TARGETS = {"base": "1.5 times predict plus 15 ms", "small": "2.5 times predict"}


def material(points: int, sky: int) -> tuple[np.ndarray, Depth]:
    """A smooth photo with some texture, and points of a room that slants away below `sky` rows."""
    random = np.random.default_rng(0)
    rows, columns = np.indices(SIZE)
    meters = 4.0 - 2.0 * rows / SIZE[0] + columns / SIZE[1]
    valid = np.zeros(meters.size, dtype=np.bool_)
    above = sky * SIZE[1]
    valid[above + random.choice(meters.size - above, points, replace=False)] = True
    valid = valid.reshape(SIZE)
    values = np.where(valid, meters, 0).astype(np.float32)
    return made_up_pixels(SIZE), Depth(values=values, valid=valid, kind=DepthKind.METRIC)


def open_model(options: argparse.Namespace, path: str) -> DepthModel:
    # As the completion network: `auto` would take 8 bits for the first stage alone.
    return DepthModel.from_pretrained(
        path, backend=options.backend, threads=options.threads, precision="fp32"
    )


def measure(options: argparse.Namespace, path: str) -> dict[str, Any]:
    """Ratio, difference, parts and memory."""
    first = open_model(options, path)
    model = CompletionModel(first, method=options.method, threads=options.threads)
    photo, sparse = material(options.points, options.sky)
    prior = first.infer(photo)
    image = Image(pixels=photo)
    method = options.method
    pair: dict[str, Any] = {
        "predict": lambda: first.infer(photo),
        "complete": lambda: model.complete(photo, sparse),
    }
    parts: dict[str, Any] = {
        "method": lambda: complete_map(
            prior, sparse, photo=image, method=method, threads=options.threads
        ),
        "align": lambda: scene_of(prior, sparse, photo=image, method=method, reject_outliers=True),
    }
    if method == "learned":
        scene, _ = scene_of(prior, sparse, photo=image, method=method, reject_outliers=True)
        unit, sizes = np.float32(np.median(scene.log_meters)), learned.seen_sizes(scene)
        start = drift(scene).log_depth(scene) - unit
        network, multiple = learned.open_network(None, options.threads)
        inputs = [
            learned._inputs(scene, resize_map(start, size), unit, size, multiple) for size in sizes
        ]
        parts |= {
            "start": lambda: drift(scene),
            "network": lambda: [network(one) for one in inputs],
        }
    often = {"rounds": options.rounds, "warmup": options.warmup, "device": torch.device("cpu")}
    kept = interleave(pair, **often) | interleave(parts, **often)
    return {
        "backend": first.backend,
        "precision": first.precision,
        "times_ms": {name: spread(values) for name, values in kept.items()},
        "ratio": interval(kept["complete"] / kept["predict"]),
        "difference_ms": interval(kept["complete"] - kept["predict"]),
        "ratio_less_15_ms": interval((kept["complete"] - 15) / kept["predict"]),
        "network_inputs": [list(one.shape[2:]) for one in inputs] if method == "learned" else [],
        "peak_mb": {what: peak(options, path, what) for what in ("predict", "complete")},
    }


# What a user's process does: no torch. This file's own imports would count 200 MB of it.
FRESH = """
import resource, sys
from pathlib import Path
import numpy as np
from featherdepth import CompletionModel, Depth, DepthKind, DepthModel
data = np.load(sys.argv[1])
first = DepthModel.from_pretrained(sys.argv[2], backend=sys.argv[3], threads=int(sys.argv[4]))
values = data["sparse"]
sparse = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)
model = CompletionModel(first, method=sys.argv[5], threads=int(sys.argv[4]))
for _ in range(3):
    first.infer(data["photo"])
    if sys.argv[6] == "complete":
        model.complete(data["photo"], sparse)
assert first.backend == "torch" or "torch" not in sys.modules
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.is_file() else []
found = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
print(found[0] if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(options: argparse.Namespace, path: str, what: str) -> float:
    """MB that a fresh process needs at most for three photos."""
    photo, sparse = material(options.points, options.sky)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data.npz")
        np.savez(data, photo=photo, sparse=sparse.values)
        arguments = [str(data), path, options.backend, str(options.threads), options.method, what]
        command = [sys.executable, "-c", FRESH, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--models", nargs="+", default=["small", "base"])
    parser.add_argument("--method", default="learned")
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--sky", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.models:
            embedded = name in embedded_models()
            path = name if embedded else str(make_model(name, Path(folder, name)))
            found = measure(options, path)
            rows[name] = {"target": TARGETS.get(name), "random_weights": not embedded, **found}
            ratio, more = found["ratio"], found["difference_ms"]
            print(
                f"{name}: {ratio['median']:.2f} times predict ({ratio['low']:.2f} to"
                f" {ratio['high']:.2f}), {more['median']:.1f} ms more"
            )
    output = Path(options.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "photo": list(SIZE),
        "points": options.points,
        "rows_without": options.sky,
        "method": options.method,
    }
    table = {"machine": machine(), "rounds": options.rounds, **said, "rows": rows}
    output.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
