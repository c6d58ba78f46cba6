"""What the CPU can do."""

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
    [({"avx2"}, False), ({"avx512_vnni"}, True), ({"amx_int8"}, True), ({"neon"}, False)],
)
def test_who_multiplies_in_8_bits(
    has: set[str], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "features", lambda: frozenset(has))

    assert cpu.multiplies_in_8_bits() is fast
