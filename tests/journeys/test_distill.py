"""`featherdepth distill` as a person uses it: whole processes, real files, kills and full disks."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from featherdepth.networks.folder import WEIGHTS

NOBODY = 65534
KEYS = (
    "steps=6",
    "size=[64,64]",
    "batch=2",
    "input_size=64",
    "long_side=96",
    "losses.1.trunk=random",
    "losses.1.points=64",
    "loop.precision=fp32",
    "loop.warmup=0",
    "loop.ema=0.5",
    "loop.validate_every=2",
    "loop.checkpoint_every=2",
)
TINY = [
    *("--student", "fast", "--init", "random", "--device", "cpu", "--threads", "1"),
    *(part for key in KEYS for part in ("--set", key)),
]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

Call = Callable[..., subprocess.CompletedProcess[str]]


def words(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "featherdepth", *map(str, arguments)]


def featherdepth(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(*arguments),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        **options,
    )


@pytest.fixture(scope="module")
def teacher(make_model: Callable[..., Path]) -> Path:
    return make_model("fast", graph=False, size=64)


@pytest.fixture(scope="module")
def photos(photo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen photos, and three files that are none."""
    folder = tmp_path_factory.mktemp("photos") / "holiday"
    shutil.copytree(photo_folder, folder)
    whole = (folder / "first" / "00.png").read_bytes()
    (folder / "torn.png").write_bytes(whole[: len(whole) // 2])
    (folder / "first" / "page.jpg").write_bytes(b"<html>404 not found</html>")
    (folder / "empty.png").touch()
    return folder


@pytest.fixture(scope="module")
def finished(
    photos: Path, teacher: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A run that nobody disturbed, with a cache beside it."""
    root = tmp_path_factory.mktemp("finished")
    flags = ("--teacher", teacher, "-o", root / "run", "--cache", root / "cache")
    return root, featherdepth("distill", photos, *flags, *TINY)


def agreement(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "distillation.json").read_text())["agreement"]
    return found


def maps(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.glob("maps/*/*") if p.name[0] != "."}


def test_broken_files_are_listed_the_rest_is_learned_from_and_the_code_is_3(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    root, done = finished

    assert done.returncode == 3, done.stderr
    lines = done.stdout.splitlines()
    left = [line.split(":")[0] for line in lines[:3]]
    assert sorted(left) == ["empty.png", "first/page.jpg", "torn.png"]
    assert lines[3].startswith(f"{root / 'run'}: ") and "of 6 agreed b" in lines[3]
    assert [line.split()[0] for line in lines[4:7]] == ["before", "after", "change"]
    assert "it is not accuracy" in lines[7]
    assert "Traceback" not in done.stderr
    document = json.loads((root / "run" / "distillation.json").read_text())
    assert len(document["photos"]["failed"]) == 3
    assert len(maps(root / "cache")) == 14


def test_the_run_folder_is_a_model_for_predict_info_and_evaluate(
    finished: tuple[Path, subprocess.CompletedProcess[str]], photo_folder: Path, tmp_path: Path
) -> None:
    run = finished[0] / "run"

    predicted = featherdepth("predict", photo_folder, "-o", tmp_path / "depth", "--model", run)
    told = featherdepth("info", run, "--licenses", "--json")
    scored = featherdepth(
        *("evaluate", "--model", run, "--data", labeled(tmp_path / "set"), "--split", "test"),
        *("--json", "--size", "64x64"),
    )

    assert predicted.returncode == 0, predicted.stderr
    assert len(list((tmp_path / "depth").rglob("*.png.json"))) == 14
    assert (run / "model.onnx").is_file()
    (model,) = json.loads(told.stdout)["models"]
    assert model["kind"] == "affine_invariant" and model["name"] == "run"
    assert [row["name"] for row in model["materials"]] == ["random-fast", "holiday"]
    assert scored.returncode == 0, scored.stderr
    assert 0 <= json.loads(scored.stdout)["metrics"]["delta1"]["value"] <= 1


def labeled(root: Path) -> Path:
    """Three pairs of photo and depth."""
    root.mkdir()
    random = np.random.default_rng(0)
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "split", "rgb", "depth", "depth_scale", "depth_offset"])
        for i in range(3):
            pixels = random.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            ramp = np.linspace(4000 + 500 * i, 1000, 48)[:, None] + random.normal(0, 50, (48, 64))
            PIL.Image.fromarray(pixels).save(root / f"{i}.jpg")
            PIL.Image.fromarray(ramp.astype(np.uint16)).save(root / f"{i}.png")
            table.writerow([i, "test", f"{i}.jpg", f"{i}.png", 0.001, 0])
    return root


@pytest.mark.slow
def test_a_run_teaches_another_and_a_closed_teacher_warns_once_and_stays_on_the_card(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
    photo_folder: Path,
    make_model: Callable[..., Path],
    tmp_path: Path,
) -> None:
    closed = make_model("fast", graph=False, size=64, license="CC-BY-NC-4.0")
    flags = ("--json", *TINY, "--set", "steps=1", "--set", 'photo_terms="our own (class A)"')

    free = featherdepth(
        "distill", photo_folder, "--teacher", finished[0] / "run", "-o", tmp_path / "a", *flags
    )
    bound = featherdepth("distill", photo_folder, "--teacher", closed, "-o", tmp_path / "b", *flags)
    told = featherdepth("info", tmp_path / "b", "--licenses")

    assert free.returncode == bound.returncode == 0, free.stderr + bound.stderr
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    names = [row["name"] for row in config["materials"]]
    assert names == ["random-fast", "holiday", "run", "holiday"]
    line = (
        "featherdepth: teacher random-fast: non-commercial (CC-BY-NC-4.0); the same holds for its"
        " student, whose card repeats it"
    )
    assert [at for at in bound.stderr.splitlines() if "drift" not in at] == [line]
    assert json.loads(bound.stdout)["warning"] == line.removeprefix("featherdepth: ")
    config = json.loads((tmp_path / "b" / "config.json").read_text())
    assert config["license"] == "terms of its teacher: CC-BY-NC-4.0"
    rows = {row["name"]: row for row in config["materials"]}
    assert (rows["random-fast"]["class"], rows["random-fast"]["terms"]) == ("C", "CC-BY-NC-4.0")
    assert (
        "License of the weights: terms of its teacher: CC-BY-NC-4.0"
        in (tmp_path / "b" / "README.md").read_text()
    )
    assert "CC-BY-NC-4.0" in told.stdout


@pytest.mark.slow
def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
    photos: Path,
    teacher: Path,
    tmp_path: Path,
) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    command = ["distill", photos, "--teacher", teacher, "-o", run, "--cache", cache, *TINY]

    def kill_when(there: Callable[[], bool]) -> None:
        process = subprocess.Popen(
            words(*command, "--resume"),
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not there():
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    kill_when(lambda: len(maps(cache)) >= 4)
    kill_when(lambda: any((run / "checkpoints").glob("step-*.pt")))
    refused = featherdepth(*command)
    resumed = featherdepth(*command, "--resume")

    assert refused.returncode == 6
    assert refused.stderr.count("\n") == 1 and "holds a run already; resume it" in refused.stderr
    assert resumed.returncode == 3, resumed.stderr
    root = finished[0]
    assert (run / WEIGHTS).read_bytes() == (root / "run" / WEIGHTS).read_bytes()
    assert agreement(run) == agreement(root / "run")
    assert maps(cache) == maps(root / "cache")


@pytest.mark.parametrize(
    ("limit", "at", "left"),
    [
        pytest.param(600, "cache", {"cache/cache.json"}, marks=pytest.mark.slow),
        pytest.param(500_000, "model.safetensors", {"run/journal.jsonl"}, marks=pytest.mark.slow),
        (4_000_000, "checkpoints", {"run/journal.jsonl", f"run/{WEIGHTS}", "run/config.json"}),
    ],
)
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    photo_folder: Path, teacher: Path, tmp_path: Path, limit: int, at: str, left: set[str]
) -> None:
    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    flags = ("--teacher", teacher, "-o", "run", *TINY, "--json", "-q")
    cache = ("--cache", "cache") if at == "cache" else ()

    done = featherdepth("distill", photo_folder, *flags, *cache, cwd=tmp_path, preexec_fn=fill)

    assert done.returncode == 6, done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    assert at in done.stderr and "File too large" in done.stderr
    found = {
        p.relative_to(tmp_path).as_posix()
        for p in tmp_path.rglob("*")
        if p.is_file() and "tensorboard" not in p.parts
    }
    assert left <= found and not any(".part" in name or ".writing" in name for name in found)
    assert not any("checkpoints" in name or "maps" in name for name in found)


@pytest.fixture
def public(photo_folder: Path, teacher: Path) -> Iterator[Path]:
    """A folder that every user may enter, with photos, a teacher and a read-only folder in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(photo_folder, folder / "photos")
        shutil.copytree(teacher, folder / "teacher")
        (folder / "out").mkdir()
        (folder / "out" / "kept.txt").write_text("mine")
        (folder / "out").chmod(0o555)
        yield folder
        (folder / "out").chmod(0o755)


@pytest.mark.parametrize("inside", ["out", pytest.param("out/run", marks=pytest.mark.slow)])
def test_a_read_only_folder_is_one_line_for_an_ordinary_user(public: Path, inside: str) -> None:
    # Everything is imported before the user changes: theirs may not be allowed to read it. A run
    # that comes as far as its first checkpoint has done so.
    code = (
        "import os, sys, resource\n"
        "from featherdepth.cli.main import run\n"
        "flags = ['distill', 'photos', '--teacher', './teacher', *sys.argv[1:], '--json', '-q']\n"
        "limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, limits[1]))\n"
        "assert run([*flags, '-o', 'tried']) == 6\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, limits)\n"
        f"if os.geteuid() == 0: os.setuid({NOBODY})\n"
        f"sys.exit(run([*flags, '-o', {inside!r}]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *TINY],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        cwd=public,
    )

    assert done.returncode == 6, done.stderr
    last = done.stderr.splitlines()[1:]
    assert len(last) == 1 and "Permission denied" in last[0]
    assert [p.name for p in (public / "out").iterdir()] == ["kept.txt"]
