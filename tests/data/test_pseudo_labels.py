"""Photos with the maps of a cache as truth: the right map for each photo, and its terms."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from featherdepth.data.pseudo_labels import PseudoLabels
from featherdepth.data.teacher_cards import ABOUT
from featherdepth.data.teacher_maps import MapCache, photo_key
from featherdepth.errors import InputError
from featherdepth.training.materials import data_rows
from featherdepth.types import DepthKind
from teacher_cards import CARD


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (30, 40, 3), np.uint8)
        Picture.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(Picture.open(path).convert("RGB"))


@pytest.fixture
def reader(photos: Path, tmp_path: Path) -> PseudoLabels:
    cache = MapCache.open(tmp_path / "cache", CARD, (12, 16))
    for i in (0, 1):
        rows = np.linspace(i, i + 1, 12, dtype=np.float32)
        cache.write(photo_key(pixels_of(photos / f"{i}.png")), np.tile(rows[:, None], (1, 16)))
    cache.refuse(photo_key(pixels_of(photos / "2.png")), "constant")
    config = PseudoLabels.Config(root=photos, cache=tmp_path / "cache", terms="ours (class A)")
    return PseudoLabels(config)


def test_each_photo_has_its_own_map_at_its_own_size(reader: PseudoLabels) -> None:
    first, second = reader[0], reader[1]

    for number, sample in enumerate((first, second)):
        assert sample.depth is not None and sample.depth.kind is DepthKind.AFFINE_INVARIANT
        assert sample.depth.size == sample.image.size == (30, 40) and sample.depth.valid.all()
        assert number - 0.01 <= sample.depth.values.min() < sample.depth.values.max()
        assert sample.depth.values.max() <= number + 1.01
    assert reader.usable(0) == (0, 0, 30, 40)


def test_a_photo_whose_map_was_refused_or_is_missing_is_named(
    reader: PseudoLabels, photos: Path
) -> None:
    with pytest.raises(InputError, match=r"2\.png: its map in .*cache was refused: constant"):
        reader[2]
    Picture.fromarray(np.zeros((30, 40, 3), np.uint8)).save(photos / "1.png")
    with pytest.raises(InputError, match=r"1\.png: its map in .*cache is missing; run label again"):
        reader[1]
    assert [fault.key for fault in reader.skipped] == ["1.png", "2.png"]


def test_photos_that_are_not_there_are_told(
    reader: PseudoLabels, photos: Path, tmp_path: Path
) -> None:
    assert len(reader) == 3
    (tmp_path / "list.txt").write_text("photos/0.png\nphotos/gone.png\n")

    config = PseudoLabels.Config(root=tmp_path / "list.txt", cache=tmp_path / "cache")

    assert [fault.key for fault in PseudoLabels(config).skipped] == ["photos/gone.png"]


def test_what_the_teacher_was_made_from_is_in_the_bill(reader: PseudoLabels) -> None:
    first, teacher = data_rows(reader, "training, 3 frames")

    assert (first["name"], first["class"]) == ("photos", "A")
    assert teacher == CARD.materials[0]


def test_a_folder_without_a_cache_and_a_damaged_one_are_one_line(
    reader: PseudoLabels, photos: Path, tmp_path: Path
) -> None:
    assert len(reader) == 3
    with pytest.raises(InputError, match=r"photos: no cache of maps here .*featherdepth label"):
        PseudoLabels(PseudoLabels.Config(root=photos, cache=photos))
    for text in ("{", "{}", '{"format": 1, "size": null, "teacher": {"kind": "x"}}'):
        (tmp_path / "cache" / ABOUT).write_text(text)
        with pytest.raises(InputError, match=r"cache\.json"):
            PseudoLabels(PseudoLabels.Config(root=photos, cache=tmp_path / "cache"))
