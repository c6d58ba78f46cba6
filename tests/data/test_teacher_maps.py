"""Maps come back as they were stored, or as absent; a folder is never two teachers' at once."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.data.teacher_maps import MapCache, Refused, photo_key, to_half
from featherdepth.errors import InputError, RunError
from featherdepth.types import DepthKind
from teacher_cards import CARD

KEY = "ab" * 32
HERE = Path(__file__).parent
PLACES = os.pathsep.join(map(str, (HERE, HERE.parent / "helpers")))
"""Where other processes find this module and what it imports."""


@pytest.fixture
def cache(tmp_path: Path) -> MapCache:
    return MapCache.open(tmp_path / "cache", CARD, 448)


def ramp(height: int = 6, width: int = 8) -> np.ndarray:
    return np.linspace(-3, 7, height * width, dtype=np.float32).reshape(height, width)


def path_of(cache: MapCache) -> Path:
    (path,) = cache.folder.glob("maps/*/*.safetensors")
    return path


@pytest.mark.parametrize("peak", [1e-30, 1e-6, 0.5, 1.0, 10.0, 70_000.0, 3e38])
def test_a_map_comes_back_to_half_precision_however_large_its_values(
    cache: MapCache, peak: float
) -> None:
    values = (ramp() * np.float32(peak / 7)).astype(np.float32)

    cache.write(KEY, values)
    back = cache.read(KEY)

    assert isinstance(back, np.ndarray) and back.dtype == np.float32
    # Half an ulp of float16: 2^-11 of the value.
    np.testing.assert_allclose(back, values, rtol=2**-11, atol=0)


def test_stored_numbers_and_scale_equal_those_done_by_hand() -> None:
    # 10 = 0.625 * 2^4, so the scale is 2^(4 - 15) and 10 is stored as 20480; 0.1 as 204.8,
    # where float16 has steps of 1/8.
    stored, scale = to_half(np.array([[10.0, -10.0, 0.1, 0.0]], np.float32))

    assert scale == 2.0**-11
    assert stored.tolist() == [[20480.0, -20480.0, 204.75, 0.0]]


def test_small_values_beside_large_ones_keep_their_precision(cache: MapCache) -> None:
    values = np.array([[80.0, 80.0 * 2.0**-28 * 1.2345]], np.float32)

    cache.write(KEY, values)

    np.testing.assert_allclose(cache.read(KEY), values, rtol=2**-11)


def test_a_map_of_zeros_is_one(cache: MapCache) -> None:
    cache.write(KEY, np.zeros((2, 3), np.float32))

    assert np.array_equal(cache.read(KEY), np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_stored(cache: MapCache, bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        cache.write(KEY, np.array([[0.0, bad]], np.float32))
    with pytest.raises(ValueError, match="empty"):
        cache.write(KEY, np.zeros((0, 3), np.float32))

    assert cache.find(KEY) is None


def test_a_refused_photo_is_done_and_says_why(cache: MapCache) -> None:
    cache.refuse(KEY, "a.jpg: NaN")

    assert cache.find(KEY) is not None
    assert cache.read(KEY) == Refused("a.jpg: NaN")


def test_what_is_not_there_is_told_in_one_line(cache: MapCache) -> None:
    assert cache.find(KEY) is None
    with pytest.raises(InputError, match=r"no whole map of this photo by tiny; label it again$"):
        cache.read(KEY)


def test_the_key_is_that_of_the_pixels_and_their_shape() -> None:
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    other = pixels.copy()
    other[2, 3, 2] ^= 1

    key = photo_key(pixels)

    assert len(key) == 64
    assert key == photo_key(np.asfortranarray(pixels))
    assert key != photo_key(pixels.reshape(4, 3, 3))
    assert key != photo_key(other)


def test_a_torn_or_changed_file_counts_as_absent_at_every_byte(cache: MapCache) -> None:
    cache.write(KEY, ramp(2, 3))
    path = path_of(cache)
    whole, stored = path.read_bytes(), cache.read(KEY)

    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert cache.find(KEY) is None, length
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        found = cache.find(KEY)
        # Spaces and the like may flip unseen; the numbers may not.
        assert found is None or np.array_equal(found, stored), place
    path.write_bytes(whole)
    assert cache.find(KEY) is not None


def test_random_bytes_and_files_of_others_count_as_absent(cache: MapCache, tmp_path: Path) -> None:
    cache.write(KEY, ramp())
    path = path_of(cache)
    whole = path.read_bytes()
    other = MapCache.open(tmp_path / "other", replace(CARD, digest="e" * 64), 448)
    sized = MapCache.open(tmp_path / "sized", CARD, (64, 96))
    rng = np.random.default_rng(0)

    for folder in (other, sized):
        moved = folder.folder / path.relative_to(cache.folder)
        moved.parent.mkdir(parents=True)
        moved.write_bytes(whole)
        assert folder.find(KEY) is None
    swapped = "cd" + KEY[2:]
    (cache.folder / "maps" / "cd").mkdir()
    (cache.folder / "maps" / "cd" / f"{swapped}.safetensors").write_bytes(whole)
    assert cache.find(swapped) is None
    for _ in range(200):
        path.write_bytes(rng.bytes(int(rng.integers(0, 400))))
        assert cache.find(KEY) is None
    path.unlink()
    path.mkdir()
    assert cache.find(KEY) is None


def test_two_writings_of_one_map_are_equal_bit_for_bit(tmp_path: Path) -> None:
    contents = set()
    for i in range(20):  # safetensors alone shuffles several entries of metadata
        cache = MapCache.open(tmp_path / str(i), CARD, 448)
        cache.write(KEY, ramp())
        contents.add(path_of(cache).read_bytes())

    assert len(contents) == 1


def test_the_folder_says_whose_maps_it_holds(cache: MapCache) -> None:
    about = json.loads((cache.folder / "cache.json").read_text())

    assert about == {
        "format": "featherdepth-maps-1",
        "size": 448,
        "teacher": {
            "digest": "d" * 64,
            "kind": "affine_invariant",
            "license": "Apache-2.0",
            "materials": list(CARD.materials),
            "name": "tiny",
            "params": 7,
        },
    }


def test_the_same_teacher_may_come_back_under_another_name(cache: MapCache) -> None:
    cache.write(KEY, ramp())

    again = MapCache.open(cache.folder, replace(CARD, name="./tiny", license=""), 448)

    assert again.find(KEY) is not None


@pytest.mark.parametrize(
    ("card", "size", "words"),
    [
        (replace(CARD, digest="e" * 64, name="big"), 448, "maps of teacher 'tiny' .digest dddd"),
        (replace(CARD, kind=DepthKind.METRIC), 448, r"\(kind affine_invariant\), not of 'tiny'"),
        (CARD, None, "at size 448, not of the teacher's own choice"),
        (CARD, (64, 96), "at size 448, not 64x96"),
    ],
)
def test_a_cache_of_another_teacher_kind_or_size_is_refused_in_one_line(
    cache: MapCache, card: TeacherCard, size: Any, words: str
) -> None:
    before = (cache.folder / "cache.json").read_bytes()

    with pytest.raises(RunError, match=words) as caught:
        MapCache.open(cache.folder, card, size)

    assert "\n" not in str(caught.value)
    assert (cache.folder / "cache.json").read_bytes() == before


def test_a_pair_as_size_is_known_again(tmp_path: Path) -> None:
    MapCache.open(tmp_path / "c", CARD, (64, 96)).write(KEY, ramp())

    assert MapCache.open(tmp_path / "c", CARD, (64, 96)).find(KEY) is not None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "x", "size": 1}', "\xff"])
def test_a_damaged_description_is_one_line(cache: MapCache, text: str) -> None:
    (cache.folder / "cache.json").write_bytes(text.encode("latin-1"))

    with pytest.raises(RunError, match=r"cache\.json: damaged, or not of a cache"):
        MapCache.open(cache.folder, CARD, 448)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")

    with pytest.raises(RunError, match=r"holds letter\.txt and no cache\.json"):
        MapCache.open(tmp_path, CARD, None)
    with pytest.raises(RunError, match="Not a directory"):
        MapCache.open(tmp_path / "letter.txt", CARD, None)

    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_bytes_are_counted(cache: MapCache) -> None:
    empty = cache.usage()
    cache.write(KEY, ramp(384, 512))
    cache.refuse("cd" * 32, "NaN")

    usage = cache.usage()

    assert (empty.maps, empty.size_bytes, empty.bytes_per_map) == (0, 0, 0)
    assert usage.maps == 2
    # Two bytes a pixel and at most one KiB beside them.
    assert 2 * 384 * 512 < usage.size_bytes < 2 * 384 * 512 + 1024


def test_what_a_killed_process_left_is_removed_and_what_one_writes_is_not(cache: MapCache) -> None:
    cache.write(KEY, ramp())
    old, new = (path_of(cache).parent / f".{name}.part" for name in ("old", "new"))
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (1, 1))

    cache.tidy()

    assert not old.exists() and new.exists() and cache.find(KEY) is not None


WRITERS = """
import os, sys; from pathlib import Path; import numpy as np
sys.path[:0] = sys.argv[1].split(os.pathsep)
from test_teacher_maps import CARD, KEY, ramp
from featherdepth.data.teacher_maps import MapCache
print("ready", flush=True); sys.stdin.readline()
for i in range(10):
    cache = MapCache.open(Path(sys.argv[2]) / str(i), CARD, 448)
    for n in range(3):
        cache.write(f"{n}{KEY[1:]}", ramp() + np.float32(n))
        assert cache.find(f"{n}{KEY[1:]}") is not None
