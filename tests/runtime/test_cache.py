"""What is kept between processes: whole, or not at all."""

import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from featherdepth.runtime import cache
from featherdepth.runtime.backends import Precision, onnx
from featherdepth.runtime.model import DepthModel


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.PLACE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_what_was_kept_comes_back(place: Path) -> None:
    assert cache.fetch("a") is None
    cache.keep("a", b"content")
    assert cache.fetch("a") == b"content"
    assert cache.fetch("b") is None


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d[:5], lambda d: d[:-1] + b"?"])
def test_what_is_damaged_is_made_again(place: Path, damage: object) -> None:
    cache.keep("a", b"content")
    (file,) = place.iterdir()
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]

    assert cache.fetch("a") is None
    cache.keep("a", b"content")
    assert cache.fetch("a") == b"content"


def test_keys_depend_on_every_part_and_on_where_it_ends() -> None:
    keys = [cache.key_of(parts) for parts in (["ab", "c"], ["a", "bc"], [b"ab", "c"], ["ab"])]

    assert keys[0] == keys[2]
    assert len(set(keys)) == 3


def test_an_empty_place_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.PLACE, "")

    cache.keep("a", b"content")
    assert cache.cache_folder() is None
    assert cache.fetch("a") is None


@pytest.mark.parametrize("name", ["x" * 300, "file/below"])
def test_a_place_that_cannot_be_made_keeps_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.PLACE, str(tmp_path / name))

    cache.keep("a", b"content")
    assert cache.fetch("a") is None


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in (cache.PLACE, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)

    cache.keep("a", b"1")

    assert cache.fetch("a") is None


def test_a_place_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.PLACE, str(tmp_path / "file" / "below"))

    cache.keep("a", b"content")
    assert cache.fetch("a") is None


def test_what_was_not_used_for_longest_goes_first(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 3 * (100 + cache.DIGEST))
    for i, name in enumerate("abc"):
        cache.keep(name, bytes(100))
        os.utime(place / f"{name}{cache.SUFFIX}", (i, i))
    assert cache.fetch("a") is not None  # used now

    cache.keep("d", bytes(100))

    assert [name for name in "abcd" if cache.fetch(name) is not None] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("backend", "precision"), [("openvino", "fp32"), ("onnx", "fp32"), ("onnx", "int8")]
)
def test_a_compiled_model_is_compiled_once_and_computes_the_same(
    place: Path, monkeypatch: pytest.MonkeyPatch, backend: str, precision: Precision
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    compiled: list[str] = []
    room = import_module(f"featherdepth.runtime.backends.{backend}")
    kept = room.keep

    def keep(key: str, content: bytes) -> None:
        compiled.append(key)
        kept(key, content)

    monkeypatch.setattr(room, "keep", keep)

    def depth() -> np.ndarray:
        model = DepthModel.from_pretrained("small", backend=backend, precision=precision, threads=1)
        return model.infer(pixels, size=(64, 64)).values

    first = depth()
    np.testing.assert_array_equal(depth(), first)
    assert len(compiled) == 1
    (file,) = place.iterdir()
    file.write_bytes(file.read_bytes()[: 2**20])
    np.testing.assert_array_equal(depth(), first)
    assert compiled == compiled[:1] * 2  # damaged: made again, under the same key


def test_processes_that_are_killed_and_race_leave_whole_files_only(place: Path) -> None:
    program = (
        "from featherdepth.runtime import cache\n"
        "for i in range(1000): cache.keep('a', bytes([i % 2]) * 2_000_000)\n"
    )
    command = [sys.executable, "-c", program]
    running = [subprocess.Popen(command) for _ in range(2)]
    until = time.monotonic() + 30
    while not place.is_dir() or not list(place.glob(f"*{cache.SUFFIX}")):
        assert time.monotonic() < until
        time.sleep(0.02)
    seen = set()
    for _ in range(20):
        found = cache.fetch("a")
        assert found is not None
        seen.add((len(found), found[0], found[-1]))
        time.sleep(0.02)
    for process in running:
        process.kill()
        process.wait()

    assert seen <= {(2_000_000, 0, 0), (2_000_000, 1, 1)}
    assert cache.fetch("a") is not None


def test_a_graph_is_kept_for_a_cpu_and_its_instructions(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for instructions in (frozenset({"avx2"}), frozenset({"avx2", "avx512f"})):
        monkeypatch.setattr(onnx, "features", lambda instructions=instructions: instructions)
        DepthModel.from_pretrained("small", backend="onnx", precision="int8", threads=1)

    assert len(list(place.iterdir())) == 2


def test_without_room_for_the_optimized_graph_the_model_still_opens(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    model = DepthModel.from_pretrained("small", backend="onnx", precision="int8", threads=1)

    assert model.infer(np.zeros((64, 64, 3), np.uint8)).valid.all()
    assert not place.exists()
