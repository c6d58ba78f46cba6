"""What the page about completion tells people to type works on points of every kind."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.images.read_depth import read_depth

DOCS = Path(__file__).parents[2] / "docs"
WIDTH, HEIGHT = 640, 480
FOCAL, CX, CY = 525.0, 319.5, 239.5


def points() -> list[tuple[int, int, float]]:
    """Column, row and meters of a floor that comes nearer downward."""
    random = np.random.default_rng(0)
    places = random.integers((0, 40), (WIDTH, HEIGHT), (60, 2)).tolist()
    return [(u, v, round(5 - 3 * v / HEIGHT, 3)) for u, v in places]


def in_space() -> np.ndarray:
    """The points in the camera's frame: x to the right, y down, z ahead."""
    return np.array([((u - CX) * z / FOCAL, (v - CY) * z / FOCAL, z) for u, v, z in points()])


def colmap(folder: Path) -> None:
    """A text model of one picture, its camera at the origin."""
    folder.mkdir()
    (folder / "cameras.txt").write_text(
        f"1 PINHOLE {WIDTH} {HEIGHT} {FOCAL} {FOCAL} {CX + 0.5} {CY + 0.5}\n"
    )
    observed = " ".join(f"{u + 0.5} {v + 0.5} {i}" for i, (u, v, _) in enumerate(points()))
    (folder / "images.txt").write_text(f"1 1 0 0 0 0 0 0 1 room.jpg\n{observed}\n")
    lines = [f"{i} {x} {y} {z} 0 0 0 0.5 1 {i}" for i, (x, y, z) in enumerate(in_space().tolist())]
    (folder / "points3D.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with PIL.Image.open(DOCS / "photos" / "room_a.jpg") as photo:
        photo.resize((WIDTH, HEIGHT)).save(tmp_path / "room.jpg")
    table = "u,v,meters\n" + "\n".join(f"{u},{v},{z}" for u, v, z in points())
    codes = np.zeros((HEIGHT, WIDTH), dtype=np.uint16)
    for u, v, z in points():
        codes[v, u] = round(z * 256)
    PIL.Image.fromarray(codes).save(tmp_path / "lidar.png")
    cloud = "\n".join(f"{x} {y} {z}" for x, y, z in in_space().tolist())
    head = "ply\nformat ascii 1.0\nelement vertex 60\n"
    head += "property float x\nproperty float y\nproperty float z\nend_header\n"
    (tmp_path / "cloud.ply").write_text(head + cloud + "\n")
    # The scanner looks along its x, y is to the left, z up.
    x, y, z = in_space().T
    scan = np.stack([z, -x, -y, np.zeros_like(z)], axis=1).astype("<f4")
    (tmp_path / "scan.bin").write_bytes(scan.tobytes())
    (tmp_path / "calibration.txt").write_text(
        f"P2: {FOCAL} 0 {CX} 0 0 {FOCAL} {CY} 0 0 0 1 0\n"
        "R0_rect: 1 0 0 0 1 0 0 0 1\n"
        "Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0\n"
    )
    colmap(tmp_path / "colmap")
    (tmp_path / "points.csv").write_text(table)
    for name in ("photos", "points"):
        (tmp_path / name).mkdir()
    (tmp_path / "photos" / "room.jpg").write_bytes((tmp_path / "room.jpg").read_bytes())
    (tmp_path / "points" / "room.csv").write_text(table)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_of_the_page_runs_and_all_points_say_the_same(
    folder: Path, run_page: Callable[[str], int]
) -> None:
    assert run_page("how-to/complete.md") == 7

    table = read_depth(folder / "out" / "room.png").values
    for other in ("out-lidar/room.png", "out-scan/room.png", "out-colmap/room.png"):
        again = read_depth(folder / other).values
        assert np.abs(again / table - 1).mean() < 0.01, other
    assert np.abs(np.load(folder / "out-cloud" / "room.npy") / table - 1).mean() < 0.01
    for u, v, z in points():
        assert table[v, u] == pytest.approx(z, rel=0.15)
    assert (folder / "out-many" / "room.png").is_file()
    assert (folder / "out-cloud" / "room.ply").is_file()
