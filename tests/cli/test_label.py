"""`label` from the command line: maps on disk, exit codes, one line for whatever is wrong."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import PIL.Image
import pytest
import torch

from featherdepth.cli import main as cli
from featherdepth.data.photos import Photos
from featherdepth.data.teacher_maps import MapCache, photo_key
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.training import allocator


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos and a broken one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(5):
        pixels = np.random.default_rng(i).integers(0, 256, (48, 64 + 16 * (i % 2), 3), np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{i}.jpg")
    (folder / "text.jpg").write_text("no photo")
    return folder


TEACHER = """
import torch.nn.functional as F
def teach(images):
    return F.avg_pool2d(images[:, :1] - images[:, 2:], 3, 2, 1)
teach.kind = "metric"
teach.license = "Apache-2.0"
"""
NAME = "py:teacher_of_test_label:teach"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Label with a function of the user's own as teacher."""
    (tmp_path / "teacher_of_test_label.py").write_text(TEACHER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def call(*arguments: object, teacher: object = NAME, size: object = 64) -> tuple[int, str, str]:
        words = [*arguments, "--teacher", teacher, "--size", size, "--device", "cpu"]
        code = cli.run(["label", *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_maps_are_those_of_the_teacher_and_broken_photos_are_listed(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"

    code, out, err = run(photos, "-o", cache)

    assert (code, err) == (3, "")
    lines = out.splitlines()
    assert "text.jpg: is not a photo" in lines[0]
    assert f"{cache}: 5 done, 1 failed (see {cache / 'failures.jsonl'})" in lines
    assert "5 maps of teacher py:teacher_of_test_label:teach" in lines[-1]
    rows = [json.loads(line) for line in (cache / "failures.jsonl").read_text().splitlines()]
    assert [row["photo"] for row in rows] == ["text.jpg"]
    teacher = open_teacher(NAME)
    pixels = Photos(Photos.Config(root=photos))[0].image.pixels
    expected = teacher(torch.from_numpy(teacher.prepare(pixels, 64))[None])[0, 0].numpy()
    found = MapCache.open(cache, teacher.card, 64).read(photo_key(pixels))
    np.testing.assert_allclose(found, expected, rtol=2**-11, atol=1e-6)


def test_parts_and_a_second_run_do_only_what_is_missing(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"

    parts = [json.loads(run(photos, "-o", cache, "--shard", f"{i}/2", "--json")[1]) for i in (1, 2)]
    (photos / "text.jpg").unlink()
    code, out, _ = run(photos, "-o", cache, "--json")

    assert [(p["done"], p["skipped"], len(p["failed"])) for p in parts] == [(3, 0, 0), (2, 0, 1)]
    assert parts[1]["failures"] == str(cache / "failures-2-of-2.jsonl")
    document = json.loads(out)
    assert (code, document["done"], document["skipped"], document["maps"]) == (0, 0, 5, 5)
    assert (
        document["kind"] == "metric"
        and 2 * 32 * 32 < document["bytes_per_map"] < 2 * 32 * 32 + 1024
    )
    assert document["failures"] is None


def test_shards_are_labeled_like_the_photos_in_them(run: Run, photos: Path, tmp_path: Path) -> None:
    run(photos, "-o", tmp_path / "cache")
    assert cli.run(["shard", str(photos), "-o", str(tmp_path / "tars")]) == 3

    code, out, _ = run(tmp_path / "tars", "-o", tmp_path / "cache")

    assert code == 0 and "0 done, 5 skipped (there already)" in out


def test_memory_is_kept_while_photos_or_tars_are_labeled(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.run(["shard", str(photos), "-o", str(tmp_path / "tars")])
    (photos / "text.jpg").unlink()
    libc = Mock()
    monkeypatch.setattr(allocator, "_glibc", lambda: libc)

    for source in (photos, tmp_path / "tars"):
        libc.reset_mock()
        assert run(source, "-o", tmp_path / "cache")[0] == 0
        assert libc.malloc_trim.call_count == 1


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"photos": "none"}, 3, "none: not found; expected a data folder"),
        ({"photos": "empty"}, 3, "empty: not a known data set"),
        ({"photos": "no.tar"}, 3, "no photo found in its tars; no.tar: 5 bytes, no tar"),
        ({"teacher": "smal"}, 2, "unknown teacher 'smal'; did you mean 'small'?"),
        ({"cache": "letters"}, 6, "letters: holds a.txt and no cache.json"),
        ({"batch": "--shard=3/2"}, 2, "--shard '3/2'"),
    ],
)
def test_what_does_not_fit_is_one_line(
    run: Run,
    photos: Path,
    tmp_path: Path,
    change: dict[str, str],
    code: int,
    words: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.tar").write_text("hello")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")

    found, out, err = run(
        tmp_path / change.get("photos", "photos"),
        *("-o", tmp_path / change.get("cache", "cache")),
        *([change["batch"]] if "batch" in change else []),
        teacher=change.get("teacher", NAME),
    )

    assert (found, out) == (code, "")
    assert err.count("\n") == 1 and words in err


def test_maps_of_another_size_are_not_mixed_with_those_that_are_there(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    run(photos, "-o", tmp_path / "cache")

    code, out, err = run(photos, "-o", tmp_path / "cache", size="64x128")

    assert (code, out) == (6, "")
    assert err.count("\n") == 1 and "maps asked for at size 64, not 64x128" in err
