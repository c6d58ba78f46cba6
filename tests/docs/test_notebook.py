"""The notebook runs from top to bottom, and its stored figures are of this code."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def cells() -> list[dict[str, Any]]:
    document = json.loads((DOCS / "tutorials" / "first-look.ipynb").read_text(encoding="utf-8"))
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def percents(said: str) -> list[float]:
    return [float(number) for number in re.findall(r"([\d.]+) %", said)]


def test_the_notebook_runs_and_says_what_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(DOCS / "photos" / "room_a.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}

    for number, cell in enumerate(cells()):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)

    said = percents(capsys.readouterr().out)
    stored = [
        line for cell in cells() for output in cell["outputs"] for line in output.get("text", [])
    ]
    assert said == pytest.approx(percents("".join(stored)), abs=0.5)
    assert said[1] < said[0] / 2  # completed beats aligned


def test_every_cell_was_run_in_order() -> None:
    assert [cell["execution_count"] for cell in cells()] == list(range(1, len(cells()) + 1))
    kinds = {output["output_type"] for cell in cells() for output in cell["outputs"]}
    assert kinds <= {"stream", "execute_result", "display_data"}
