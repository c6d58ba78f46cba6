"""A local Ray cluster beside plain processes: the same maps, and how fast.

    python -m benchmarks.cluster kill PHOTOS --teacher T -o docs/results/cluster.json
    python -m benchmarks.cluster speed PHOTOS --teacher T --size 320 -o docs/results/cluster.json
    python -m benchmarks.cluster stages PHOTOS --teacher T --size 320 -o docs/results/cluster.json

`kill`: one process labels photos in tars, then two Ray workers do while one of them is killed at a
third and at two thirds of the work; every map must be there once, with the same bytes. `speed`: two
plain processes (`--shard 1/2` and `2/2`) and Ray with two workers, in turns; the whole commands
with their start, the time between the first finished tar and the last, and the core seconds of all
processes, which others on the machine disturb less. `stages`: what a photo
costs in each stage, in one process with one thread.

Each part replaces its own section of the file.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.timing import machine

from featherdepth.config import read_json
from featherdepth.data.pack import write_shards
from featherdepth.data.packs import Entry, PackIndex, join_parts, write_part
from featherdepth.data.photos import Photos
from featherdepth.data.tar import list_tar, read_member
from featherdepth.data.teacher_maps import SUFFIX, MapCache
from featherdepth.data.units import list_units
from featherdepth.distill.label_work import LabelWork
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.runtime.units import decode_unit
from featherdepth.runtime.work import Block, Item

MARKED = "FEATHERDEPTH_BENCHMARK"
RAY = ("--engine", "ray", "--workers", "2")


def command(tars: Path, cache: Path, args: argparse.Namespace, *more: str) -> list[str]:
    """One `label` on the command line."""
    words = ["label", str(tars), "-o", str(cache), "--teacher", args.teacher, "--device", "cpu"]
    words += ["--threads", "1", *([] if args.size is None else ["--size", str(args.size)]), *more]
    return [sys.executable, "-m", "featherdepth", *words]


def start(words: list[str], token: str = "") -> subprocess.Popen[bytes]:
    """Begin a command; its children can be told by the token."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", MARKED: token}
    env["RAY_worker_niceness"] = "0"  # Ray would run below other processes of this machine
    return subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL)


def wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for success."""
    if process.wait() != 0:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")


def processes(token: str) -> Iterator[Path]:
    """What was started with a token, as folders of /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARKED}={token}".encode() in (folder / "environ").read_bytes():
                yield folder


def workers(token: str) -> list[int]:
    """Processes with a network."""
    found = []
    for folder in processes(token):
        with contextlib.suppress(OSError):
            if b"UnitWorker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return sorted(found)


def watch(jobs: list[subprocess.Popen[bytes]], token: str) -> float:
    """Wait for success; seconds of all cores that all processes took, those of Ray itself too."""
    spent: dict[str, float] = {}
    while any(job.poll() is None for job in jobs):
        for folder in processes(token):
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                ticks = int(fields[11]) + int(fields[12])
                spent[folder.name] = ticks / os.sysconf("SC_CLK_TCK")
        time.sleep(0.3)
    for job in jobs:
        wait(job)
    return sum(spent.values())


def maps(cache: Path) -> dict[str, list[bytes]]:
    """Every map, as often as it is there."""
    found: dict[str, list[bytes]] = {}
    for path in (cache / "packs").rglob("*.tar"):
        for member in list_tar(path).members:
            body = read_member(path, member.offset, member.size)
            found.setdefault(member.name, []).append(body)
    return found


def marks(cache: Path) -> list[Path]:
    """Of finished units."""
    return [path for path in (cache / "packs").rglob("*.json") if path.name[0] != "."]


