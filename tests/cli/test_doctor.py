"""`doctor`: a page or a document, and a code that says whether anything is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherdepth.cli import main as cli


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """NYUv2 as BTS has it: one official test frame, depth from 1.5 to 5 m."""
    folder = tmp_path / "official_splits" / "test" / "bathroom"
    folder.mkdir(parents=True)
    codes = np.repeat(np.linspace(5000, 1500, 48).astype(np.uint16)[:, None], 64, axis=1)
    codes[:, ::5] = 0
    Image.fromarray(codes).save(folder / "sync_depth_00045.png")
    Image.fromarray(np.full((48, 64, 3), 90, dtype=np.uint8)).save(folder / "rgb_00045.jpg")
    return tmp_path


def test_a_clean_set_is_described_and_ends_with_0(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["doctor", str(room)]) == 0

    text = capsys.readouterr().out
    assert text.startswith("NYUv2, layout of BTS, split test: 1 pairs of photo and depth")
    for part in ("nyuv2-bts", "code / 1000", "photo 64x48, truth 64x48", "class B", "no faults"):
        assert part in text
    assert "truth on 79.7% of the pixels, median 3.25 m" in text


def test_faults_end_with_3_and_are_in_the_document(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = room.rglob("sync_depth_*.png")
    codes = np.asarray(Image.open(path)).astype(np.uint16)
    Image.fromarray((codes * 0.256).astype(np.uint16)).save(path)

    assert cli.run(["doctor", str(room), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert [row["fault"] for row in found["faults"]] == ["scale"]
    assert cli.run(["doctor", str(room)]) == 3
    assert "1 faults:\n  scale: NYUv2" in capsys.readouterr().out


def test_nothing_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", str(tmp_path / "none")]) == 3
    assert "not found" in capsys.readouterr().err
