"""What the page about completion tells people to type works as it stands."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.images.read_depth import read_depth
from sensor_files import write_sensor_files

DOCS = Path(__file__).parents[2] / "docs"
SIZE = (240, 320)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with PIL.Image.open(DOCS / "photos" / "room_a.jpg") as photo:
        photo.resize(SIZE[::-1]).save(tmp_path / "room.jpg")
    rows, columns = np.indices(SIZE)
    meters = 4.0 - 2.0 * rows / SIZE[0] + columns / SIZE[1]
    random = np.random.default_rng(0)
    places = random.choice(meters.size, 60, replace=False)
    where = np.unravel_index(places, SIZE)
    write_sensor_files(tmp_path, "room.jpg", meters, where, (249.3, 248.6, 160.8, 114.8))
    dense = np.rint(1000 * meters).astype(np.uint16)
    PIL.Image.fromarray(dense).save(tmp_path / "dense.png")
    for name, source in (("photos", "room.jpg"), ("points", "points.csv")):
        (tmp_path / name).mkdir()
        for stem in ("one", "two"):
            shutil.copy(tmp_path / source, (tmp_path / name / stem).with_suffix(source[-4:]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_of_the_page_runs(folder: Path, run_page: Callable[..., int]) -> None:
    instead = {"2_000": "1", "[192, 256]": "[64, 96]", "batch = 8": "batch = 1"}

    assert run_page("how-to/complete.md", instead) == 20

    for name in ("completed", "own", *"abcdefghij"):
        made = read_depth(folder / name / "room.png")
        assert made.size == SIZE
        assert 1.5 < np.median(made.values) < 5
    assert (folder / "e" / "room.ply").is_file()
    assert all((folder / name).is_file() for name in ("figure.png", "figure-two.jpg"))
