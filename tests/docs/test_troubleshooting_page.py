"""Answers that name a command name one that works."""

import re
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest

from featherdepth.types import DepthKind

DOCS = Path(__file__).parents[2] / "docs"


def test_every_block_of_the_page_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_page: Callable[[str], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with PIL.Image.open(DOCS / "photos" / "room_a.jpg") as photo:
        photo.resize((640, 480)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)

    assert run_page("how-to/troubleshooting.md") == 7

    said = capsys.readouterr().out
    assert "affine_invariant" in said
    assert (tmp_path / "cloud" / "photo.ply").is_file()


def test_the_kinds_it_names_are_those_there_are() -> None:
    text = (DOCS / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"The embedded model gives .*?never guessed\.", text, re.DOTALL)

    named = set(re.findall(r"`(\w+)`", told))
    assert named == {kind.value for kind in DepthKind}
