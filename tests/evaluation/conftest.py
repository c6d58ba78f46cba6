"""Data that the tests of this room share."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest


@pytest.fixture
def manifest_root(tmp_path: Path) -> Path:
    """A folder `set` with a manifest: two training and three test pairs, floors in millimetres."""
    root = tmp_path / "set"
    root.mkdir()
    random = np.random.default_rng(0)
    lines = ["id,split,rgb,depth,depth_scale,depth_offset"]
    for i in range(5):
        photo = random.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        ramp = np.linspace(4000 + 500 * i, 1000, 48)[:, None] + random.normal(0, 50, (48, 64))
        PIL.Image.fromarray(photo).save(root / f"{i}.jpg")
        PIL.Image.fromarray(ramp.astype(np.uint16)).save(root / f"{i}.png")
        lines.append(f"{i},{'train' if i < 2 else 'test'},{i}.jpg,{i}.png,0.001,0")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")
    return root
