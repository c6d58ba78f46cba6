"""What the page about alignment tells people to type works as it stands."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth import DepthModel

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with PIL.Image.open(DOCS / "photos" / "room_a.jpg") as photo:
        photo.resize((640, 480)).save(tmp_path / "room.jpg")
    # What is measured agrees with what is seen, up to a scale, a shift and 2 %.
    seen = (
        DepthModel.from_pretrained(precision="fp32", threads=1).infer(tmp_path / "room.jpg").values
    )
    truth = 1 + 4 * (seen - seen.min()) / np.ptp(seen)
    width, height = 640, 480
    lines = ["u,v,meters"]
    codes = np.zeros((height, width), dtype=np.uint16)
    for i in range(12):
        u, v = (width * (2 * i + 1)) // 24, (height * ((5 * i) % 12 + 1)) // 14
        meters = float(truth[v, u]) * (1.02 if i % 2 else 0.98)
        lines.append(f"{u},{v},{meters:.3f}")
        codes[v, u] = round(meters * 256)
    (tmp_path / "points.csv").write_text("\n".join(lines))
    PIL.Image.fromarray(codes).save(tmp_path / "lidar.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_of_the_page_runs(
    folder: Path, run_page: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_page("how-to/align.md") == 5

    names = ("room-meters.png", "room-meters.npy", "room-lidar.png", "room-python.png")
    assert all((folder / name).is_file() for name in names)
    assert "meters = " in capsys.readouterr().out
