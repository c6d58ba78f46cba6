"""Test folders are no packages: lets the tests of this room import `evaluation_scenes`."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

SPEC = importlib.util.spec_from_file_location(
    "evaluation_scenes", Path(__file__).with_name("scenes.py")
)
assert SPEC is not None
assert SPEC.loader is not None
sys.modules["evaluation_scenes"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(sys.modules["evaluation_scenes"])


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