def kill(tars: Path, scratch: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Kill a worker twice, and compare with one undisturbed process."""
    begun = time.perf_counter()
    wait(start(command(tars, scratch / "single", args)))
    single_s = time.perf_counter() - begun
    token = secrets.token_hex(8)
    killed: list[int] = []
    units = len(list(tars.glob("*.tar")))
    begun = time.perf_counter()
    job = start(command(tars, scratch / "ray", args, *RAY), token)
    for part in (units // 3, 2 * units // 3):
        while len(marks(scratch / "ray")) < part or len(set(workers(token)) - set(killed)) < 2:
            if job.poll() is not None:
                raise RuntimeError("it ended before it could be disturbed")
            time.sleep(0.1)
        victim = next(pid for pid in workers(token) if pid not in killed)
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)
    wait(job)
    ray_s = time.perf_counter() - begun
    single, ray = maps(scratch / "single"), maps(scratch / "ray")
    copies = Counter(len(bodies) for bodies in ray.values())
    return {
        "photos": sum(read_json(path)["done"] for path in marks(scratch / "single")),
        "tars": units,
        "killed": len(killed),
        "maps": len(ray),
        "twice": sum(count for times, count in copies.items() if times > 1),
        "missing": len(set(single) - set(ray)),
        "different": sum(ray.get(name) != bodies for name, bodies in single.items()),
        "single_process_s": single_s,
        "ray_s": ray_s,
    }


def steady(cache: Path) -> float:
    """Photos a second between the first finished tar and the last."""
    ends = sorted((path.stat().st_mtime, read_json(path)["done"]) for path in marks(cache))
    return float(sum(done for _, done in ends[1:]) / (ends[-1][0] - ends[0][0]))


def speed(tars: Path, scratch: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Whole commands in turns: plain, ray, ray, plain, ..."""
    rounds: dict[str, list[dict[str, float]]] = {"plain": [], "ray": []}
    order = [
        name for i in range(args.rounds) for name in (("plain", "ray"), ("ray", "plain"))[i % 2]
    ]
    for number, name in enumerate(order):
        cache = scratch / f"{name}-{number}"
        load, begun = os.getloadavg()[0], time.perf_counter()
        token = secrets.token_hex(8)
        dealt = [RAY] if name == "ray" else [("--shard", f"{i}/2") for i in (1, 2)]
        cpu_s = watch([start(command(tars, cache, args, *more), token) for more in dealt], token)
        wall_s = time.perf_counter() - begun
        done = sum(read_json(path)["done"] for path in marks(cache))
        row = {
            "wall_s": wall_s,
            "cpu_s": cpu_s,
            "photos": done,
            "steady": steady(cache),
            "load_before": load,
        }
        rounds[name].append(row)
        print(name, row, flush=True)
    sizes = [path.stat().st_size for path in cache.rglob("packs/*.tar")]

    def median(name: str, value: str) -> float:
        rows = rounds[name]
        if value in ("wall_s", "cpu_s"):
            return statistics.median(row["photos"] / row[value] for row in rows)
        return statistics.median(row[value] for row in rows)

    return {
        "rounds": rounds,
        "photos_per_s": {
            name: {
                "whole": median(name, "wall_s"),
                "steady": median(name, "steady"),
                "core": median(name, "cpu_s"),
            }
            for name in rounds
        },
        "ratio_whole": median("ray", "wall_s") / median("plain", "wall_s"),
        "ratio_core": median("ray", "cpu_s") / median("plain", "cpu_s"),
        "ratio_steady": median("ray", "steady") / median("plain", "steady"),
        "bytes_a_photo": sum(sizes) / done,
    }


def stages(tars: Path, scratch: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of one core for a photo, stage by stage, over one tar."""
    teacher = open_teacher(args.teacher, size=args.size, threads=1)
    MapCache.open(scratch / "c", teacher.card, args.size)
    work = LabelWork(
        teacher=args.teacher, card=teacher.card, cache=scratch / "c", size=args.size, threads=1
    )
    unit, decoder, network = list_units(tars, group=1).units[0], work.decoder(), work.network()
    spent = {"decode": 0.0, "network": 0.0, "write": 0.0}
    photos = 0
    clock = time.process_time()
    blocks = [b for b in decode_unit(decoder, 0, unit, work.block) if isinstance(b, Block)]
    spent["decode"] = time.process_time() - clock
    network(blocks[0].items[:4])
    for block in blocks:
        items: list[Item] = block.items
        photos += len(items)
        clock = time.process_time()
        answers = network(items)
        middle = time.process_time()
        files = [file for answer in answers for file in work.files(answer)]
        write_part(scratch, "p", block.number, files)
        spent["network"] += middle - clock
        spent["write"] += time.process_time() - middle
    return {
        "photos": photos,
        "ms": {name: 1000 * value / photos for name, value in spent.items()},
        "index_us": index_us(scratch / "marks"),
    }


def index_us(folder: Path, units: int = 20, maps_each: int = 5000) -> float:
    """Microseconds a map to build the index of a cache from the marks of its packs."""
    for unit in range(units):
        entries = [
            Entry(name=f"{secrets.token_hex(32)}{SUFFIX}", offset=100_000 * i, size=99_000)
            for i in range(maps_each)
        ]
        part = write_part(folder, f"u{unit}", 0, [])
        mark = join_parts(folder, f"u{unit}", [part], source="", done=maps_each, failed=[])
        path = folder / f"u{unit}.json"
        table = {**json.loads(path.read_text()), "bytes": mark.bytes}
        table["entries"] = [[entry.name, entry.offset, entry.size] for entry in entries]
        path.write_text(json.dumps(table))
    clock = time.process_time()
    index = PackIndex(folder, SUFFIX)
    spent_s = time.process_time() - clock
    if len(index) != units * maps_each:
        raise RuntimeError(f"{len(index)} maps in the index")
    return 1e6 * spent_s / len(index)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["kill", "speed", "stages"])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--size", type=int)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--section", help="of the file, in place of the part's name")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    args.teacher = (
        str(Path(args.teacher).absolute()) if Path(args.teacher).exists() else args.teacher
    )
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        photos = Photos(Photos.Config(root=args.photos))
        chosen = scratch / "photos"
        chosen.mkdir()
        for index in range(args.count):
            key = photos.keys[index]
            (chosen / f"{index:05d}{Path(key).suffix}").write_bytes(photos.encoded(index))
        packed = write_shards(Photos(Photos.Config(root=chosen)), scratch / "tars", size_mb=1.5)
        run = {"kill": kill, "speed": speed, "stages": stages}[args.part]
        found = run(scratch / "tars", scratch, args)
        about = {
            "photos": packed.photos,
            "photo_bytes": packed.size_bytes / packed.photos,
            "tars": packed.shards,
            "teacher": Path(args.teacher).name,
            "size": args.size or "the teacher's own",
            "machine": machine(),
        }
    document = json.loads(args.output.read_text()) if args.output.exists() else {}
    document[args.section or args.part] = {**about, **found}
    args.output.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    print(json.dumps(found, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
