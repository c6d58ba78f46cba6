"""What distillation costs beside what must be computed anyway.

    python -m benchmarks.distillation_overhead --teacher T -o OUT.json [--student small] ...

Four kinds of step of the same student, alternating in one process, on the same photos at one size,
with the channel-wise loss alone:

    online     the teacher is asked for a map of each view
    cached     maps of whole photos are cut by the crops
    labeled    the supervised loop, on those maps as if they were labels
    teacher    nothing but the teacher's forward pass on such views

so that `online / (cached + teacher)` and `cached / labeled` say what the machinery adds. `poster`
is the cached step with all losses of the shipped recipe.
"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.timing import interleave, interval, machine, spread

from featherdepth.distill.objective import Distiller
from featherdepth.distill.photos import PhotoPool
from featherdepth.distill.recipe import PlacedLoss, read_recipe
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.views import DistillBatches
from featherdepth.losses.channel_kl import ChannelKL
from featherdepth.networks.build import build_network
from featherdepth.training.loop import LoopConfig
from featherdepth.training.objective import Batches
from featherdepth.training.plan import ViewConfig, draw_plan
from featherdepth.training.pool import Pool
from featherdepth.training.precision import choose_precision
from featherdepth.training.processes import Processes
from featherdepth.training.supervised import SupervisedObjective
from featherdepth.training.trainer import Trainer
from featherdepth.training.views import Batch, render
from featherdepth.types import DepthKind

PHOTOS = 64


class OnePool:
    """Stands in for windows: all photos are in memory."""

    def __init__(self, pool: PhotoPool) -> None:
        self._pool = pool

    def of(self, _step: int) -> PhotoPool:
        return self._pool


class Labeled:
    """Views of a pool with labels."""

    def __init__(self, pool: Pool, batch: int, shape: tuple[int, int], *, half: bool) -> None:
        self.size, self._pool, self._shape, self._half = batch, pool, shape, half

    def __call__(self, step: int, rank: int, world: int) -> Batch:
        plan = draw_plan(
            self._pool, ViewConfig(), seed=0, step=step, batch=self.size, size=self._shape
        )
        return render(self._pool, plan.part(rank, world), self._shape, half=self._half)


def random_photos(shape: tuple[int, int], device: torch.device) -> PhotoPool:
    """Smooth random pictures and maps a quarter larger than the views."""
    generator = torch.Generator().manual_seed(0)
    height, width = (edge * 5 // 4 for edge in shape)
    coarse = torch.rand(PHOTOS, 4, 12, 16, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return PhotoPool(
        images=(smooth[:, :3] * 255).to(torch.uint8).to(device),
        maps=(1 + 5 * smooth[:, 3:]).half().to(device),
        boxes=np.tile([0, 0, height, width], (PHOTOS, 1)),
        intrinsics=np.tile([width, width, width / 2, height / 2.0], (PHOTOS, 1)),
        keys=tuple(map(str, range(PHOTOS))),
    )


def as_labeled(photos: PhotoPool) -> Pool:
    return Pool(
        images=photos.images,
        depths=photos.images[:, :1].half() if photos.maps is None else photos.maps,
        boxes=photos.boxes,
        sizes=photos.boxes[:, 2:],
        intrinsics=photos.intrinsics,
        ranking_only=np.zeros(PHOTOS, np.bool_),
        kinds=(DepthKind.METRIC,) * PHOTOS,
        keys=photos.keys,
        members=photos.members,
        shares=photos.shares,
        sha256="",
    )


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    processes = Processes(arguments.device)
    device = processes.device
    shape = (arguments.size[0], arguments.size[1])
    teacher = open_teacher(arguments.teacher, device=device)
    teacher_shape = teacher.input_size(*shape)
    photos = random_photos(shape, device)
    config = LoopConfig(steps=10**6, precision=arguments.precision)
    kl = [PlacedLoss(name="channel_kl", loss={})]

    def trainer(objective: Any, batches: Batches) -> Trainer:
        network = build_network(arguments.student)
        return Trainer(network, objective, batches, config, processes, seed=0)

    def batches(*, online: bool) -> DistillBatches:
        return DistillBatches(
            OnePool(photos),  # type: ignore[arg-type]
            ViewConfig(),
            size=shape,
            batch=arguments.batch,
            seed=0,
            teacher_size=teacher.input_size if online else None,
            half=half,
        )

    def distiller(losses: list[PlacedLoss], *, online: bool) -> Distiller:
        return Distiller(
            losses,
            teacher=teacher if online else None,
            kind=teacher.card.kind,
            student=build_network(arguments.student),
            gradients_every=50,
        )

    half = choose_precision(config.precision, device) == "bf16" and device.type == "cpu"
    labeled = SupervisedObjective({"channel_kl": (1.0, ChannelKL(ChannelKL.Config()))})
    views = torch.rand(arguments.batch, 3, *teacher_shape, device=device)
    trainers = {
        "online": trainer(distiller(kl, online=True), batches(online=True)),
        "cached": trainer(distiller(kl, online=False), batches(online=False)),
        "labeled": trainer(labeled, Labeled(as_labeled(photos), arguments.batch, shape, half=half)),
        "poster": trainer(
            distiller(list(read_recipe().losses), online=False), batches(online=False)
        ),
    }
    calls = {name: one.advance for name, one in trainers.items()}
    times = interleave(
        {**calls, "teacher": partial(teacher, views)},
        rounds=arguments.rounds,
        warmup=arguments.warmup,
        device=device,
    )
    return {
        "ms": {name: spread(values) for name, values in times.items()},
        "online_ratio": interval(times["online"] / (times["cached"] + times["teacher"])),
        "cached_ratio": interval(times["cached"] / times["labeled"]),
        "poster_ratio": interval(times["poster"] / times["cached"]),
        "precision": trainers["cached"].precision,
        "teacher": {"name": teacher.card.name, "input": list(teacher_shape)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--teacher", default="small")
    parser.add_argument("--student", default="small")
    parser.add_argument("--size", type=int, nargs=2, default=[256, 320])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--device")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    result = measure(arguments)
    named = {k: getattr(arguments, k) for k in ("student", "size", "batch", "rounds")}
    table = {"machine": machine(), **named, **result}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
    for name in ("online_ratio", "cached_ratio", "poster_ratio"):
        ratio = result[name]
        print(f"{name} {ratio['median']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})")


if __name__ == "__main__":
    main()
