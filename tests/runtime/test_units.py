"""Work on units: every block once, whatever comes twice, late or broken."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.data.packs import read_mark
from featherdepth.data.units import OpenUnit, Unit, list_units
from featherdepth.errors import InputError, RunError
from featherdepth.runtime.ledger import Gathering, mark_source
from featherdepth.runtime.units import decode_unit, run_units, write_block
from featherdepth.runtime.work import Answer, Answered, Block, Compute, End, Item, Written


class Means(OpenUnit):
    def read(self, position: int) -> Item:
        mean = float(self.image(position).pixels.mean())
        return Item(index=position, photo=self.name(position), content=mean)


class MeansDecoder:
    def open(self, unit: Unit) -> Means:
        return Means(unit)

    def trim(self, items: list[Item]) -> list[Item]:
        return items


@dataclass(frozen=True)
class MeanWork:
    """Writes the mean of each photo; refuses white ones. Counts what it is asked for."""

    folder: Path
    asked: list[list[str]]
    block: int = 2
    identity: str = "mean"
    packed: bool = True

    def decoder(self) -> MeansDecoder:
        return MeansDecoder()

    def network(self) -> Compute:
        def answers(items: list[Item]) -> list[Answer]:
            self.asked.append([item.photo for item in items])
            return [
                Answer(
                    index=item.index,
                    photo=item.photo,
                    content=item.content,
                    error="white" if item.content == 255 else None,
                )
                for item in items
            ]

        return answers

    def packs(self, unit: Unit) -> bool:
        return self.packed

    def files(self, answer: Answer) -> list[tuple[str, bytes]]:
        return [] if answer.error else [(f"{answer.photo}.txt", f"{answer.content}".encode())]

    def store(self, answer: Answer) -> None:
        if answer.photo == "4.png":
            raise InputError("4.png: cannot be a cloud")
        (self.folder / f"{answer.photo}.txt").write_text(f"{answer.content}")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Seven gray photos, the third white, the sixth broken."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(7):
        level = 255 if i == 2 else 10 * i
        PIL.Image.fromarray(np.full((4, 4, 3), level, np.uint8)).save(folder / f"{i}.png")
    (folder / "5.png").write_text("no photo")
    return folder


def test_a_second_run_does_only_the_unit_that_is_missing(photos: Path, tmp_path: Path) -> None:
    first, second = MeanWork(tmp_path / "o", []), MeanWork(tmp_path / "o", [])
    units = list_units(photos, group=4)
    seen: list[tuple[int, int]] = []

    before = run_units(first, units, progress=lambda *counts: seen.append(counts))
    (tmp_path / "o" / "photos-000001.json").unlink()
    after = run_units(second, units)

    assert first.asked == [["0.png", "1.png"], ["2.png", "3.png"], ["4.png"], ["6.png"]]
    assert second.asked == [["4.png"], ["6.png"]]
    assert seen == [(1, 2), (2, 2)]
    assert (before.done, before.skipped) == (5, 0) and (after.done, after.skipped) == (2, 3)
    assert before.failed == after.failed
    assert [row["photo"] for row in before.failed] == ["2.png", "5.png"]


def test_another_work_or_the_wish_to_overwrite_does_all_again(photos: Path, tmp_path: Path) -> None:
    units = list_units(photos, group=4)
    run_units(MeanWork(tmp_path / "o", []), units)
    other = MeanWork(tmp_path / "o", [], identity="other")

    run_units(other, units)

    assert len(other.asked) == 4
    again = MeanWork(tmp_path / "o", [], identity="other")
    run_units(again, units, overwrite=True)
    assert len(again.asked) == 4


def test_a_unit_that_cannot_be_opened_is_told_and_tried_again(photos: Path, tmp_path: Path) -> None:
    units = list_units(photos, group=4)
    gone = Unit(name="gone", root=tmp_path / "gone.tar", source="?")
    units.units.insert(1, gone)
    work = MeanWork(tmp_path / "o", [])

    result = run_units(work, units)

    assert [row["photo"] for row in result.failed] == ["2.png", "gone", "5.png"]
    assert "gone.tar: not found" in result.failed[1]["error"]
    assert result.done == 5
    assert read_mark(work.folder, "gone", mark_source(work, gone)) is None


def test_a_collection_of_which_nothing_can_be_opened_is_refused(
    photos: Path, tmp_path: Path
) -> None:
    units = list_units(photos, group=4)
    units.units[:] = [Unit(name="gone", root=tmp_path / "gone.tar", source="?")]

    with pytest.raises(InputError, match=r"gone\.tar: not found"):
        run_units(MeanWork(tmp_path / "o", []), units)


def test_a_block_holds_what_could_be_read_and_why_the_rest_could_not(photos: Path) -> None:
    (unit,) = list_units(photos, group=7).units

    *blocks, end = decode_unit(MeansDecoder(), 3, unit, 3)

    assert all(isinstance(block, Block) and block.unit == 3 for block in blocks)
    assert [[i.photo for i in b.items] for b in blocks if isinstance(b, Block)] == [
        ["0.png", "1.png", "2.png"],
        ["3.png", "4.png"],
        ["6.png"],
    ]
    ((position, photo, error),) = blocks[1].failed
    assert (position, photo) == (5, "5.png") and "not a photo" in error
    assert isinstance(end, End) and end.blocks == 3


def test_photos_without_a_pack_get_their_files_and_one_that_cannot_be_written_is_told(
    photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "o").mkdir()
    work = MeanWork(tmp_path / "o", [], packed=False)

    result = run_units(work, list_units(photos, group=4))

    names = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert names == [f"{i}.png.txt" for i in (0, 1, 3, 6)]
    assert (tmp_path / "o" / "3.png.txt").read_text() == "30.0"
    assert result.done == 4
    assert [row["photo"] for row in result.failed] == ["2.png", "4.png", "5.png"]


def written(number: int, done: int = 1) -> Written:
    return Written(
        unit=7, number=number, part=None, done=done, skipped=0, failed=[(number, f"{number}", "x")]
    )


def test_a_unit_is_complete_with_its_last_block_in_any_order_and_once_only() -> None:
    gathering = Gathering()

    assert gathering.add(written(2)) is None
    assert gathering.add(End(unit=7, blocks=3, failed=[(9, "cut", "y")])) is None
    assert gathering.add(written(0)) is None
    assert gathering.add(written(0)) is None  # done twice, counted once
    finished = gathering.add(written(1))

    assert finished is not None and finished.done == 3
    assert [row["photo"] for row in finished.failed] == ["0", "1", "2", "cut"]
    again = [*(written(number) for number in range(3)), End(unit=7, blocks=3)]
    assert [gathering.add(message) for message in again] == [None] * 4
    assert gathering.add(End(unit=8, blocks=0)) is not None


def test_a_full_disk_ends_the_job_and_what_is_finished_stays(photos: Path, tmp_path: Path) -> None:
    class Full(MeanWork):
        def files(self, answer: Answer) -> list[tuple[str, bytes]]:
            if answer.photo == "4.png":
                raise RunError("cannot write 4: No space left on device")
            return super().files(answer)

    units = list_units(photos, group=4)
    with pytest.raises(RunError, match="No space left"):
        run_units(Full(tmp_path / "o", []), units)
    healthy = MeanWork(tmp_path / "o", [])

    result = run_units(healthy, units)

    assert healthy.asked == [["4.png"], ["6.png"]]
    assert (result.done, result.skipped) == (2, 3)


def test_a_skipped_photo_is_neither_written_nor_done(tmp_path: Path) -> None:
    unit = Unit(name="u", root=tmp_path, source="")
    answers = [
        Answer(index=0, photo="a", content=1.0),
        Answer(index=1, photo="b", content=1.0, skipped=True),
        Answer(index=2, photo="c", content=1.0, skipped=True, error="refused"),
    ]

    told = write_block(
        MeanWork(tmp_path, []),
        Answered(unit=0, of=unit, number=0, answers=answers, failed=[(3, "d", "broken")]),
    )

    assert (told.done, told.skipped) == (1, 1)
    assert told.failed == [(2, "c", "refused"), (3, "d", "broken")]
    assert told.part is not None and [e.name for e in told.part.entries] == ["a.txt"]
