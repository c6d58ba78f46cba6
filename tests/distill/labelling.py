"""A teacher of a few weights, and a process that labels with it: `labelling.py PHOTOS CACHE MS`."""

import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from featherdepth.data.probe import open_data
from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.data.teacher_maps import MapCache
from featherdepth.distill.label import label_photos
from featherdepth.errors import FeatherDepthError
from featherdepth.geometry.resize import Size, network_size
from featherdepth.images.prepare import prepare
from featherdepth.runtime.job import JobResult
from featherdepth.types import DepthKind, Image

CARD = TeacherCard(
    name="tiny",
    kind=DepthKind.AFFINE_INVARIANT,
    digest="t" * 64,
    license="Apache-2.0",
    materials=({"name": "tiny", "class": "A"},),
)


class TinyTeacher:
    """Two convolutions; white photos give NaN and black ones a constant, as real ones may.

    Args:
        wait_s: for each batch.
        broken: every map is NaN.
        coupled: a map depends on its whole batch; real ones do so in their last bits.
    """

    card = CARD

    def __init__(self, wait_s: float = 0.0, broken: bool = False, coupled: bool = False) -> None:
        generator = torch.Generator().manual_seed(0)
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 1, 3, 1, 1))
        for parameter in self.net.parameters():
            nn.init.normal_(parameter, generator=generator).requires_grad_(False)
        self.wait_s, self.broken, self.coupled = wait_s, broken, coupled
        self.batches: list[tuple[int, ...]] = []

    def input_size(self, height: int, width: int, size: int | Size | None = None) -> Size:
        return network_size(height, width, size or 64, 32)

    def prepare(self, pixels: np.ndarray, size: int | Size | None = None) -> np.ndarray:
        target = self.input_size(*pixels.shape[:2], size)
        return prepare(Image(pixels=pixels), size=target, multiple=1)

    def __call__(self, images: Float32[Tensor, "b 3 h w"]) -> Float32[Tensor, "b 1 h2 w2"]:
        time.sleep(self.wait_s)
        self.batches.append(tuple(images.shape))
        maps = self.net(images) + self.coupled * images.mean()
        mean = images.mean((1, 2, 3))
        maps[mean == 0] = 0.25
        maps[(mean == 1) | self.broken] = torch.nan
        return maps

    def features(self, images: Any) -> Any:
        raise NotImplementedError

    def to(self, device: Any) -> None:
        self.net.to(device)


def photo(path: Path, height: int, width: int, seed: int | None = None, level: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((height, width, 3), level, np.uint8)
    if seed is not None:
        pixels = np.random.default_rng(seed).integers(0, 256, pixels.shape, dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(path)


def maps_in(folder: Path) -> dict[str, bytes]:
    """Files of a cache that count: name -> content."""
    return {p.name: p.read_bytes() for p in folder.glob("maps/*/*") if p.name[0] != "."}


def label(photos: Path, folder: Path, teacher: TinyTeacher, **options: Any) -> JobResult:
    cache = MapCache.open(folder, teacher.card, None)
    return label_photos(open_data(photos), teacher, cache, **{"batch": 2, **options})


def main(photos: str, cache: str, wait_ms: str, go: str = "", full: str = "") -> int:
    torch.set_num_threads(1)
    teacher = TinyTeacher(int(wait_ms) / 1000, coupled=True)
    if go:
        print("ready", flush=True)
        sys.stdin.readline()
    if full:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
    try:
        result = label(Path(photos), Path(cache), teacher)
    except FeatherDepthError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(result.done, result.skipped, len(result.failed))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
