"""What all readers share: one broken file never stops a run; threads, forks and pickles work."""

import multiprocessing
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featherdepth.data.manifest import Manifest
from featherdepth.data.reader import Reader, stream
from featherdepth.types import Image, Sample


class Slow(Reader):
    """Counts how many samples are being held or read."""

    name, terms = "slow", "none"

    def __init__(self, count: int, delay_s: float = 0.0) -> None:
        super().__init__()
        self.keys = [str(i) for i in range(count)]
        self.started = 0
        self.delay_s = delay_s

    def _read(self, index: int) -> Sample:
        self.started += 1
        time.sleep(self.delay_s)
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


def test_what_nobody_will_take_is_not_read() -> None:
    reader = Slow(100, delay_s=0.1)
    steps = stream(reader, workers=1, ahead=2)

    next(steps)
    steps.close()

    assert reader.started <= 2  # two more were waiting


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


def read_in_child(reader: Manifest, of_parent: object, results: Any) -> None:
    key = reader[1].key
    results.put((key, reader._storage._open("train.zip") is of_parent))


def test_a_fork_opens_the_zip_anew(reader: Manifest) -> None:
    # A file that both inherited would have one position for both.
    context = multiprocessing.get_context("fork")
    reader[0]
    results = context.Queue()
    of_parent = reader._storage._open("train.zip")
    child = context.Process(target=read_in_child, args=(reader, of_parent, results))

    child.start()
    key, shared = results.get(timeout=20)
    child.join()

    assert key == "t_1"
    assert not shared
    assert reader._storage._open("train.zip") is of_parent


def test_a_reader_survives_pickling(reader: Manifest) -> None:
    reader[0]

    copy = pickle.loads(pickle.dumps(reader))

    assert copy[1].key == "t_1"


def test_describe_says_it_in_words(manifest_folder: Path) -> None:
    reader = Manifest(Manifest.Config(root=manifest_folder, split="val"))

    assert reader.describe() == "set, split val: 2 pairs of photo and depth"
