"""A model folder takes its place whole, or the old one is there."""

from pathlib import Path

import pytest
from tools.place import replacing


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_text("old")
    return folder


def fill(folder: Path) -> None:
    folder.mkdir()
    (folder / "weights").write_text("new")


def held(target: Path) -> str:
    """What is in the folder, which is alone."""
    assert list(target.parent.iterdir()) == [target]
    return (target / "weights").read_text()


def test_a_new_folder_takes_the_place_of_the_old_one(target: Path) -> None:
    with replacing(target) as fresh:
        fill(fresh)

    assert held(target) == "new"


def test_a_fault_leaves_the_old_one(target: Path) -> None:
    with pytest.raises(ValueError, match="no"), replacing(target) as fresh:
        fill(fresh)
        raise ValueError("no")

    assert held(target) == "old"


def test_the_only_copy_comes_back_after_a_kill_between_the_renames(target: Path) -> None:
    target.rename(target.with_name(".model.old"))
    fill(target.with_name(".model.new"))

    with pytest.raises(ValueError, match="no"), replacing(target):
        raise ValueError("no")

    assert held(target) == "old"


def test_a_rename_that_fails_leaves_the_old_one(target: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(target):
        pass  # nothing was written

    assert held(target) == "old"


def test_a_leftover_of_a_kill_after_both_renames_goes(target: Path) -> None:
    fill(target.with_name(".model.old"))

    with pytest.raises(ValueError, match="no"), replacing(target):
        raise ValueError("no")

    assert held(target) == "old"
