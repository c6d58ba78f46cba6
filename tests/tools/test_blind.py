"""The blind sheet hides which model is which until every row is judged."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from tools.blind import KEY, draw, tell

PHOTOS = Path(__file__).parents[2] / "docs" / "photos"


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FEATHERDEPTH_DATA", str(PHOTOS))
    names = [path.name for path in sorted(PHOTOS.glob("*.jpg"))]
    draw(tmp_path / "out", "fast", "small", names[:8], seed=1)
    return tmp_path / "out"


def test_the_key_names_the_model_of_each_side(drawn: Path) -> None:
    rows = json.loads((drawn / KEY).read_text())["rows"]

    assert len(rows) == 8
    assert {(row["A"], row["B"]) for row in rows} == {("old", "new"), ("new", "old")}
    found = tell(drawn, "".join("A" if row["A"] == "new" else "B" for row in rows))
    assert found["counts"] == {"new": 8, "equal": 0, "old": 0}
    assert found["models"]["new"]["model"] == "small"
    assert tell(drawn, "=" * 7 + "A")["counts"]["equal"] == 7


def test_nothing_is_told_before_every_row_is_judged(drawn: Path) -> None:
    for verdicts in ("A", "A" * 7 + "X"):
        with pytest.raises(ValueError, match="expected one of AB= each"):
            tell(drawn, verdicts)


def test_sheets_show_photo_and_two_maps_in_rows(drawn: Path) -> None:
    sheets = sorted(drawn.glob("sheet-*.png"))

    assert len(sheets) == 2
    with PIL.Image.open(sheets[0]) as opened:
        pixels = np.asarray(opened)
    assert pixels.shape[1] == 1200
    left, middle, right = np.split(pixels[40:200].astype(float), 3, axis=1)
    assert np.abs(left - middle).mean() > 10
    assert np.abs(middle - right).mean() > 1
