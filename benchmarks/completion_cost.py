"""What completing 500 points costs beside the first stage alone, and its memory.

    FEATHERDEPTH_DATA=<data folder> python -m benchmarks.completion_cost -o OUT.json

Photos of 640x480 in memory to depth arrays: `infer` of the first stage and `complete` with the same
model take turns; figures are medians over paired rounds. `base` has random weights: its time does
not depend on them. Memory is the peak of a fresh process that completes ten photos.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from benchmarks.evaluation_cost import make_model, peak_rss_mb
from benchmarks.timing import interleave, interval, machine, spread

from featherdepth.completion.model import CompletionModel
from featherdepth.config import DATA_VARIABLE, data_path
from featherdepth.data.patterns import draw
from featherdepth.data.probe import open_data
from featherdepth.rng import generator
from featherdepth.runtime.model import DepthModel
from featherdepth.runtime.presets import embedded_models
from featherdepth.types import Depth, Image

PHOTOS = 10


def scenes(data: Path, split: str, pattern: str) -> list[tuple[Image, Depth]]:
    """Photos and the points drawn from their depth."""
    reader = open_data(data, split)
    found = []
    for index in range(PHOTOS):
        sample = reader[index]
        assert sample.depth is not None  # noqa: S101 - the split has depth
        random = generator(0, "pattern", sample.key, pattern)
        found.append((sample.image, draw(sample.depth, pattern, random, image=sample.image)))
    return found


def measure(first: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ratio, difference and memory behind one first stage."""
    reference = first if first in embedded_models() else str(make_model(first, folder / first))
    model = DepthModel.from_pretrained(reference, backend=options.backend, threads=options.threads)
    completer = CompletionModel(model)
    pairs = scenes(options.data, options.split, options.pattern)

    def alone() -> None:
        for photo, _ in pairs:
            model.infer(photo)

    def completed() -> None:
        for photo, sparse in pairs:
            completer.complete(photo, sparse)

    kept = interleave(
        {"infer": alone, "complete": completed},
        rounds=options.rounds,
        warmup=1,
        device=torch.device("cpu"),
    )
    return {
        "backend": model.backend,
        "precision": model.precision,
        "infer_ms": spread(kept["infer"] / PHOTOS),
        "complete_ms": spread(kept["complete"] / PHOTOS),
        "ratio": interval(kept["complete"] / kept["infer"]),
        "added_ms": interval((kept["complete"] - kept["infer"]) / PHOTOS),
        "peak_mb": peak(reference, options),
    }


def peak(reference: str, options: argparse.Namespace) -> float:
    """MB that a fresh process needs at most."""
    command = [sys.executable, "-m", "benchmarks.completion_cost", "-o", "-", "--only", reference]
    command += ["--data", str(options.data), "--split", options.split]
    command += ["--backend", options.backend, "--threads", str(options.threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--first", nargs="+", default=["small", "base"])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--split", default="val")
    parser.add_argument("--pattern", default="uniform-500")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.data is None:
        options.data = data_path(f"${{{DATA_VARIABLE}}}", "--data")
    if options.only is not None:
        first = DepthModel.from_pretrained(
            options.only, backend=options.backend, threads=options.threads
        )
        for photo, sparse in scenes(options.data, options.split, options.pattern):
            CompletionModel(first).complete(photo, sparse)
        print(peak_rss_mb())
        return
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        rows = {first: measure(first, options, Path(folder)) for first in options.first}
    table = {
        "machine": machine(),
        "pattern": options.pattern,
        "rounds": options.rounds,
        "threads": options.threads,
        "first": rows,
    }
    Path(options.output).write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
    for first, row in rows.items():
        ratio, added = row["ratio"], row["added_ms"]
        print(f"{first}: {ratio['median']:.2f} times, {added['median']:.0f} ms more")


if __name__ == "__main__":
    main()
