"""python -m tools.pointnet RUN --scenes DIR: train the trunk of the geometric loss and measure it.

RUN is a run folder (journal, checkpoints; `--resume` goes on). At the end the trunk, normalized
over teacher clouds of the training scenes, is written to --weights and the figures to --results.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, cast

import torch
from tools.pointnet.distort import Clouds
from tools.pointnet.learn import FaultFinder, losses, mean_errors
from tools.pointnet.scenes import Scene, read_scenes
from tools.pointnet.sensitivity import sensitivity, teacher_clouds

from featherdepth.errors import FeatherDepthError, InputError
from featherdepth.images.atomic import write_atomic
from featherdepth.losses.pointnet import (
    VERSION,
    FrozenTrunk,
    load_trunk,
    read_trunk,
    save_trunk,
)
from featherdepth.networks.counting import count_params
from featherdepth.training.loop import LoopConfig, run

HELD_OUT = 10
"""One scene in so many is never trained on."""
SHAPE = ("shift", "focal")
MATERIALS = "own renders (class A)"
POINTS = 4096
"""Of the clouds that normalize and measure the features, as in the loss."""


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train, write the weights, and return the figures of the written file.

    Raises:
        InputError: too few scenes to hold some out.
        RunError: RUN holds a run and resume was not asked for, and what the loop raises.
    """
    torch.set_num_threads(options.threads)
    scenes = read_scenes(options.scenes)
    if len(scenes) < 2 * HELD_OUT:
        raise InputError(f"{options.scenes}: {len(scenes)} scenes; expected {2 * HELD_OUT} or more")
    held_out, trained = scenes[::HELD_OUT], [s for k, s in enumerate(scenes) if k % HELD_OUT]
    shape = {"size": options.batch, "points": options.points}
    clouds = Clouds(scenes=trained, seed=options.seed, **shape)
    # Shift and focal length alone, as in the task's own source; and with all faults at once.
    plain = Clouds(scenes=held_out, seed=options.seed + 1, roughness=0.0, **shape)
    rough = Clouds(scenes=held_out, seed=options.seed + 1, **shape)
    torch.manual_seed(options.seed)
    config = LoopConfig(
        steps=options.steps,
        lr=1e-3,
        warmup=min(100, options.steps // 10),
        ema=0.99,
        channels_last=False,
        validate_every=500,
        precision=options.precision,
    )
    outcome = run(
        FaultFinder(),
        losses,
        clouds,
        config,
        options.run,
        seed=options.seed,
        recipe={"steps": options.steps, "scenes": len(scenes), **shape},
        validate=lambda model: mean_errors(model, plain, 8, SHAPE),
        resume=options.resume,
        device=options.device,
        shown=True,
    )
    model = cast(FaultFinder, outcome.model.cpu())
    # Before the features are normalized: the head was trained on them as they were.
    errors = {
        "shift_and_focal": mean_errors(model, plain, 32, SHAPE),
        "all_faults": mean_errors(model, rough, 32),
    }
    batches = [teacher_clouds(trained[k : k + 16], POINTS, k) for k in range(0, len(trained), 16)]
    model.trunk.normalize_by(batches)
    save_trunk(options.weights, model.trunk, MATERIALS)
    figures = measure(options.weights, held_out)
    return figures | {
        "steps": outcome.step,
        "batch": options.batch,
        "points": options.points,
        "scenes": {"trained": len(trained), "held_out": len(held_out), "materials": MATERIALS},
        "mean_absolute_error": errors,
    }


def measure(weights: Path, scenes: list[Scene]) -> dict[str, Any]:
    """What the file is, and how features of trained and random trunks answer to changes."""
    trunk = read_trunk(weights)
    return {
        "version": VERSION,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "bytes": weights.stat().st_size,
        "parameters": count_params(trunk),
        "mean_square_change_of_features": {
            "trained": sensitivity(FrozenTrunk(trunk), scenes, POINTS),
            "random": sensitivity(load_trunk("random"), scenes, POINTS),
        },
    }


def main(arguments: list[str] | None = None) -> int:
    """Train and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="default: RUN/pointnet.safetensors")
    parser.add_argument("--results", type=Path, help="default: RUN/pointnet.json")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--points", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args(arguments)
    options.weights = options.weights or options.run / "pointnet.safetensors"
    options.results = options.results or options.run / "pointnet.json"
    try:
        figures = train(options)
        text = json.dumps(figures, indent=1, sort_keys=True) + "\n"
        write_atomic(options.results, text.encode())
    except FeatherDepthError as error:
        print(f"pointnet: {error}", file=sys.stderr)
        return error.exit_code
    errors = figures["mean_absolute_error"]["shift_and_focal"]
    print(", ".join(f"{name} {value:.4f}" for name, value in errors.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
