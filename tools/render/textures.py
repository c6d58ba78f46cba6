"""The bank: all textures of a run in one tensor with smaller copies, and how it is sampled."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from tools.render.patterns import PATTERNS, SIDE
from torch import Tensor

from featherdepth.rng import generator

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


def _crops(rng: np.random.Generator, root: Path) -> Iterator[Float[np.ndarray, "256 256 3"]]:
    """Random crops in linear light; half of them mirrored into seamless tiles."""
    pictures = _pictures(root)
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
        yield np.clip(linear * 0.5 / max(linear.mean(), 0.15), 0, 1)


def _paintings() -> Iterator[tuple[str, Float[np.ndarray, "256 256 3"]]]:
    """All textures of the bank, patterns first, each with the name of its sort."""
    for name, (paint, count) in PATTERNS.items():
        for number in range(count):
            yield name, paint(generator(BANK_SEED, "texture", name, number))
    for crop in _crops(generator(BANK_SEED, "texture", "photo"), data_root()):
        yield "photo", crop


@cache
def load_bank(device: torch.device) -> Bank:
    """Paint all patterns and cut the photos (seconds); the same bank in every process."""
    levels: list[list[UInt8[Tensor, "k 3"]]] = [[] for _ in range(LEVELS)]
    means: list[Float[Tensor, " 3"]] = []
    names: dict[str, tuple[int, int]] = {}
    for name, tile in _paintings():
        first, count = names.get(name, (len(means), 0))
        names[name] = (first, count + 1)
        level = torch.from_numpy(tile.astype(np.float32) * 255).permute(2, 0, 1)[None]
        means.append(level.mean((0, 2, 3)) / 255)
        for kept in levels:
            kept.append(level[0].permute(1, 2, 0).reshape(-1, 3).round().to(torch.uint8))
            level = torch.nn.functional.avg_pool2d(level, 2)
    return Bank(
        texels=torch.cat([texels for kept in levels for texels in kept]).to(device),
        mean=torch.stack(means).to(device),
        names=names,
        count=len(means),
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
    texel = [
        bank.texels[i].float() for i in (upper + left, upper + right, lower + left, lower + right)
    ]
    first = texel[0] + (texel[1] - texel[0]) * x
    second = texel[2] + (texel[3] - texel[2]) * x
    return (first + (second - first) * y) / 255
