"""Small data sets in the true layouts, written anew for each test."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HEADER = (
    "id,split,rgb,depth,depth_scale,depth_offset,width,height,depth_width,depth_height,"
    "fx,fy,cx,cy,kind,group,source"
)


def jpeg(height: int = 12, width: int = 16, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def png(codes: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(codes).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def codes() -> np.ndarray:
    """16-bit codes 0..191 by place; the first is the hole."""
    return np.arange(12 * 16, dtype=np.uint16).reshape(12, 16)


@pytest.fixture
def manifest_folder(tmp_path: Path, codes: np.ndarray) -> Path:
    """Split train: 3 pairs in a zip; split val: 2 plain pairs, the second without a camera."""
    root = tmp_path / "set"
    root.mkdir()
    rows = [HEADER]
    with zipfile.ZipFile(root / "train.zip", "w") as packed:
        for i in range(3):
            packed.writestr(f"t/rgb/{i}.jpg", jpeg(seed=i))
            packed.writestr(f"t/depth/{i}.png", png(codes))
            rows.append(
                f"t_{i},train,t/rgb/{i}.jpg,t/depth/{i}.png,0.5,0.25,16,12,16,12,10,11,7,5,k,g{i},s"
            )
    for i, camera in enumerate(("10,11,7,5", ",,,")):
        for name, data in ((f"v/rgb/{i}.jpg", jpeg(seed=9 + i)), (f"v/depth/{i}.png", png(codes))):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        rows.append(f"v_{i},val,v/rgb/{i}.jpg,v/depth/{i}.png,0.001,0,16,12,16,12,{camera},k,,s")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture
def add_source(tmp_path: Path, codes: np.ndarray) -> Callable[..., Path]:
    """Write a source folder with `dataset.toml` from its lines; frames "a" and "b"."""

    def write(name: str, *lines: str, klass: str = "A", root: Path | None = None) -> Path:
        folder = (root or tmp_path / "sources") / name
        for kind in ("rgb", "depth"):
            (folder / kind).mkdir(parents=True)
        for frame in "ab":
            (folder / "rgb" / f"{frame}.jpg").write_bytes(jpeg())
            (folder / "depth" / f"{frame}.png").write_bytes(png(codes))
        head = [f'name = "{name}"', f'class = "{klass}"', 'terms = "free"', *lines]
        frames = [f'[[frame]]\nfile = "{frame}"' for frame in "ab"]
        (folder / "dataset.toml").write_text("\n".join([*head, *frames]) + "\n")
        return folder

    return write
