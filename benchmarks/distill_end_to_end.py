"""Distillation as a newcomer runs it, and as a power cut treats it.

    python -m benchmarks.distill_end_to_end PHOTOS --teacher T -o OUT.json [--set KEY=VALUE ...]

In a fresh virtual environment with the wheel built from this tree: one undisturbed run with cached
maps; the same run killed (SIGKILL) once while it labels and once while it trains, and resumed; and
a run of a randomly initialized Depth-Anything of transformers through the same path. What is
compared: weights and every map of the cache, byte for byte.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DEPTH_ANYTHING = """
import sys
import torch
from transformers import (
    DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessor
)
torch.manual_seed(0)
backbone = Dinov2Config(
    hidden_size=48, num_hidden_layers=4, num_attention_heads=3, image_size=224, patch_size=14,
    out_indices=[1, 2, 3, 4], reshape_hidden_states=False, apply_layernorm=True,
)
config = DepthAnythingConfig(
    backbone_config=backbone, reassemble_hidden_size=48, neck_hidden_sizes=[16, 32, 48, 48],
    fusion_hidden_size=24, head_hidden_size=16, patch_size=14,
)
DepthAnythingForDepthEstimation(config).save_pretrained(sys.argv[1])
DPTImageProcessor(
    size={"height": 224, "width": 224}, keep_aspect_ratio=True, ensure_multiple_of=14,
    image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225],
).save_pretrained(sys.argv[1])
"""


def environment(folder: Path) -> Path:
    """A virtual environment with the wheel and its extras; the path of its programs."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *quiet, "--no-deps", "-w", folder, ROOT], check=True
    )
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    wheel = next(folder.glob("featherdepth-*.whl"))
    wanted = [f"featherdepth[train,teachers] @ file://{wheel}"]
    constraint = ["--constraint", ROOT / "constraints.txt"]
    pip = ["-m", "pip", "install", *quiet, *map(str, constraint), *wanted]
    subprocess.run([programs / "python", *pip], check=True)
    return programs


def run(programs: Path, arguments: list[str], kill_when: Callable[[], bool] | None = None) -> int:
    """One command line in an empty folder; the exit code, negative for a signal."""
    with tempfile.TemporaryDirectory() as empty:
        process = subprocess.Popen([programs / "featherdepth", *arguments, "-q"], cwd=empty)
        while kill_when is not None and process.poll() is None:
            if kill_when():
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.05)
        return process.wait()


def digests(folder: Path, pattern: str) -> dict[str, str]:
    """sha256 of every file that fits, by its place."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.glob(pattern))
    }


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    programs = environment(folder)
    photos = str(arguments.photos.resolve())
    settings = [word for pair in arguments.set for word in ("--set", pair)]
    threads = ["--threads", str(arguments.threads)] if arguments.threads else []

    def words(name: str, teacher: str) -> list[str]:
        places = ["-o", str(folder / name), "--cache", str(folder / f"{name}-maps")]
        return ["distill", photos, "--teacher", teacher, *places, *settings, *threads, "--report"]

    own = str(arguments.teacher.resolve())
    start = time.perf_counter()
    codes = {"undisturbed": run(programs, words("undisturbed", own))}
    seconds = time.perf_counter() - start
    maps, checkpoints = folder / "killed-maps", folder / "killed" / "checkpoints"

    def half_labeled() -> bool:
        labeled: int = arguments.labeled
        return len(list(maps.glob("maps/*/*.safetensors"))) >= labeled

    def in_training() -> bool:
        return any(checkpoints.glob("step-*.pt"))

    resumed = [*words("killed", own), "--resume"]
    codes["killed while labeling"] = run(programs, words("killed", own), half_labeled)
    codes["killed while training"] = run(programs, resumed, in_training)
    codes["resumed"] = run(programs, resumed)
    weights = [digests(folder / name, "model.safetensors") for name in ("undisturbed", "killed")]
    cached = [digests(folder / f"{name}-maps", "maps/*/*") for name in ("undisturbed", "killed")]
    random_teacher = folder / "depth-anything"
    subprocess.run([programs / "python", "-c", DEPTH_ANYTHING, random_teacher], check=True)
    codes["depth anything"] = run(programs, words("anything", f"hf:{random_teacher}"))
    if arguments.keep is not None:
        shutil.copytree(folder / "undisturbed", arguments.keep)
    document = json.loads((folder / "undisturbed" / "distillation.json").read_text())
    anything = json.loads((folder / "anything" / "distillation.json").read_text())
    return {
        "exit_codes": codes,
        "photos": document["photos"]["count"],
        "maps": len(cached[0]),
        "same_weights": weights[0] == weights[1],
        "same_maps": cached[0] == cached[1],
        "seconds_undisturbed": seconds,
        "agreement": {k: document["agreement"][k] for k in ("before", "after", "gain")},
        "depth_anything": {
            "kind": anything["student"]["kind"],
            "agreement": {k: anything["agreement"][k] for k in ("before", "after", "gain")},
        },
        "settings": arguments.set,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--labeled", type=int, default=400, help="maps after which it is killed")
    parser.add_argument("--keep", type=Path, help="new folder for the undisturbed run")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments, Path(folder))
    result["machine"] = {"cores": os.cpu_count(), "python": sys.version.split()[0]}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
    print(json.dumps({k: result[k] for k in ("exit_codes", "same_weights", "same_maps")}))


if __name__ == "__main__":
    main()
