"""The journal is JSON lines, whatever happened to the process that wrote it."""

from pathlib import Path

import pytest

from featherdepth.errors import RunError
from featherdepth.training.journal import Journal, read_journal


def write(path: Path, after: int, *steps: int) -> None:
    with Journal(path, after) as journal:
        for step in steps:
            journal.write({"step": step, "total": step / 10, "speed": {"seconds": 1.0}})


def steps_of(path: Path) -> list[int]:
    return [line["step"] for line in read_journal(path)]


def test_lines_come_back_and_the_clock_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path / "j", 0, 1)

    assert read_journal(tmp_path / "j") == [{"step": 1, "total": 0.1, "speed": {"seconds": 1.0}}]
    assert read_journal(tmp_path / "j", speed=False) == [{"step": 1, "total": 0.1}]


def test_lines_after_the_resumed_step_are_dropped(tmp_path: Path) -> None:
    write(tmp_path / "j", 0, 10, 20, 30)

    write(tmp_path / "j", 20, 25)

    assert steps_of(tmp_path / "j") == [10, 20, 25]


@pytest.mark.parametrize("cut", [1, 2, 20, 47])
def test_a_line_cut_short_is_repaired(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j"
    write(path, 0, 10, 20)
    path.write_bytes(path.read_bytes()[:-cut])

    assert steps_of(path) == [10]
    write(path, 20, 30)

    assert steps_of(path) == [10, 30]
    assert path.read_bytes().count(b"\n") == 2


def test_a_new_run_starts_an_empty_journal(tmp_path: Path) -> None:
    write(tmp_path / "j", 0, 0, 10)

    write(tmp_path / "j", 0)

    assert steps_of(tmp_path / "j") == []


def test_a_run_that_begins_again_tells_of_its_start_once(tmp_path: Path) -> None:
    write(tmp_path / "j", 0, 0, 10)  # killed before its first checkpoint

    write(tmp_path / "j", 0, 0, 10, 20)
    write(tmp_path / "j", 10, 20)

    assert steps_of(tmp_path / "j") == [0, 10, 20]


def test_a_figure_that_is_no_number_is_null(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", 0) as journal:
        journal.write({"step": 1, "losses": {"a": float("nan"), "b": float("inf")}})

    assert read_journal(tmp_path / "j")[0]["losses"] == {"a": None, "b": None}


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(RunError, match=r"journal\.jsonl: cannot write it: "):
        Journal(tmp_path / "file" / "journal.jsonl", 0)
