"""What the geometric loss adds to a step of label-free distillation.

    python -m benchmarks.geometric_loss -o OUT.json [--network base] [--size 448 448] [--rounds 15]

A step is the student forward and backward with CN+KL to ready teacher maps; the other one adds the
geometric loss: its draw of pixels, their rays, both clouds, the trunk. Both take the same batch and
the same network in turns (and swap who is first), so that a machine that slows down slows both; the
figure is the median of the ratios of neighbors, with a 95 % bootstrap interval. No optimizer step,
no teacher forward: with them the ratio is smaller.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.timing import interleave, interval, machine, spread
from torch import Tensor

from featherdepth.losses.channel_kl import ChannelKL
from featherdepth.losses.geometric import Geometric
from featherdepth.networks.build import build_network
from featherdepth.types import DepthKind


def teacher_maps(batch: int, size: tuple[int, int]) -> Tensor:
    """Smooth maps of unit variance."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.randn(batch, 1, 8, 8, generator=generator)
    maps = torch.nn.functional.interpolate(coarse, size, mode="bicubic", align_corners=False)
    return maps / maps.std()


def measure(options: argparse.Namespace, size: tuple[int, int]) -> dict[str, Any]:
    """Milliseconds of both steps at one size, and their ratio."""
    device = torch.device(options.device)
    network = build_network(options.network).to(device)
    network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(options.batch, 3, *size, generator=generator).to(device)
    images = images.contiguous(memory_format=torch.channels_last)
    teacher = teacher_maps(options.batch, size).to(device)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    channel = ChannelKL(ChannelKL.Config())
    config = Geometric.Config(points=options.points, trunk=options.trunk)
    geometric = Geometric(config, kind=DepthKind.AFFINE_INVARIANT).to(device)
    unknown = np.full((options.batch, 4), np.nan)

    def plain() -> None:
        student = network(images)
        channel(student, teacher, valid).mean().backward()
        network.zero_grad(set_to_none=True)

    def with_geometric() -> None:
        student = network(images)
        generators = [torch.Generator().manual_seed(k) for k in range(options.batch)]
        pixels = geometric.draw_pixels(teacher, valid, generators)
        rays = geometric.rays_at(unknown, size, pixels)
        terms = geometric(student, teacher, valid, rays, pixels)
        loss = channel(student, teacher, valid) + sum(terms.values())
        loss.mean().backward()
        network.zero_grad(set_to_none=True)

    kept = interleave(
        {"plain": plain, "geometric": with_geometric},
        rounds=options.rounds,
        warmup=options.warmup,
        device=device,
    )
    return {
        "size": list(size),
        "plain_ms": spread(kept["plain"]),
        "geometric_ms": spread(kept["geometric"]),
        "ratio": interval(kept["geometric"] / kept["plain"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--network", default="base")
    parser.add_argument("--size", type=int, nargs=2, action="append", help="may be repeated")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--points", type=int, default=4096)
    parser.add_argument("--trunk", choices=["trained", "random", "none"], default="trained")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    about = machine()  # with the load before we add to it
    sizes = [tuple(size) for size in options.size or [(256, 256), (448, 448)]]
    rows = [measure(options, size) for size in sizes]
    named = {k: getattr(options, k) for k in ("network", "batch", "points", "trunk", "rounds")}
    table = {"machine": about, "precision": "fp32", **named, "rows": rows}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
    for row in rows:
        ratio, size = row["ratio"], "x".join(map(str, row["size"]))
        print(f"{size}: {ratio['median']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})")


if __name__ == "__main__":
    main()
