"""Every photo gets the map that the teacher gives it, once, whatever stops or joins the work."""

import importlib.util
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from featherdepth.data.probe import open_data
from featherdepth.data.teacher_maps import MapCache, Refused, photo_key
from featherdepth.distill.label import fault
from featherdepth.errors import RunError

SCRIPT = Path(__file__).with_name("labelling.py")
SPEC = importlib.util.spec_from_file_location("labelling", SCRIPT)
assert SPEC and SPEC.loader
labelling = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(labelling)
TinyTeacher, label = labelling.TinyTeacher, labelling.label
maps_in, photo = labelling.maps_in, labelling.photo
SIZES = [(48, 64), (64, 48), (40, 40), (30, 120)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eleven photos of four shapes in two folders."""
    folder = tmp_path / "photos"
    for i in range(11):
        photo(folder / ("a" if i % 3 else "b") / f"{i:02d}.png", *SIZES[i % 7 % 4], seed=i)
    return folder


def process(photos: Path, cache: Path, wait_ms: int, *more: str) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, SCRIPT, photos, cache, wait_ms, *more]
    return subprocess.Popen([*map(str, command)], text=True, **pipes)


def test_each_map_is_what_the_teacher_gives_for_that_photo_alone(
    photos: Path, tmp_path: Path
) -> None:
    teacher = TinyTeacher()

    result = label(photos, tmp_path / "cache", teacher, batch=3)

    assert (result.done, result.skipped, result.failed) == (11, 0, [])
    cache = MapCache.open(tmp_path / "cache", teacher.card, None)
    for sample in open_data(photos):
        pixels = sample.image.pixels
        values = cache.read(photo_key(pixels))
        direct = teacher(torch.from_numpy(teacher.prepare(pixels))[None])[0, 0].numpy()
        assert isinstance(values, np.ndarray)
        # fp16, and one batch beside another: the last bits of a sum of float32.
        np.testing.assert_allclose(values, direct, rtol=2**-11, atol=1e-5)


def test_photos_of_one_input_size_share_a_batch_and_no_batch_is_larger(
    photos: Path, tmp_path: Path
) -> None:
    teacher = TinyTeacher()

    label(photos, tmp_path / "cache", teacher, batch=2)

    assert max(shape[0] for shape in teacher.batches) == 2
    assert sum(shape[0] for shape in teacher.batches) == 11
    # Four input sizes, so at most four batches are not full.
    assert len(teacher.batches) <= 11 // 2 + 4


def test_photos_of_many_shapes_do_not_all_wait_for_others_of_theirs(tmp_path: Path) -> None:
    for i in range(40):
        photo(tmp_path / "p" / f"{i:02d}.png", i + 8, 32, seed=i)
    asked: set[int] = set()
    asked_before_a_batch: list[int] = []

    class Exact(TinyTeacher):  # type: ignore[misc, valid-type]
        def input_size(self, height: int, width: int, size: Any = None) -> tuple[int, int]:
            asked.add(height)
            return height, width

        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            asked_before_a_batch.append(len(asked))
            return super().__call__(images)

    teacher = Exact()

    result = label(tmp_path / "p", tmp_path / "c", teacher, batch=2)

    assert result.done == 40
    assert [shape[2] for shape in teacher.batches] == [i + 8 for i in range(40)]
    # Eight batches of two may wait, and a few photos are read ahead.
    assert 16 <= asked_before_a_batch[0] <= 16 + 6


def test_a_second_run_computes_nothing_and_a_lost_map_alone_is_written_again(
    photos: Path, tmp_path: Path
) -> None:
    label(photos, tmp_path / "cache", TinyTeacher())
    before = maps_in(tmp_path / "cache")
    idle, busy = TinyTeacher(), TinyTeacher()

    again = label(photos, tmp_path / "cache", idle)
    name = sorted(before)[0]
    torn = tmp_path / "cache" / "maps" / name[:2] / name
    torn.write_bytes(before[name][:-3])
    repaired = label(photos, tmp_path / "cache", busy)

    assert (again.done, again.skipped, idle.batches) == (0, 11, [])
    assert (repaired.done, repaired.skipped, len(busy.batches)) == (1, 10, 1)
    assert maps_in(tmp_path / "cache") == before


def test_a_photo_keeps_its_map_in_a_zip_and_under_another_name(
    photos: Path, tmp_path: Path
) -> None:
    label(photos, tmp_path / "cache", TinyTeacher())
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as packed:
        for path in photos.rglob("*.png"):
            packed.write(path, f"x{path.name}")
    bitmap = tmp_path / "bmp" / "renamed.bmp"
    bitmap.parent.mkdir()
    with PIL.Image.open(photos / "b" / "00.png") as picture:
        picture.save(bitmap)

    zipped = label(tmp_path / "p.zip", tmp_path / "cache", TinyTeacher())
    renamed = label(bitmap.parent, tmp_path / "cache", TinyTeacher())

    assert (zipped.done, zipped.skipped) == (0, 11)
    assert (renamed.done, renamed.skipped) == (0, 1)


def test_equal_photos_are_computed_once(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        photo(tmp_path / "p" / f"{name}.png", 48, 64, seed=1)

    result = label(tmp_path / "p", tmp_path / "c", TinyTeacher())

    assert (result.done, result.skipped) == (1, 2)
    assert len(maps_in(tmp_path / "c")) == 1


def test_what_cannot_be_read_or_learned_from_is_reported_each_time_and_computed_once(
    photos: Path, tmp_path: Path
) -> None:
    photo(photos / "black.png", 48, 64, level=0)
    photo(photos / "white.png", 48, 64, level=255)
    (photos / "text.jpg").write_text("no photo")
    (photos / "empty.jpg").touch()
    idle = TinyTeacher()

    first = label(photos, tmp_path / "cache", TinyTeacher())
    second = label(photos, tmp_path / "cache", idle)

    assert (first.done, first.skipped) == (11, 0)
    reasons = {row["photo"]: row["error"] for row in first.failed}
    assert list(reasons) == ["empty.jpg", "black.png", "text.jpg", "white.png"]
    assert reasons["black.png"].startswith("black.png: tiny gave a constant map (0.25)")
    assert reasons["white.png"].startswith("white.png: tiny gave NaN or infinity in 100 % of")
    assert "is not a photo" in reasons["text.jpg"] and "empty file" in reasons["empty.jpg"]
    assert (second.done, second.skipped, second.failed) == (0, 11, first.failed)
    assert idle.batches == []
    with PIL.Image.open(photos / "white.png") as white:
        key = photo_key(np.asarray(white))
    mark = MapCache.open(tmp_path / "cache", idle.card, None).read(key)
    assert isinstance(mark, Refused) and "NaN" in mark.reason


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_pixel_that_is_not_finite_condemns_a_map(bad: float) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert fault(values) is None
    values[1, 1] = bad

    assert "8.33 % of the map" in str(fault(values))


def test_a_map_that_is_constant_to_half_precision_is_refused() -> None:
    values = np.full((2, 2), 1000.0, np.float32)
    values[0, 0] += 0.1  # steps of float16 are 0.5 there

    assert "constant map (1000)" in str(fault(values))


def test_a_teacher_that_gives_only_nan_stops_early_in_one_line_and_leaves_no_mark(
    photos: Path, tmp_path: Path
) -> None:
    teacher = TinyTeacher(broken=True)

    with pytest.raises(RunError, match=r"teacher tiny: NaN or infinity in each of its first") as e:
        label(photos, tmp_path / "cache", teacher)

    assert "\n" not in str(e.value)
    assert 8 <= sum(shape[0] for shape in teacher.batches) < 11
    assert maps_in(tmp_path / "cache") == {}
    assert label(photos, tmp_path / "cache", TinyTeacher()).done == 11


def test_memory_that_runs_out_is_one_line(photos: Path, tmp_path: Path) -> None:
    class Greedy(TinyTeacher):
        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            return torch.empty(1 << 50)

    with pytest.raises(RunError, match=r"tiny: out of memory at 2 photos of .*--batch or --size$"):
        label(photos, tmp_path / "cache", Greedy())


def test_the_parts_of_a_collection_make_up_the_whole(photos: Path, tmp_path: Path) -> None:
    (photos / "empty.jpg").touch()

    parts = [
        label(photos, tmp_path / "parts", TinyTeacher(), batch=1, shard=(i, 3)) for i in (1, 2, 3)
    ]
    label(photos, tmp_path / "whole", TinyTeacher(), batch=1)

    assert [part.done for part in parts] == [4, 4, 3]
    assert [len(part.failed) for part in parts] == [1, 0, 0]
    assert maps_in(tmp_path / "parts") == maps_in(tmp_path / "whole")


def test_killed_and_run_again_gives_the_files_of_an_undisturbed_run_bit_for_bit(
    photos: Path, tmp_path: Path
) -> None:
    label(photos, tmp_path / "whole", TinyTeacher(coupled=True))
    victim = process(photos, tmp_path / "cut", 300)
    while len(maps_in(tmp_path / "cut")) < 3:
        assert victim.poll() is None, victim.communicate()
        time.sleep(0.01)

    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    kept = maps_in(tmp_path / "cut")
    (tmp_path / "cut" / "maps" / sorted(kept)[0][:2] / sorted(kept)[0]).unlink()  # half a batch
    result = label(photos, tmp_path / "cut", TinyTeacher(coupled=True))

    whole = maps_in(tmp_path / "whole")
    assert 3 <= len(kept) < 11 and kept.items() <= whole.items()
    # Nothing that was there is computed for its own sake: at most the running batch was lost.
    assert (result.done, result.skipped) == (12 - len(kept), len(kept) - 1)
    assert maps_in(tmp_path / "cut") == whole


def test_two_processes_on_one_folder_give_the_files_of_one_bit_for_bit(
    photos: Path, tmp_path: Path
) -> None:
    label(photos, tmp_path / "one", TinyTeacher(coupled=True))
    both = [process(photos, tmp_path / "two", wait, "go") for wait in (1, 20)]
    for started in both:
        assert started.stdout is not None and started.stdout.readline() == "ready\n"

    ends = [started.communicate("go\n", timeout=60) for started in both]

    assert [started.returncode for started in both] == [0, 0], ends
    counts = [[int(n) for n in out.split()] for out, _ in ends]
    assert [sum(count) for count in counts] == [11, 11]
    assert sum(count[0] for count in counts) >= 11
    assert maps_in(tmp_path / "two") == maps_in(tmp_path / "one")


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    photos: Path, tmp_path: Path
) -> None:
    full = process(photos, tmp_path / "cache", 0, "", "full")
    _, errors = full.communicate(timeout=60)

    assert full.returncode == 6, errors
    assert errors.count("\n") == 1 and "File too large" in errors
    left = [p.name for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert left == ["cache.json"]
    assert label(photos, tmp_path / "cache", TinyTeacher()).done == 11
