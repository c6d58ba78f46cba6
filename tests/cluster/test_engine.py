"""A cluster gives the files of one process, whatever dies on the way. Real processes, real Ray."""

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import featherdepth
from featherdepth.cluster import connect
from featherdepth.distill.outcome import TIMED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra [cluster]"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds workers in /proc"),
]
HERE = {"PYTHONPATH": str(Path(featherdepth.__file__).parents[1])}
TOKEN = "FEATHERDEPTH_TEST_TOKEN"
TEACHER = """
import os, time
import torch.nn.functional as F

calls = 0

def teach(images):
    global calls
    calls += 1
    time.sleep(float(os.environ.get("TEACHER_S", "0")))
    if calls > int(os.environ.get("TEACHER_DIES_AFTER", "1000000")):
        os._exit(9)
    return F.avg_pool2d(images[:, :1] - images[:, 2:], 3, 2, 1) + images.mean()

teach.kind, teach.size, teach.license = "affine_invariant", 64, "MIT"
"""
NETWORK, DECODE, WHOLE = "NetworkStage", "DecodeStage", "UnitWorker"
APART = (
    "import sys, featherdepth.api.engines as engines; engines.DECODERS_ON_CPUS = 1;"
    " from featherdepth.cli.main import main; main()"
)
"""The command line with the stages of a GPU, each in its own processes."""


class Shell:
    """Runs the command line in a folder of its own, and knows the processes it started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.token = folder, secrets.token_hex(8)
        (folder / "teacher_of_cluster.py").write_text(TEACHER)

    def start(
        self, *words: object, run: tuple[str, str] = ("-m", "featherdepth"), **more: str
    ) -> subprocess.Popen[str]:
        env = {**os.environ, **HERE, TOKEN: self.token, "OMP_NUM_THREADS": "1", **more}
        command = [sys.executable, *run, *map(str, words)]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: object, code: int = 0, **more: str) -> tuple[str, str]:
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=500)
        assert process.returncode == code, (out, err)
        return out, err

    def label(self, photos: str, cache: str, *words: object, **more: Any) -> tuple[str, str]:
        return self.run("label", photos, "-o", cache, *LABEL, *words, **more)

    def processes(self, name: str) -> list[int]:
        """Workers of one stage."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes()
                ours = f"{TOKEN}={self.token}".encode() in (folder / "environ").read_bytes()
            except OSError:
                continue
            if ours and name.encode() in line:
                found.append(int(folder.name))
        return sorted(found)


LABEL = ("--teacher", "py:teacher_of_cluster:teach", "--threads", "1", "--batch", "2", "--json")
RAY = ("--engine", "ray", "--workers", "2")


