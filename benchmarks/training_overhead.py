"""What the training loop costs beside the bare forward + backward + optimizer step.

    python -m benchmarks.training_overhead -o OUT.json [--network small] [--size 192 256] ...

Two copies of one network see the same batch, one in a bare loop, one in the engine with all it does
in a step: seeds, sums and counts, clipping, averaging, the check for NaN, the journal. Steps of the
two alternate (and swap who is first), so that a machine that slows down slows both; the figure is
the median of the ratios of neighbors, with a 95 % bootstrap interval. Batches are ready in both.
"""

import argparse
import json
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from benchmarks.timing import interleave, interval, machine, milliseconds, spread
from torch import Tensor, nn
from torch.optim import AdamW

from featherdepth.networks.build import build_network
from featherdepth.training.checkpoint import Checkpoints
from featherdepth.training.log import RunLog
from featherdepth.training.loop import LoopConfig
from featherdepth.training.objective import Losses
from featherdepth.training.processes import Processes
from featherdepth.training.trainer import Trainer


class OneBatch:
    """The same images in every step."""

    def __init__(self, size: int, shape: tuple[int, int], device: torch.device) -> None:
        self.size = size
        generator = torch.Generator().manual_seed(0)
        self.images = torch.rand(size, 3, *shape, generator=generator).to(device)

    def __call__(self, _step: int, rank: int, world: int) -> Tensor:
        return self.images[rank::world]


def objective(model: nn.Module, images: Tensor) -> Losses:
    error = model(images) - images.mean(1, keepdim=True)
    return {"square": (error**2).mean((1, 2, 3))}


def bare_step(model: nn.Module, images: Tensor, optimizer: AdamW, bf16: bool) -> None:
    low = torch.autocast(images.device.type, dtype=torch.bfloat16) if bf16 else nullcontext()
    with low:
        prediction = model(images)
    loss = ((prediction.float() - images.mean(1, keepdim=True)) ** 2).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    processes = Processes(arguments.device)
    device = processes.device
    batches = OneBatch(arguments.batch, tuple(arguments.size), device)
    config = LoopConfig(
        steps=10**6, precision=arguments.precision, log_every=20, freeze_batchnorm=False
    )
    network = build_network(arguments.network)
    twin = build_network(arguments.network)
    twin.load_state_dict(network.state_dict())
    trainer = Trainer(network, objective, batches, config, processes, seed=0)
    twin.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = AdamW(twin.parameters(), lr=config.lr, fused=device.type in ("cpu", "cuda"))
    images = batches.images.contiguous(memory_format=torch.channels_last)
    bf16 = trainer.precision == "bf16"
    with RunLog(folder, trainer, shown=False) as log:

        def bare() -> None:
            bare_step(twin, images, optimizer, bf16)

        def looped() -> None:
            trainer.advance()
            log.step()

        calls = {"bare": bare, "loop": looped}
        kept = interleave(calls, rounds=arguments.rounds, warmup=arguments.warmup, device=device)
    checkpoints = Checkpoints(folder / "checkpoints", 2)
    checkpoint = milliseconds(lambda: write(checkpoints, trainer), device)
    return {
        "bare_ms": spread(kept["bare"]),
        "loop_ms": spread(kept["loop"]),
        "ratio": interval(kept["loop"] / kept["bare"]),
        "checkpoint_ms": checkpoint,
        "precision": trainer.precision,
    }


def write(checkpoints: Checkpoints, trainer: Trainer) -> None:
    checkpoints.write(trainer.step, trainer.state_dict())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--network", default="small")
    parser.add_argument("--size", type=int, nargs=2, default=[192, 256])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--device")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments, Path(folder))
    named = {k: getattr(arguments, k) for k in ("network", "size", "batch", "rounds")}
    table = {"machine": machine(), **named, **result}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
    ratio = result["ratio"]
    print(f"ratio {ratio['median']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})")


if __name__ == "__main__":
    main()
