"""Where work on units is done: in this process, or on a Ray cluster."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from featherdepth.errors import UsageError
from featherdepth.runtime.cpu import cores

if TYPE_CHECKING:
    from featherdepth.data.units import Units
    from featherdepth.runtime.job import JobResult
    from featherdepth.runtime.work import Work

ENGINES = ("local", "ray")
DECODERS_A_GPU = 4
DECODERS_ON_CPUS = 0


def check_engine(
    engine: str, workers: int | None, address: str | None, shard: tuple[int, int] | None
) -> None:
    """Refuse an engine that does not exist, options of another one, and no i of n.

    Raises:
        UsageError: such a thing.
    """
    if engine not in ENGINES:
        raise UsageError(f"engine {engine!r} is unknown; expected local or ray")
    if engine == "local" and (workers is not None or address is not None):
        raise UsageError("--workers and --address are of a cluster; add --engine ray")
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}; expected 1 or more")
    check_shard(shard)


def check_shard(shard: tuple[int, int] | None) -> None:
    """Refuse what is no i of n.

    Raises:
        UsageError: i outside 1 to n.
    """
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise UsageError(f"shard {shard}; expected (i, n) with i from 1 to n, such as (1, 4)")


def work_threads(engine: str, threads: int | None) -> int | None:
    """Of each network: on a cluster one, where a process takes what its backend takes."""
    return 1 if threads is None and engine == "ray" else threads


def run_work(
    work: "Work",
    units: "Units",
    engine: str,
    *,
    workers: int | None,
    threads: int | None,
    address: str | None,
    gpu: bool = False,
    shard: tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> "JobResult":
    """Do what is missing of the units that `shard` deals to us.

    Raises:
        UsageError: a file of results would take the place of one of photos, or of what is no
            result.
    """
    from featherdepth.data.packs import is_pack
    from featherdepth.images.targets import check_targets
    from featherdepth.runtime.ledger import deal
    from featherdepth.runtime.units import run_units

    names = [unit.name for unit in units.units if work.packs(unit)]
    check_targets(
        (unit.root for unit in units.units),
        (work.folder / f"{name}{ending}" for name in names for ending in (".tar", ".json")),
        replace_others=overwrite,
        ours=is_pack,
    )
    dealt = deal(units, shard)
    if engine == "local":
        return run_units(work, dealt, overwrite=overwrite, progress=progress)
    from featherdepth.cluster.engine import Crew, run_on_ray

    each = work_threads(engine, threads) or 1
    count = workers or (1 if gpu else max(1, cores() // each))
    decoders = DECODERS_A_GPU * count if gpu else DECODERS_ON_CPUS
    crew = Crew(workers=count, decoders=decoders, threads=each, gpus=int(gpu), address=address)
    return run_on_ray(work, dealt, crew, overwrite=overwrite, progress=progress)
