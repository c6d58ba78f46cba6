"""Labeling unit by unit gives the maps of one undisturbed run, in packs that the cache reads."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featherdepth.data import packs
from featherdepth.data.packs import PackIndex
from featherdepth.data.probe import open_data
from featherdepth.data.teacher_maps import SUFFIX, MapCache, Refused, photo_key
from featherdepth.data.units import list_units
from featherdepth.distill.batching import batches
from featherdepth.distill.label_network import Network, Prepared, Preparing
from featherdepth.distill.label_work import LabelWork
from featherdepth.distill.teachers.base import TorchTeacher
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.errors import RunError
from featherdepth.runtime.units import run_units
from featherdepth.runtime.work import Item

from .labelling import CARD, TinyTeacher, label, maps_in, photo

SIZES = [(48, 64), (64, 48), (40, 40), (30, 120)]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TinyWork(LabelWork):
    """With a teacher that is handed over."""

    made: Any = None

    def decoder(self) -> Preparing:
        return Preparing(self.made, self._store(), self.batch)

    def network(self) -> Network:
        return Network(self.made, "cpu", self.batch)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eleven photos of four shapes."""
    for i in range(11):
        photo(tmp_path / "photos" / f"{i:02d}.png", *SIZES[i % 7 % 4], seed=i)
    return tmp_path / "photos"


def work(cache: Path, teacher: TinyTeacher, batch: int = 2) -> TinyWork:
    MapCache.open(cache, teacher.card, None)
    return TinyWork(teacher="tiny", card=CARD, cache=cache, batch=batch, made=teacher)


def packed_in(cache: Path) -> dict[str, bytes]:
    """Files of all packs: name -> content."""
    index = PackIndex(cache / "packs", SUFFIX)
    store = MapCache(cache, CARD, None)
    keys = [
        entry.name
        for path in (cache / "packs").glob("*.json")
        for entry in packs._parsed(path).entries
    ]
    assert len(keys) == len(set(keys)) == len(index)
    assert all(store.find(key.removesuffix(SUFFIX)) is not None for key in keys)
    return {key: next(iter(index.contents(key.removesuffix(SUFFIX)))) for key in keys}


def test_packs_hold_the_files_of_a_run_without_units_bit_for_bit(
    photos: Path, tmp_path: Path
) -> None:
    label(photos, tmp_path / "whole", TinyTeacher(coupled=True), batch=2)

    result = run_units(
        work(tmp_path / "units", TinyTeacher(coupled=True)), list_units(photos, group=16)
    )

    assert (result.done, result.skipped, result.failed) == (11, 0, [])
    assert packed_in(tmp_path / "units") == maps_in(tmp_path / "whole")


def test_a_run_without_units_takes_what_packs_hold(photos: Path, tmp_path: Path) -> None:
    run_units(work(tmp_path / "c", TinyTeacher()), list_units(photos, group=4))
    idle = TinyTeacher()

    result = label(photos, tmp_path / "c", idle)

    assert (result.done, result.skipped, idle.batches) == (0, 11, [])
    assert maps_in(tmp_path / "c") == {}
    usage = MapCache(tmp_path / "c", CARD, None).usage()
    assert usage.maps == 11 and usage.size_bytes > 11 * 500


def test_maps_with_files_of_their_own_are_not_made_again(photos: Path, tmp_path: Path) -> None:
    label(photos, tmp_path / "c", TinyTeacher(), shard=(1, 2), batch=1)
    before, busy = maps_in(tmp_path / "c"), TinyTeacher()

    result = run_units(work(tmp_path / "c", busy, batch=1), list_units(photos, group=8))

    assert (result.done, result.skipped) == (5, 6)
    assert len(busy.batches) == 5
    assert maps_in(tmp_path / "c") == before and len(packed_in(tmp_path / "c")) == 5


def test_a_batch_with_one_map_missing_is_computed_as_a_whole(photos: Path, tmp_path: Path) -> None:
    label(photos, tmp_path / "c", TinyTeacher(coupled=True), batch=2)
    whole = maps_in(tmp_path / "c")
    lost = sorted(whole)[0]
    (tmp_path / "c" / "maps" / lost[:2] / lost).unlink()
    busy = TinyTeacher(coupled=True)

    result = run_units(work(tmp_path / "c", busy), list_units(photos, group=16))

    assert (result.done, result.skipped, len(busy.batches)) == (1, 10, 1)
    assert packed_in(tmp_path / "c") == {lost: whole[lost]}