"""


def test_processes_that_begin_a_cache_and_write_the_same_maps_at_once_agree(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", WRITERS]
    arguments = [PLACES, str(tmp_path)]
    processes = [
        subprocess.Popen(
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        process.communicate("go\n", timeout=60)

    assert [process.returncode for process in processes] == [0, 0, 0]
    for i in range(10):
        files = sorted(p for p in (tmp_path / str(i)).rglob("*") if p.is_file())
        assert len(files) == 4  # cache.json and three maps; nothing half-written
        cache = MapCache.open(tmp_path / str(i), CARD, 448)
        expected = to_half(ramp())[0].astype(np.float32) * np.float32(2**-12)
        assert np.array_equal(cache.read(f"0{KEY[1:]}"), expected)


def test_the_file_loads_no_torch() -> None:
    code = "import featherdepth.data.teacher_maps, sys; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


CONFINED = """
import os, resource, sys; from pathlib import Path; import numpy as np
sys.path[:0] = sys.argv[1].split(os.pathsep)
from test_teacher_maps import CARD, KEY
from featherdepth.data.teacher_maps import MapCache
from featherdepth.errors import RunError
noise = np.random.default_rng(0).random((100, 100), np.float32)
folder = Path(sys.argv[3])
cache = MapCache.open(folder, CARD, 448) if sys.argv[2] == "full" else None
if cache: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
os.getuid() or os.setuid(65534)
try: (cache or MapCache.open(folder, CARD, 448)).write(KEY, noise)
except RunError as error: print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits and rights are a POSIX matter")
def test_a_full_disk_and_a_closed_folder_are_one_line_and_leave_nothing(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        open_to_all = Path(name)
        open_to_all.chmod(0o755)
        (open_to_all / "full").mkdir(mode=0o777)
        (open_to_all / "full").chmod(0o777)
        closed = open_to_all / "closed"
        MapCache.open(closed, CARD, 448).write(f"ab{'0' * 62}", ramp())
        for folder in (closed, closed / "maps", closed / "maps" / "ab"):
            folder.chmod(0o555)
        said = {
            kind: subprocess.run(
                [sys.executable, "-c", CONFINED, PLACES, kind, str(path)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for kind, path in (("full", open_to_all / "full"), ("closed", closed))
        }
        left = [p for p in open_to_all.rglob("*") if p.is_file()]

    assert said["full"].startswith("cannot ") and said["full"].count("\n") == 1
    assert said["closed"].startswith("cannot write") and said["closed"].count("\n") == 1
    assert "Permission denied" in said["closed"]
    assert len(left) == 3  # two descriptions and the older map
