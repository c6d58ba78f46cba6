"""Networks, backends and precisions against each other and against what people know.

    python -m benchmarks.speed -o docs/results/speed.json --threads 2

One interleaved run at 448x448, batch 1, with random weights where a network has none embedded (the
time does not hang on them): torch eager (NCHW, not folded, inference mode) is the baseline of each
network; Depth-Anything-V2-Small runs at its own size. In a run of their own, since a large network
leaves a small one cold caches, all of `benchmarks.contestants` and the embedded networks at their
own sizes. Then the parts of one photo of 640x480 from JPEG to PNG, peak memory of fresh processes,
and the start from nothing to the first depth map (median of seven processes, file cache warm).
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.contestants import CONTESTANTS, DepthOnly, openvino_call
from benchmarks.evaluation_cost import make_model

from featherdepth.evaluation.speed.measure import Contestant, contestant, measure, stages
from featherdepth.evaluation.speed.memory import peak_mb
from featherdepth.evaluation.speed.photo import made_up_photo
from featherdepth.evaluation.speed.timing import interleave, interval
from featherdepth.export.int8_graph import write_int8_graph
from featherdepth.export.pictures import Photos
from featherdepth.images.atomic import write_atomic
from featherdepth.networks.counting import count_params
from featherdepth.networks.folder import GRAPH_INT8, read_config
from featherdepth.networks.listing import list_networks
from featherdepth.networks.weights import load_model
from featherdepth.runtime.cpu import multiplies_in_bf16
from featherdepth.runtime.model import DepthModel
from featherdepth.runtime.presets import embedded_folder, embedded_models

SIZE = (448, 448)
FOLDER_ROUNDS = 7
ROOT = Path(__file__).resolve().parents[1]
FIRST_MAP = """
import sys
from featherdepth.runtime.cpu import multiplies_in_bf16
from featherdepth.runtime.model import DepthModel
DepthModel.from_pretrained("small", backend="onnx", precision=sys.argv[2]).infer(sys.argv[1])
assert "torch" not in sys.modules
"""
IMPORTS = "import numpy, onnxruntime"


def folders(names: list[str], place: Path) -> dict[str, Path]:
    """A model folder of each network, with both graphs."""
    found = {}
    for name in names:
        if name in embedded_models():
            found[name] = embedded_folder(name)
            continue
        found[name] = make_model(name, place / name)
    for name, folder in found.items():
        if not (folder / GRAPH_INT8).is_file():
            print(f"{name}: 8-bit graph", flush=True)
            photos = Photos([ROOT / "docs" / "photos"], read_config(folder), fixed=None, channels=3)
            write_int8_graph(folder, photos)
    return found


def eager(name: str, folder: Path) -> Contestant:
    """The network as a user of torch would call it."""
    module = load_model(folder)[1].eval()
    batch = torch.rand(1, 3, *SIZE)

    @torch.inference_mode()
    def call() -> object:
        return module(batch)

    return Contestant(
        name=f"{name} torch eager fp32", call=call, precision="fp32", macs=_macs(name), facts={}
    )


def others(threads: int) -> list[Contestant]:
    """What people know, with random weights, each at its own size: by torch and by OpenVINO."""
    field = []
    for name, build in CONTESTANTS.items():
        network, edge = build()
        module, batch = DepthOnly(network).eval(), torch.rand(1, 3, edge, edge)

        @torch.inference_mode()
        def call(module: DepthOnly = module, batch: torch.Tensor = batch) -> object:
            return module(batch)

        facts = {"params": count_params(module), "input": [edge, edge]}
        calls = {"torch eager": call, "openvino": openvino_call(module, batch, threads)}
        field += [
            Contestant(
                name=f"{name} {way} fp32, {edge}x{edge}", call=one, precision="fp32", facts=facts
            )
            for way, one in calls.items()
        ]
    return field


def cold_start(photo: Path, precision: str, rounds: int = 7) -> dict[str, Any]:
    """Seconds of fresh processes: to the first depth map, and to import what it stands on."""
    commands = {
        "first_map": [sys.executable, "-c", FIRST_MAP, str(photo), precision],
        "imports": [sys.executable, "-c", IMPORTS],
    }
    calls: dict[str, Callable[[], object]] = {
        name: partial(subprocess.run, command, check=True) for name, command in commands.items()
    }
    times = interleave(calls, rounds=rounds, warmup=1)
    return {
        **{name: statistics.median(values) / 1000 for name, values in times.items()},
        "ratio": interval(times["first_map"] / times["imports"]),
    }


def folder_of_photos(count: int, threads: int, place: Path) -> dict[str, Any]:
    """12-megapixel photos through `predict --out-size model`, over decode and network overlapped.

    What overlapping allows is measured: a bare loop over half of the photos before and half of
    them behind the command, in which threads decode while this one runs the network, nothing is
    written and no process starts. The figures are those of the median round. What the command
    takes when all is done already, its start for the most part, is timed as well, and its peak
    memory with a fifth of the photos and with all.
    """
    import PIL.Image

    photos = place / "photos"
    photos.mkdir()
    sources = sorted((ROOT / "docs" / "photos").glob("*.jpg"))
    random = np.random.default_rng(0)
    made = []
    for i, path in enumerate(sources):
        with PIL.Image.open(path) as opened:
            large = np.asarray(opened.convert("RGB").resize((4000, 3000)), dtype=np.int16)
        grain = random.normal(0, 4, (750, 1000, 1)).repeat(4, 0).repeat(4, 1)
        noisy = (large + grain).clip(0, 255).astype(np.uint8)
        file = photos / f"{i:03d}.jpg"
        PIL.Image.fromarray(noisy).save(file, quality=85)
        made.append(file.read_bytes())
    for i in range(len(made), count):
        (photos / f"{i:03d}.jpg").write_bytes(made[i % len(made)])
    model = DepthModel.from_pretrained("small", threads=threads)

    def bare(numbers: range) -> float:
        """Seconds of decode and network, overlapped."""
        start = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            for image in pool.map(model.read, (made[i % len(made)] for i in numbers)):
                model.infer_image(image, out_size="model")
        return time.perf_counter() - start

    program = [sys.executable, "-m", "featherdepth", "predict", str(photos), "--out-size", "model"]
    program += ["--save", "png16", "--threads", str(threads), "-q", "-o"]
    peaks = {}
    for name, parts in (("fifth", 5), ("all", 1)):
        peaks[name] = _peak_mb([*program, str(place / name), "--shard", f"1/{parts}"])
    bare(range(len(made)))
    rounds = []
    for i in range(FOLDER_ROUNDS):
        before = bare(range(count // 2))
        start = time.perf_counter()
        subprocess.run([*program, str(place / f"out{i}")], check=True)
        whole = time.perf_counter() - start
        start = time.perf_counter()
        subprocess.run([*program, str(place / f"out{i}")], check=True)
        idle = time.perf_counter() - start
        rounds.append(((before + bare(range(count // 2, count))) / whole, whole, idle))
    share, whole, idle = sorted(rounds)[FOLDER_ROUNDS // 2]
    return {
        "photos": count,
        "bare_seconds": share * whole,
        "seconds": whole,
        "share": share,
        "start_seconds": idle,
        "share_without_start": share * whole / (whole - idle),
        "shares": [row[0] for row in rounds],
        "peak_mb": peaks,
        "precision": model.precision,
        "backend": model.backend,
    }


def _peak_mb(command: list[str]) -> float:
    """Peak memory of a process of its own, as Linux tells it until the end.

    What it tells afterwards is at least the memory of this process, of which it began as a copy.
    """
    kilobytes = 0
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            told = Path(f"/proc/{process.pid}/status").read_text()
            if found := re.search(r"VmHWM:\s+(\d+)", told):
                kilobytes = int(found[1])
            time.sleep(0.01)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return kilobytes / 1024


def _macs(name: str) -> float | None:
    row = next((row for row in list_networks() if row["name"] == name), None)
    return None if row is None else float(row["macs"])


def rounded(value: Any) -> Any:
    """With five digits in place of seventeen."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--networks", nargs="+", default=["base", "small", "fast"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--photos", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    photo = made_up_photo()
    with tempfile.TemporaryDirectory() as place:
        made = folders(options.networks, Path(place))
        field, models, beside = [], {}, others(options.threads)

        def enter(name: str, backend: str, precision: str) -> None:
            model = DepthModel.from_pretrained(
                made[name], backend=backend, precision=precision, threads=options.threads
            )
            title = f"{name} {backend} {precision}"
            models[title] = (made[name], model)
            one = contestant(title, model, photo, SIZE)
            facts = {**(one.facts or {}), "network": name}
            field.append(replace(one, precision=precision, macs=_macs(name), facts=facts))
            if backend == "openvino" and name in embedded_models():
                own = contestant(f"{title}, own size", model, photo, None)
                beside.append(replace(own, precision=precision))

        for name, folder in made.items():
            field.append(eager(name, folder))
            for backend in ("torch", "onnx", "openvino"):
                for precision in ("fp32",) if backend == "torch" else ("fp32", "int8"):
                    enter(name, backend, precision)
        field.append(beside[0])
        if multiplies_in_bf16():
            for name in made:
                enter(name, "openvino", "bf16")
        document = measure(
            field, rounds=options.rounds, warmup=options.warmup, threads=options.threads
        )
        for row in document["rows"]:
            if row["name"] not in models:
                continue
            folder, model = models[row["name"]]
            row["peak_mb"] = peak_mb(str(folder), model, photo, threads=options.threads, size=SIZE)
            if model.backend != "torch":
                row["stages"] = stages(
                    model, photo, size=SIZE, rounds=options.rounds, warmup=options.warmup
                )
        document["beside"] = measure(
            beside,
            rounds=options.rounds,
            warmup=options.warmup,
            threads=options.threads,
            limit=False,
        )
        document["random_weights"] = [n for n in options.networks if n not in embedded_models()]
        file = Path(place, "photo.jpg")
        file.write_bytes(photo)
        document["cold_start"] = {p: cold_start(file, p) for p in ("fp32", "int8")}
        if options.photos:
            document["folder"] = folder_of_photos(options.photos, options.threads, Path(place))
    # One value a line, for whoever compares two runs; indented it would be half as long again.
    text = json.dumps(rounded(document), indent=0, sort_keys=True) + "\n"
    write_atomic(options.output, text.encode())
    for row in [*document["rows"], *document["beside"]["rows"]]:
        print(f"{row['name']}: {row['median_ms']:.1f} ms, share {row.get('share') or 0:.2f}")


if __name__ == "__main__":
    main()
