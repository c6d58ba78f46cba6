"""A collection becomes tars: the same bytes in the same order, whatever breaks on the way."""

import hashlib
import io
import json
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from featherdepth.data.pack import PackResult, write_shards
from featherdepth.data.photos import Photos
from featherdepth.data.shards import Shards
from featherdepth.errors import InputError, RunError, UsageError

SMALL = 0.03  # megabytes: two photos a tar


def picture(path: Path, seed: int, height: int = 80, width: int = 96, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photos of some 8 kB in two folders."""
    folder = tmp_path / "photos"
    for i in range(12):
        picture(folder / f"{'trip' if i % 2 else 'home'}" / f"{i:02d}.jpg", i)
    return folder


def pack(root: Path, out: Path, **options: Any) -> PackResult:
    return write_shards(Photos(Photos.Config(root=root)), out, **{"size_mb": SMALL, **options})


def files_in(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def entries(out: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in sorted(out.glob("*.tar")):
        with tarfile.open(path) as tar:
            for info in tar:
                found[info.name] = tar.extractfile(info).read()  # type: ignore[union-attr]
    return found


def test_photos_keep_their_bytes_their_names_and_their_order(photos: Path, tmp_path: Path) -> None:
    result = pack(photos, tmp_path / "out")

    names = sorted(p.relative_to(photos).as_posix() for p in photos.rglob("*.jpg"))
    found = entries(tmp_path / "out")
    assert list(found) == names
    assert all(content == (photos / name).read_bytes() for name, content in found.items())
    assert (result.photos, result.failed, result.kept) == (12, [], 0)
    reader = Shards(Shards.Config(root=tmp_path / "out"))
    assert [key.partition("/")[2] + ".jpg" for key in reader.keys] == names
    assert not reader.skipped


def test_no_tar_is_larger_than_asked_for_and_none_could_hold_one_photo_more(
    photos: Path, tmp_path: Path
) -> None:
    picture(photos / "home" / "large.png", 0, 200, 200)

    result = pack(photos, tmp_path / "out")

    sizes = [p.stat().st_size for p in sorted((tmp_path / "out").glob("*.tar"))]
    assert result.shards == len(sizes) > 3 and result.size_bytes == sum(sizes)
    assert sorted(sizes)[-1] > 30_000 >= sorted(sizes)[-2]  # the large one stands alone
    assert all(size + 10240 > 30_000 for size in sizes[:-1])


def test_the_index_says_what_the_tars_are(photos: Path, tmp_path: Path) -> None:
    result = pack(photos, tmp_path / "out")

    index = json.loads((tmp_path / "out" / "shards.json").read_text())
    assert index["complete"] is True
    assert (index["photos"], index["bytes"]) == (12, result.size_bytes)
    for row in index["shards"]:
        content = (tmp_path / "out" / row["name"]).read_bytes()
        assert row["bytes"] == len(content)
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
    assert sum(row["photos"] for row in index["shards"]) == 12


def test_two_runs_a_zip_and_any_number_of_threads_give_the_same_bytes(
    photos: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as packed:
        for path in photos.rglob("*.jpg"):
            packed.write(path, path.relative_to(photos))

    pack(photos, tmp_path / "a", workers=1)
    pack(photos, tmp_path / "b", workers=7)
    pack(tmp_path / "p.zip", tmp_path / "c")

    for name in "abc":
        (tmp_path / name / "shards.json").unlink()  # tells a zip by its own time of change
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b") == files_in(tmp_path / "c")


def test_names_that_webdataset_would_cut_are_noted_in_json(tmp_path: Path) -> None:
    for name in ("a.b.jpg", "c.jpg", "c.png", "UP.JPG"):
        picture(tmp_path / "p" / name, 0)

    pack(tmp_path / "p", tmp_path / "out", size_mb=1)

    found = entries(tmp_path / "out")
    assert {n: json.loads(c)["name"] for n, c in found.items() if n.endswith("json")} == {
        "a_b.json": "a.b.jpg",
        "c_jpg.json": "c.jpg",
        "c_png.json": "c.png",
    }
    keys = Shards(Shards.Config(root=tmp_path / "out")).keys
    assert keys == [f"shard-000000/{name}" for name in ("UP", "a_b", "c_jpg", "c_png")]


def test_long_photos_are_shrunk_with_their_camera_and_short_ones_left(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 36  # a 35 mm equivalent of 36 mm: fx = width
    exif[0x0112] = 6  # to be turned by a quarter
    picture(tmp_path / "p" / "long.jpg", 0, 60, 240, exif=exif)
    picture(tmp_path / "p" / "short.jpg", 1, 30, 40)

    pack(tmp_path / "p", tmp_path / "out", max_side=80)

    found = entries(tmp_path / "out")
    assert list(found) == ["long.jpg", "long.json", "short.jpg"]
    assert found["short.jpg"] == (tmp_path / "p" / "short.jpg").read_bytes()
    with PIL.Image.open(io.BytesIO(found["long.jpg"])) as shrunk:
        assert shrunk.size == (20, 80)
    assert json.loads(found["long.json"])["photo_size"] == [240, 60]
    camera = Shards(Shards.Config(root=tmp_path / "out"))[0].image.intrinsics
    whole = Photos(Photos.Config(root=tmp_path / "p"))[0].image.intrinsics
    assert camera is not None and whole is not None
    assert camera == whole.resized(80, 20) and camera.source == "exif"


def test_broken_photos_are_listed_and_the_rest_goes_on(photos: Path, tmp_path: Path) -> None:
    whole = (photos / "home" / "00.jpg").read_bytes()
    (photos / "aa.jpg").write_text("no photo")
    (photos / "home" / "05.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "zz.png").write_text("no photo")
    progress: list[tuple[int, int]] = []

    result = pack(photos, tmp_path / "out", progress=lambda *n: progress.append(n))
    again = pack(photos, tmp_path / "out")

    assert [row["photo"] for row in result.failed] == ["aa.jpg", "home/05.jpg", "zz.png"]
    assert all(row["error"].startswith(row["photo"]) for row in result.failed)
    assert len(entries(tmp_path / "out")) == result.photos == 12
    assert progress[-1] == (15, 15)
    assert again.failed == result.failed and again.kept == result.shards


def test_not_one_readable_photo_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.jpg").write_text("no photo")

    with pytest.raises(InputError, match=r"^p: not one of 1 photos can be read; a\.jpg: is not"):
        pack(tmp_path / "p", tmp_path / "out")


def test_a_second_run_writes_only_what_is_missing_or_was_cut(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = pack(photos, out)
    before = files_in(out)
    (out / "shard-000001.tar").unlink()
    (out / "shard-000003.tar").write_bytes(b"cut")
    stamp = (out / "shard-000002.tar").stat().st_mtime_ns

    again = pack(photos, out)

    assert again.kept == first.shards - 2 and again.photos == 12
    assert files_in(out) == before
    assert (out / "shard-000002.tar").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size_mb": 1}, "size_mb 0.03, not size_mb 1"),
        ({"max_side": 8}, "photos of their own size, not max_side 8"),
    ],
)
def test_a_folder_with_shards_of_other_options_is_left_alone(
    photos: Path, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    pack(photos, tmp_path / "out")
    before = files_in(tmp_path / "out")

    with pytest.raises(RunError, match=f"holds shards of {words}; choose another folder"):
        pack(photos, tmp_path / "out", **options)

    assert files_in(tmp_path / "out") == before


def test_a_photo_that_was_replaced_by_one_of_equal_length_is_noticed(tmp_path: Path) -> None:
    picture(tmp_path / "photos" / "a.bmp", 1)
    pack(tmp_path / "photos", tmp_path / "out")
    picture(tmp_path / "photos" / "a.bmp", 2)

    with pytest.raises(RunError, match="holds shards of other photos"):
        pack(tmp_path / "photos", tmp_path / "out")


def test_a_folder_with_something_else_is_left_alone(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pack(photos, out)
    picture(photos / "home" / "00.jpg", 99, 50, 50)
    with pytest.raises(
        RunError, match=r"shards of other photos \(12 of them\), or of older ones; ch"
    ):
        pack(photos, out)
    (out / "shards.json").write_text("[")
    with pytest.raises(RunError, match=r"shards\.json: damaged"):
        pack(photos, out)
    with pytest.raises(RunError, match=r"holds home and no shards\.json"):
        pack(photos, photos)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="Not a directory"):
        pack(photos, tmp_path / "file")


def test_sizes_below_one_or_without_end_are_refused(photos: Path, tmp_path: Path) -> None:
    for size in ("0", "inf", "nan"):
        with pytest.raises(UsageError, match=rf"shards of {size}(\.0)? MB; expected a finite num"):
            pack(photos, tmp_path / "out", size_mb=float(size))
    with pytest.raises(UsageError, match="a longest side of 0 pixels"):
        pack(photos, tmp_path / "out", max_side=0)

    assert not (tmp_path / "out").exists()


SCRIPT = """
import os, resource, sys, time; from pathlib import Path
from featherdepth.data.pack import write_shards
from featherdepth.data.photos import Photos
from featherdepth.errors import RunError
photos, out, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
if how == "full": resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))
if how == "nobody": os.getuid() or os.setuid(65534)
slow = (lambda *_: time.sleep(0.05)) if how == "slow" else None
reader = Photos(Photos.Config(root=photos))
try: write_shards(reader, out, size_mb=0.03, workers=1, progress=slow)
except RunError as error: print(error)
sys.exit("torch" in sys.modules)
"""


def process(photos: Path, out: Path, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, str(photos), str(out), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_killed_and_run_again_gives_the_files_of_an_undisturbed_run(
    photos: Path, tmp_path: Path
) -> None:
    pack(photos, tmp_path / "whole")
    cut = tmp_path / "cut"
    victim = process(photos, cut, "slow")
    while not (cut / "shard-000001.tar").exists():
        assert victim.poll() is None
        time.sleep(0.01)

    time.sleep(0.1)  # into the next tar
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    left = {p.name for p in cut.glob("*.tar")}
    stamp = (cut / "shard-000000.tar").stat().st_mtime_ns
    result = pack(photos, cut)

    assert 2 <= len(left) < result.shards and result.kept >= len(left) - 1
    assert (cut / "shard-000000.tar").stat().st_mtime_ns == stamp
    whole = files_in(tmp_path / "whole")
    assert {name: c for name, c in files_in(cut).items() if name[0] != "."} == whole


@pytest.mark.skipif(sys.platform == "win32", reason="limits and rights are a POSIX matter")
def test_a_full_disk_and_a_closed_folder_are_one_line_and_nothing_loads_torch(
    photos: Path, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        public = Path(name)
        public.chmod(0o755)
        picture(public / "p" / "a.jpg", 0)
        (public / "out").mkdir(mode=0o555)
        full = process(photos, tmp_path / "full", "full")
        closed = process(public / "p", public / "out", "nobody")
        said, _ = full.communicate(timeout=60)
        refused, _ = closed.communicate(timeout=60)
        left = list((public / "out").iterdir())

    assert (full.returncode, closed.returncode) == (0, 0)
    assert said == f"cannot write {tmp_path / 'full' / 'shard-000000.tar'}: File too large\n"
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["shards.json"]
    assert refused == f"cannot write {public / 'out' / 'shards.json'}: Permission denied\n"
    assert left == []
