"""A `Work` on Ray: three stages of Ray Data where the network has a GPU.

    units -> decode (CPU, 1 to n processes) -> network (n processes, one model each) -> write (CPU)

Where the network runs on CPUs as well, a pool of processes takes units and does all three: on two
cores, handing decoded photos from process to process took a fifth of the throughput, and Ray Data's
own processes a part of the rest.

What a stage has ready waits in the memory that Ray shares between processes, and Ray holds back the
stages in front when that fills up. A worker that dies takes one block with it (between CPUs one
unit), which is done again elsewhere; a file is seen once it is whole. Where the blocks of a unit go
through several processes, a task finishes it when the last of them is written.
"""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featherdepth.cluster import attempts
from featherdepth.cluster.connect import cluster, load_ray_data, one_line
from featherdepth.cluster.stages import DecodeStage, Fault, NetworkStage, UnitWorker, finish, write
from featherdepth.data.units import Units
from featherdepth.errors import RunError, UsageError
from featherdepth.runtime.job import JobResult
from featherdepth.runtime.ledger import Gathering, Ledger
from featherdepth.runtime.work import End, Finished, Work, Written

RETRIES = 5
"""Of finishing a unit, whose worker dies."""
ROW_BYTES = 1 << 16
"""Blocks of photos are larger, so each travels alone and at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Crew:
    """Who does the work."""

    workers: int = 1
    """Processes with a network."""
    decoders: int = 0
    """At most so many processes that decode, with one more to write; 0: each worker does both."""
    threads: int = 1
    """CPUs of each network."""
    gpus: int = 0
    """Of each network: 0 or 1."""
    address: str | None = None
    """Of the cluster; None starts one on this machine."""

    @property
    def cpus(self) -> int:
        """What it needs of a cluster."""
        return self.workers * self.threads + self.decoders + (1 if self.decoders else 0)


def run_on_ray(
    work: Work,
    units: Units,
    crew: Crew,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> JobResult:
    """Do what is missing, on a cluster.

    Args:
        overwrite: also units that are marked as done.
        progress: called with (units finished, units in all), from this thread.

    Raises:
        BackendError: Ray is not installed.
        UsageError: a crew that the cluster has no room for.
        RunError: the cluster does not answer, no space, a block that kills every worker, or what
            the network cannot go on from; finished units stay.
    """
    ledger = Ledger(work, units, overwrite=overwrite, progress=progress)
    if not ledger.todo:
        return ledger.result()
    attempts.forget(work.folder)
    with cluster(crew.address, cpus=crew.cpus) as ray:
        _check_room(ray, crew)
        try:
            _run(ray, work, units, crew, ledger)
        except ray.exceptions.RayError as error:
            raise RunError(
                f"the cluster gave up: {one_line(error)}; finished units stay, and the same command"
                " goes on after them"
            ) from error
    return ledger.result()


def _run(ray: Any, work: Work, units: Units, crew: Crew, ledger: Ledger) -> None:
    finisher = ray.remote(num_cpus=0, max_retries=RETRIES)(finish)
    finishing: dict[Any, Finished] = {}
    gathering = Gathering()
    stages = _apart if crew.decoders else _together
    with contextlib.closing(stages(ray, work, units, crew, ledger.todo)) as messages:
        for message in messages:
            if isinstance(message, Fault):
                raise message.raised()
            if isinstance(message, Finished):
                ledger.add(message)
            elif (finished := gathering.add(message)) is not None:
                reference = finisher.remote(work, units.units[finished.unit], finished)
                finishing[reference] = finished
            _settle(ray, finishing, ledger, wait=len(finishing) > crew.workers)
    while finishing:
        _settle(ray, finishing, ledger, wait=True)


def _settle(ray: Any, finishing: dict[Any, Finished], ledger: Ledger, *, wait: bool) -> None:
    ready, _ = ray.wait(list(finishing), timeout=None if wait else 0) if finishing else ([], [])
    for reference in ready:
        fault = ray.get(reference)
        if fault is not None:
            raise fault.raised()
        ledger.add(finishing.pop(reference))


def _together(
    ray: Any, work: Work, units: Units, crew: Crew, todo: list[int]
) -> Generator[Finished | Fault, None, None]:
    """Whole units. A worker takes its next when it is done with one: all end together."""
    worker = ray.remote(
        num_cpus=crew.threads, num_gpus=crew.gpus, max_restarts=-1, max_task_retries=-1
    )(UnitWorker)
    crowd = [worker.remote(work, Path.cwd()) for _ in range(min(crew.workers, len(todo)))]
    yield from ray.util.ActorPool(crowd).map_unordered(
        lambda one, number: one.do.remote(number, units.units[number]), todo
    )


def _apart(
    ray: Any, work: Work, units: Units, crew: Crew, todo: list[int]
) -> Generator[Written | End | Fault, None, None]:
    """Blocks, through three stages."""
    load_ray_data()
    pool, home = ray.data.ActorPoolStrategy, Path.cwd()
    context = ray.data.DataContext.get_current()
    before = context.enable_progress_bars, context.target_max_block_size
    context.enable_progress_bars, context.target_max_block_size = False, ROW_BYTES
    try:
        dataset = (
            ray.data.from_items(
                [{"message": (number, units.units[number])} for number in todo],
                override_num_blocks=len(todo),
            )
            .map_batches(
                DecodeStage,
                fn_constructor_args=(work, home),
                batch_size=1,
                compute=pool(min_size=1, max_size=crew.decoders),
                num_cpus=1,
            )
            .map_batches(
                NetworkStage,
                fn_constructor_args=(work, home),
                batch_size=1,
                compute=pool(size=crew.workers),
                num_cpus=crew.threads,
                num_gpus=crew.gpus,
            )
            .map_batches(write, fn_kwargs={"work": work}, batch_size=1, num_cpus=1)
        )
        for row in dataset.iter_rows():
            yield row["message"]
    finally:
        context.enable_progress_bars, context.target_max_block_size = before


def _check_room(ray: Any, crew: Crew) -> None:
    found = ray.cluster_resources()
    for name, needed in (("CPU", crew.cpus), ("GPU", crew.gpus * crew.workers)):
        if found.get(name, 0) < needed:
            raise UsageError(
                f"the cluster has {found.get(name, 0):g} {name}s; {crew.workers} workers of"
                f" {crew.threads} threads and {crew.decoders} for decoding need {needed}: use fewer"
                " --workers"
            )