def test_what_is_of_no_use_is_marked_in_the_pack_and_reported_again(
    photos: Path, tmp_path: Path
) -> None:
    photo(photos / "black.png", 48, 64, level=0)
    photo(photos / "white.png", 48, 64, level=255)
    (photos / "text.jpg").write_text("no photo")
    (photos / "empty.jpg").touch()
    units = list_units(photos, group=16)

    first = run_units(work(tmp_path / "c", TinyTeacher()), units)
    second = run_units(work(tmp_path / "c", TinyTeacher()), units)

    names = ["empty.jpg", "black.png", "text.jpg", "white.png"]
    assert [row["photo"] for row in first.failed] == names
    assert first.failed[1]["error"].startswith("black.png: tiny gave a constant map (0.25)")
    assert (first.done, second.done, second.skipped) == (11, 0, 11)
    assert second.failed == first.failed
    store = MapCache(tmp_path / "c", CARD, None)
    mark = store.read(photo_key(np.zeros((48, 64, 3), np.uint8)))
    assert isinstance(mark, Refused) and "constant" in mark.reason


def test_equal_photos_are_computed_and_kept_once(tmp_path: Path) -> None:
    for name in "abcdefg":
        photo(tmp_path / "p" / f"{name}.png", 48, 64, seed=1)
    teacher = TinyTeacher()

    result = run_units(work(tmp_path / "c", teacher, batch=1), list_units(tmp_path / "p", group=4))

    assert len(teacher.batches) == 2  # two units know nothing of each other
    assert (result.done, result.skipped) == (2, 5)
    with pytest.raises(AssertionError):
        packed_in(tmp_path / "c")
    assert MapCache(tmp_path / "c", CARD, None).usage().maps == 2


def test_a_teacher_that_gives_only_nan_stops_in_one_line_and_leaves_no_pack(
    photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"teacher tiny: NaN or infinity in each of its first 8"):
        run_units(work(tmp_path / "c", TinyTeacher(broken=True)), list_units(photos, group=16))

    assert len(PackIndex(tmp_path / "c" / "packs", SUFFIX)) == 0


def test_a_broken_part_of_the_photos_does_not_condemn_a_teacher_that_has_shown_better(
    photos: Path, tmp_path: Path
) -> None:
    for i in range(12):
        photo(photos / f"z{i:02d}.png", 20 + i, 64, level=255)

    result = run_units(work(tmp_path / "c", TinyTeacher()), list_units(photos, group=16))

    assert result.done == 11 and len(result.failed) == 12


def test_batches_are_of_one_size_in_order_with_the_rest_at_the_end() -> None:
    def item(index: int, size: tuple[int, int]) -> Item:
        content = Prepared(key=str(index), size=size, found=False, refused=None, pixels=None)
        return Item(index=index, photo="", content=content)

    a, b = (1, 2), (2, 1)
    items = [item(i, size) for i, size in enumerate([a, b, a, a, b, b, a, a])]

    found = [[i.index for i in group] for group in batches(items, 2)]

    assert found == [[0, 2], [1, 4], [3, 6], [5], [7]]


def test_the_decoder_of_a_torch_teacher_gives_its_memory_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(
        "featherdepth.distill.teachers.open.open_teacher",
        lambda *a, **k: opened.append(open_teacher(*a, **k)) or opened[0],
    )
    teacher = open_teacher("small")
    whole = LabelWork(teacher="small", card=teacher.card, cache=tmp_path / "c")

    decoder = whole.decoder()

    assert isinstance(opened[0], TorchTeacher)
    assert {p.device.type for p in opened[0].module.parameters()} == {"meta"}
    photo(tmp_path / "p" / "a.png", 48, 64, seed=1)
    (unit,) = list_units(tmp_path / "p", group=4).units
    item = decoder.open(unit).read(0)
    pixels = open_data(tmp_path / "p")[0].image.pixels
    np.testing.assert_array_equal(item.content.pixels, teacher.prepare(pixels, None))
    assert replace(item.content, pixels=None).size == teacher.input_size(48, 64)