def until(wanted: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> Any:
    """Wait for something to be true."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        if process is not None:
            assert process.poll() is None, process.communicate()
        if value := wanted():
            return value
        time.sleep(0.02)
    raise AssertionError("it never came")


def listens(address: str) -> bool:
    """Whether a connection is accepted."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 5).close()
    except OSError:
        return False
    return True


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """90 photos of three shapes, and a broken one; the 90 also as tars."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(90):
        shape = [(48, 64, 3), (64, 48, 3), (40, 40, 3)][i % 5 % 3]
        pixels = np.random.default_rng(i).integers(0, 256, shape, np.uint8)
        PIL.Image.fromarray(np.kron(pixels, np.ones((4, 4, 1), np.uint8))).save(
            folder / f"{i:02d}.png"
        )
    shell = Shell(tmp_path)
    shell.run("shard", "photos", "-o", "tars", "--size-mb", "0.3")
    assert len(list((tmp_path / "tars").glob("*.tar"))) >= 3
    (folder / "broken.jpg").write_text("no photo")
    yield shell
    assert until(lambda: not shell.processes("ray::"))  # nothing is left running


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def maps(folder: Path) -> list[tuple[str, bytes]]:
    """Name and content of every map of a cache, as often as it is there."""
    found = [(p.name, p.read_bytes()) for p in folder.glob("maps/*/*.safetensors")]
    for path in folder.glob("packs/**/*.tar"):
        with tarfile.open(path) as tar:
            found += [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]
    return sorted(found)


@pytest.mark.parametrize(
    ("run", "worker"), [(("-m", "featherdepth"), WHOLE), (("-c", APART), NETWORK)]
)
def test_two_killed_workers_and_a_killed_decoder_lose_nothing_and_write_nothing_twice(
    shell: Shell, run: tuple[str, str], worker: str
) -> None:
    shell.label("tars", "whole")
    job = shell.start("label", "tars", "-o", "cut", *LABEL, *RAY, run=run, TEACHER_S="1.5")
    cut = shell.folder / "cut" / "packs"
    killed: list[int] = []

    if worker == NETWORK:  # it ends by itself when all is decoded
        os.kill(until(lambda: shell.processes(DECODE), job)[0], signal.SIGKILL)
    for count in (1, 3):
        until(lambda count=count: len(list(cut.glob(".*/0*")) + list(cut.glob("*.json"))) >= count)
        victim = until(lambda: [p for p in shell.processes(worker) if p not in killed], job)[0]
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)
    assert worker == NETWORK or not shell.processes(DECODE)
    out, err = job.communicate(timeout=500)

    assert (job.returncode, err) == (0, "")
    document = json.loads(out)
    assert (document["done"], document["skipped"], document["failed"]) == (90, 0, [])
    assert content(shell.folder / "cut") == content(shell.folder / "whole")
    names = [name for name, _ in maps(shell.folder / "cut")]
    assert len(names) == len(set(names)) == 90


def test_every_way_to_deal_out_the_work_gives_the_same_maps(shell: Shell) -> None:
    shell.label("photos", "single", code=3)
    shell.label("tars", "whole")

    shell.label("photos", "cluster", *RAY, code=3)
    again, _ = shell.label("photos", "cluster", *RAY, code=3)
    for i in (1, 2, 3):
        shell.label("tars", "parts", "--shard", f"{i}/3")

    expected = maps(shell.folder / "single")
    assert len(expected) == 90
    assert maps(shell.folder / "cluster") == expected
    assert content(shell.folder / "parts") == content(shell.folder / "whole")
    document = json.loads(again)
    assert (document["done"], document["skipped"], len(document["failed"])) == (0, 90, 1)


def test_a_job_that_was_killed_itself_goes_on_with_what_is_missing(shell: Shell) -> None:
    shell.label("tars", "whole")
    job = shell.start("label", "tars", "-o", "cut", *LABEL, *RAY, TEACHER_S="1.5")
    cut = shell.folder / "cut" / "packs"
    until(lambda: list(cut.glob("*.json")), job)

    job.kill()
    job.communicate()
    until(lambda: not shell.processes("ray::"))
    kept = content(cut)
    marks = [name for name in kept if name.endswith(".json")]
    before = {name: (cut / name).stat().st_mtime_ns for name in marks}
    out, _ = shell.label("tars", "cut", *RAY)

    assert 1 <= len(marks) < len(list((shell.folder / "tars").glob("*.tar")))
    assert {name: (cut / name).stat().st_mtime_ns for name in marks} == before
    assert content(shell.folder / "cut") == content(shell.folder / "whole")
    document = json.loads(out)
    assert document["skipped"] > 0 and document["done"] + document["skipped"] == 90


def test_predictions_of_folders_and_tars_are_the_files_of_one_process(shell: Shell) -> None:
    common = ("--size", "64", "--threads", "2", "--save", "npy,color", "--json")
    (shell.folder / "cut").mkdir()
    for tar in (shell.folder / "tars").glob("*.tar"):
        shutil.copy(tar, shell.folder / "cut")
    victim = shell.folder / "cut" / "shard-000001.tar"
    victim.write_bytes(victim.read_bytes()[:150_000])

    for photos in ("photos", "cut"):
        shell.run("predict", photos, "-o", f"{photos}-local", *common, code=3)
        shell.run("predict", photos, "-o", f"{photos}-ray", *common, *RAY, code=3)

        local = content(shell.folder / f"{photos}-local")
        assert local == content(shell.folder / f"{photos}-ray")
    assert {"00.npy", "00.npy.json", "00.color.png"} <= set(content(shell.folder / "photos-ray"))
    (row,) = (shell.folder / "cut-ray" / "failures.jsonl").read_text().splitlines()
    assert "shard-000001.tar: " in row and "files are whole; expected a whole" in row
    mark = json.loads((shell.folder / "cut-ray" / "shard-000001.json").read_text())
    assert mark["done"] > 5


def test_distill_reads_what_the_cluster_wrote(shell: Shell) -> None:
    (shell.folder / "photos" / "broken.jpg").unlink()
    shell.label("photos", "cache", *RAY)
    before = content(shell.folder / "cache")
    keys = ["steps=2", "size=[64,64]", "batch=2", "input_size=64", "long_side=96", "loop.warmup=0"]
    keys += ["losses.1.trunk=random", "losses.1.points=64", "loop.precision=fp32"]
    keys += ["loop.tensorboard=false"]
    student = ("--student", "fast", "--init", "random", "--device", "cpu", "--threads", "1")

    shell.run(
        *("distill", "photos", *LABEL[:2], "-o", "run", "--cache", "cache", *student),
        *(part for key in keys for part in ("--set", key)),
        TEACHER_DIES_AFTER=str(TIMED + 1),  # it is timed, for the report, and asked for no map
    )

    assert content(shell.folder / "cache") == before
    assert (shell.folder / "run" / "model.safetensors").exists()


def test_work_that_kills_every_worker_ends_in_one_line(shell: Shell) -> None:
    _, err = shell.label("tars", "c", *RAY, code=6, TEACHER_DIES_AFTER="0")

    assert len(err.strip().splitlines()) == 1
    assert "block" in err and "ended its worker 6 times; expected it to end by itself" in err
    assert not list((shell.folder / "c" / "packs").glob("*.tar"))


def test_a_full_disk_ends_in_one_line_and_the_next_run_finishes(shell: Shell) -> None:
    small = shell.folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(small)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can make a small disk")
    try:
        _, err = shell.label("tars", "small/c", *RAY, code=6)
        assert len(err.strip().splitlines()) == 1
        assert "cannot write" in err and "No space left on device (on " in err
        kept = {name for name in content(small) if name.endswith(".json")}
        assert not list((small / "c").rglob("*.part"))
        subprocess.run(["mount", "-o", "remount,size=90m", str(small)], check=True)
        shell.label("tars", "small/c", *RAY)
        shell.label("tars", "whole")

        assert kept <= set(content(small))
        assert content(small / "c") == content(shell.folder / "whole")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_cluster_that_is_there_is_used_and_stays(shell: Shell) -> None:
    from ray.util import get_node_ip_address

    with socket.socket() as free:
        free.bind(("", 0))
        # Not 127.0.0.1: a cluster is known by the address that other machines have of this one.
        address = f"{get_node_ip_address()}:{free.getsockname()[1]}"
    port = address.rpartition(":")[2]
    env = {**os.environ, **HERE, TOKEN: shell.token, "RAY_USAGE_STATS_ENABLED": "0"}
    options = [f"--port={port}", "--num-cpus=4", "--block"]
    script = "import sys; from ray.scripts.scripts import main; sys.exit(main())"
    head = subprocess.Popen(
        [sys.executable, "-c", script, "start", "--head", *options, "--include-dashboard=false"],
        env=env,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: shell.processes("raylet") and listens(address))
        time.sleep(5)
        shell.label("tars", "c", *RAY, "--address", address)
        crowd = ("--engine", "ray", "--workers", "9", "--address", address)
        _, err = shell.label("photos", "d", *crowd, code=2)
        assert "the cluster has 4 CPUs; 9 workers of 1 threads" in err
        assert head.poll() is None
    finally:
        head.terminate()
        head.wait(60)
    shell.label("tars", "whole")
    assert content(shell.folder / "c") == content(shell.folder / "whole")


def test_something_else_behind_an_address_is_told_in_bounded_time(shell: Shell) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        start = time.perf_counter()

        _, err = shell.label("tars", "c", *RAY, "--address", address, code=6)

    assert time.perf_counter() - start < 2 * connect.JOIN_S
    assert len(err.strip().splitlines()) == 1
    assert f"--address {address}: the cluster does not answer" in err
