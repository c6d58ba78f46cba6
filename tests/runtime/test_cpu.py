"""What the CPU can do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from featherdepth.runtime import cpu

XEON = """processor\t: 0
model name\t: Some Xeon
flags\t\t: fpu sse2 avx2 avx512f avx512_vnni amx_bf16
processor\t: 1
flags\t\t: none
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n"


def told(monkeypatch: pytest.MonkeyPatch, path: Path) -> frozenset[str]:
    monkeypatch.setattr(cpu, "CPUINFO", path)
    cpu.features.cache_clear()
    try:
        return cpu.features()
    finally:
        monkeypatch.undo()
        cpu.features.cache_clear()


def test_flags_of_linux_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(XEON)
    assert told(monkeypatch, path) == {"avx2", "avx512f", "avx512_vnni", "amx_bf16"}
    path.write_text(ARM)
    assert told(monkeypatch, path) == {"neon", "neon_dotprod", "neon_i8mm"}


def test_elsewhere_numpy_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, tmp_path / "nothing")

    assert found
    assert found <= cpu.features()


@pytest.mark.parametrize(
    ("has", "fast"),
    [
        ({"avx2"}, True),
        ({"avx512_vnni"}, True),
        ({"amx_int8"}, True),
        ({"neon"}, False),
        (set(), False),
    ],
)
def test_who_is_faster_in_8_bits(
    has: set[str], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "features", lambda: frozenset(has))

    assert cpu.faster_in_8_bits() is fast


@pytest.mark.parametrize(
    ("threads", "streams", "each"), [(8, 4, 5), (2, 4, 1), (2, 2, 1), (3, 1, 3), (None, 1, None)]
)
def test_calls_at_once_share_the_threads(threads: int | None, streams: int, each: int) -> None:
    assert cpu.threads_beside(streams, threads) == each


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux tells what may be used")
def test_cores_that_belong_to_others_are_not_counted() -> None:
    program = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    program += "os.cpu_count = lambda: 64\n"
    program += "from featherdepth.runtime.cpu import cores, threads_beside\n"
    program += "print(cores(), threads_beside(2, None))"

    found = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert found.stdout.split() == ["1", "1"], found.stderr
