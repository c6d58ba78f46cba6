"""What all readers share: one broken file never stops a run; threads, forks and pickles work."""

import multiprocessing
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.manifest import Manifest
from featherdepth.data.reader import Reader, stream
from featherdepth.types import Image, Sample


class Slow(Reader):
    """Counts how many samples are being held or read."""

    name, terms = "slow", "none"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.keys = [str(i) for i in range(count)]
        self.started = 0

    def _read(self, index: int) -> Sample:
        self.started += 1
        return Sample(key=self.keys[index], image=Image(pixels=np.zeros((2, 2, 3), np.uint8)))

    def _size(self, index: int) -> tuple[int, int]:
        return (2, 2)


def break_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


@pytest.fixture
def reader(manifest_folder: Path) -> Manifest:
    return Manifest(Manifest.Config(root=manifest_folder))


def test_a_stream_leaves_out_broken_files_and_keeps_the_order(
    manifest_folder: Path, reader: Manifest
) -> None:
    break_file(manifest_folder / "v/rgb/0.jpg")

    seen = [(i, sample.key) for i, sample in stream(reader, workers=2)]

    assert seen == [(0, "t_0"), (1, "t_1"), (2, "t_2"), (4, "v_1")]
    assert [s.key for s in reader.skipped] == ["v_0"]


def test_a_stream_takes_chosen_indices(reader: Manifest) -> None:
    assert [sample.key for _, sample in stream(reader, [4, 0])] == ["v_1", "t_0"]


def test_a_stream_reads_only_a_little_ahead() -> None:
    reader = Slow(100)
    steps = stream(reader, workers=1, ahead=2)

    next(steps)
    time.sleep(0.05)

    assert reader.started <= 4
    steps.close()
    assert reader.started <= 4


def test_a_stream_ends_its_threads_when_it_is_left_early() -> None:
    before = threading.active_count()

    for _ in stream(Slow(50), workers=2):
        break

    assert threading.active_count() == before


def test_many_threads_read_one_zip(reader: Manifest) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda i: reader[i % 3].key, range(200)))

    assert keys == [f"t_{i % 3}" for i in range(200)]
    assert not reader.skipped


def read_often(reader: Manifest, index: int, results: "multiprocessing.Queue[int]") -> None:
    results.put(sum(reader[index].image.pixels.shape == (12, 16, 3) for _ in range(100)))


def test_a_fork_reads_the_zip_beside_its_parent(reader: Manifest) -> None:
    context = multiprocessing.get_context("fork")
    reader[0]  # the parent has the zip open
    results: multiprocessing.Queue[int] = context.Queue()
    child = context.Process(target=read_often, args=(reader, 1, results))

    child.start()
    here = sum(reader[2].image.pixels.shape == (12, 16, 3) for _ in range(100))
    there = results.get(timeout=20)
    child.join()

    assert (here, there) == (100, 100)


def test_a_reader_survives_pickling(reader: Manifest) -> None:
    reader[0]

    copy = pickle.loads(pickle.dumps(reader))

    assert copy[1].key == "t_1"


def test_describe_says_it_in_words(manifest_folder: Path) -> None:
    reader = Manifest(Manifest.Config(root=manifest_folder, split="val"))

    assert reader.describe() == "set, split val: 2 pairs of photo and depth"
