"""The bank: all textures of a run in one tensor with smaller copies, and how it is sampled."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from torch import Tensor

from featherdepth.rng import generator
from tools.render.patterns import PATTERNS, SIDE

LEVELS = 7  # 256, 128, ..., 4 texels a side
PHOTOS = 160  # crops of photos
BANK_SEED = 7  # the bank is the same whatever the seed of the scenes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Textures by number; `names` says which numbers show what."""

    texels: UInt8[Tensor, "n 3"]  # all levels of all textures, one after the other
    mean: Float[Tensor, "k 3"]
    names: dict[str, tuple[int, int]]  # first number, count
    count: int

    def pick(self, rng: np.random.Generator, *names: str) -> int:
        """A texture of one of the named sorts; photos fall back to paintings where none are."""
        name = names[int(rng.integers(len(names)))]
        first, count = self.names.get(name) or self.names["painting"]
        return first + int(rng.integers(count))


def data_root() -> Path:
    """Where the photos lie: FEATHERDEPTH_DATA, else `../shared/data` beside the repository."""
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    return Path(os.environ.get("FEATHERDEPTH_DATA", default))


def _pictures(root: Path) -> list[Path]:
    """Photos that anyone may use for anything: `shippable` and class A frames of `more`."""
    found = sorted((root / "shippable").glob("*.jpg"))
    for table in sorted((root / "more").glob("*/dataset.toml")):
        if '\nclass = "A"' in table.read_text(encoding="utf-8"):
            found += sorted((table.parent / "rgb").glob("*.jpg"))[:12]
    return found


def _crops(rng: np.random.Generator, root: Path) -> list[Float[np.ndarray, "256 256 3"]]:
    """Random crops in linear light; half of them mirrored into seamless tiles."""
    pictures = _pictures(root)
    found: list[Float[np.ndarray, "256 256 3"]] = []
    for number in range(PHOTOS if pictures else 0):
        with Image.open(pictures[number % len(pictures)]) as opened:
            picture = opened.convert("RGB")
        side = int(rng.uniform(0.2, 1.0) * min(picture.size))
        x = int(rng.integers(picture.width - side + 1))
        y = int(rng.integers(picture.height - side + 1))
        size = SIDE // 2 if number % 2 else SIDE
        cut = picture.resize((size, size), Image.Resampling.BILINEAR, (x, y, x + side, y + side))
        linear = (np.asarray(cut, np.float64) / 255) ** 2.2
        if number % 2:
            linear = np.concatenate([linear, linear[::-1]], 0)
            linear = np.concatenate([linear, linear[:, ::-1]], 1)
        found.append(np.clip(linear * 0.5 / max(linear.mean(), 0.15), 0, 1))
    return found


@cache
def load_bank(device: torch.device) -> Bank:
    """Paint all patterns and cut the photos (about two seconds); the same bank in every process."""
    made: list[Float[np.ndarray, "256 256 3"]] = []
    names: dict[str, tuple[int, int]] = {}
    for name, (paint, count) in PATTERNS.items():
        names[name] = (len(made), count)
        made += [paint(generator(BANK_SEED, "texture", name, i)) for i in range(count)]
    photos = _crops(generator(BANK_SEED, "texture", "photo"), data_root())
    if photos:
        names["photo"] = (len(made), len(photos))
        made += photos
    level = torch.from_numpy(np.stack(made).astype(np.float32)).permute(0, 3, 1, 2)
    parts = []
    for _ in range(LEVELS):
        parts.append((level * 255).round().to(torch.uint8).permute(0, 2, 3, 1).reshape(-1, 3))
        level = torch.nn.functional.avg_pool2d(level, 2)
    return Bank(
        texels=torch.cat(parts).to(device),
        mean=level.mean((2, 3)).to(device),
        names=names,
        count=len(made),
    )


def sample(
    bank: Bank,
    texture: Int[Tensor, "..."],
    u: Float[Tensor, "..."],
    v: Float[Tensor, "..."],
    level: Float[Tensor, "..."],
) -> Float[Tensor, "... 3"]:
    """Bilinear weights at u, v (repeating, v down) of the copy nearest to `level`."""
    depth = level.round().clamp(0, LEVELS - 1).long()
    side = torch.bitwise_right_shift(torch.full_like(depth, SIDE), depth)
    # Texels of all finer levels come first: SIDE^2 * (1 + 1/4 + ...) of every texture.
    start = (4 * (SIDE * SIDE - side * side) // 3) * bank.count + texture * side * side
    x, y = (u - u.floor()) * side - 0.5, (v - v.floor()) * side - 0.5
    left, top = x.floor(), y.floor()
    x, y = (x - left)[..., None], (y - top)[..., None]
    left, top = left.long() % side, top.long() % side
    right, low = (left + 1) % side, (top + 1) % side
    upper, lower = start + top * side, start + low * side
    texel = [bank.texels[i].float() for i in (upper + left, upper + right, lower + left, lower + right)]
    first = texel[0] + (texel[1] - texel[0]) * x
    second = texel[2] + (texel[3] - texel[2]) * x
    return (first + (second - first) * y) / 255
