"""Photos in the memory of the device that trains, whole or window by window.

A collection that fits is decoded once. A larger one is read in windows of a size that fits: every
epoch deals the photos anew, each window is read in the order of the collection (tar shards from
front to back), and while one is trained on the next is decoded in the background. What a step sees
is a function of the step alone.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float16, Float32, Float64, Int64, UInt8
from torch import Tensor

from featherdepth.data.reader import Reader
from featherdepth.data.teacher_maps import to_half
from featherdepth.errors import InputError
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.geometry.resize import resize_map, resize_pixels
from featherdepth.rng import generator
from featherdepth.training.pool import shrunk
from featherdepth.types import Image

logger = logging.getLogger(__name__)


@runtime_checkable
class Labels(Protocol):
    """Teacher maps of whole photos."""

    def read(self, image: Image) -> Float32[np.ndarray, "h w"] | None:
        """The map of a photo; None where the teacher gave none that can be used."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PhotoPool:
    """Photos on one device, each in the top left corner of its canvas; a `Drawable`."""

    images: UInt8[Tensor, "n 3 h w"]
    maps: Float16[Tensor, "n 1 h w"] | None
    """The teacher's maps of the whole photos, at the size of the photos; None without labels."""
    boxes: Int64[np.ndarray, "n 4"]
    intrinsics: Float64[np.ndarray, "n 4"]
    """fx, fy, cx, cy in pixels of the stored photo: known or assumed."""
    keys: tuple[str, ...]
    scales: Float32[Tensor, " n"] | None = None
    """Factor on each map, so that values of any size fit into float16; None stands for 1."""

    @property
    def members(self) -> tuple[Int64[np.ndarray, " n"], ...]:
        """One source: all photos."""
        return (np.arange(len(self.keys)),)

    @property
    def shares(self) -> Float64[np.ndarray, " 1"]:
        return np.ones(1)

    def __len__(self) -> int:
        return len(self.keys)


def load_photos(
    photos: Reader,
    indices: Int64[np.ndarray, " n"],
    *,
    long_side: int,
    labels: Labels | None = None,
    device: torch.device | str = "cpu",
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> PhotoPool:
    """Decode photos and move them to `device`; broken ones are left out, with a warning each.

    Args:
        long_side: photos with a longer edge are shrunk to it.
        labels: where the teacher's maps are; photos without one are left out.
        progress: called with (photos done, photos in all).

    Raises:
        InputError: not one photo could be read.
    """
    load = partial(_load, photos, long_side=long_side, labels=labels)
    frames = []
    with ThreadPoolExecutor(max(1, threads)) as workers:
        for done, frame in enumerate(workers.map(load, indices.tolist()), 1):
            if frame is not None:
                frames.append(frame)
            if progress:
                progress(done, len(indices))
    if not frames:
        reason = photos.skipped[0].reason if photos.skipped else "the teacher gave no map for any"
        raise InputError(f"{photos.name}: not one of {len(indices)} photos can be used: {reason}")
    height = max(frame.pixels.shape[0] for frame in frames)
    width = max(frame.pixels.shape[1] for frame in frames)
    images = torch.zeros(len(frames), 3, height, width, dtype=torch.uint8)
    maps = None
    if labels is not None:
        maps = torch.zeros(len(frames), 1, height, width, dtype=torch.float16)
    for i, frame in enumerate(frames):
        h, w = frame.pixels.shape[:2]
        images[i, :, :h, :w] = torch.from_numpy(frame.pixels).permute(2, 0, 1)
        if maps is not None:
            maps[i, 0, :h, :w] = torch.from_numpy(frame.map)
    return PhotoPool(
        images=images.to(device),
        maps=None if maps is None else maps.to(device),
        boxes=np.array([(0, 0, *frame.pixels.shape[:2]) for frame in frames], np.int64),
        intrinsics=np.array([frame.intrinsics for frame in frames], np.float64),
        keys=tuple(frame.key for frame in frames),
        scales=None if maps is None else torch.tensor([f.scale for f in frames]).to(device),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Frame:
    key: str
    pixels: UInt8[np.ndarray, "h w 3"]
    intrinsics: tuple[float, float, float, float]
    map: Float16[np.ndarray, "h w"] | None
    scale: float


def _load(photos: Reader, index: int, *, long_side: int, labels: Labels | None) -> _Frame | None:
    try:
        image = photos[index].image
    except InputError as error:
        logger.warning("left out: %s", error)
        return None
    size = shrunk(image.size, long_side)
    stored, scale = None, 1.0
    if labels is not None:
        values = labels.read(image)
        if values is None:
            return None  # the labeler said so once
        stored, scale = to_half(resize_map(values, size))
    camera = (image.intrinsics or assumed_intrinsics(*image.size)).resized(*size)
    return _Frame(
        key=photos.keys[index],
        pixels=resize_pixels(image.pixels, size),
        intrinsics=(camera.fx, camera.fy, camera.cx, camera.cy),
        map=stored,
        scale=scale,
    )


class Windows:
    """The pool of each step.

    Args:
        load: decodes the photos at these positions; a `load_photos`.
        photos_held: how many fit into memory at a time; two windows share them.
        batch: views in a step.
        visits: views of a photo while its window is in memory.
        progress: of the first window, for which training waits.
    """

    def __init__(
        self,
        load: Callable[..., PhotoPool],
        training: Int64[np.ndarray, " n"],
        *,
        photos_held: int,
        batch: int,
        visits: int,
        seed: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._load, self._training, self._seed = load, training, seed
        self._progress = progress
        whole = len(training) <= photos_held
        # While one window is trained on, the next is loaded.
        self._count = 1 if whole else -(-len(training) // max(photos_held // 2, 1))
        self._steps = 0 if whole else max(1, round(len(training) / self._count * visits / batch))
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="window")
        self._pools: dict[int, Future[PhotoPool]] = {}

    @property
    def several(self) -> bool:
        """Whether the photos do not fit into memory together."""
        return self._count > 1

    def of(self, step: int) -> PhotoPool:
        """The photos of a step; the next window begins to load."""
        number = step // self._steps if self.several else 0
        wanted = [number, number + 1] if self.several else [number]
        self._pools = {n: pool for n, pool in self._pools.items() if n in wanted}
        for n in wanted:
            if n not in self._pools:
                told = {} if n or self._progress is None else {"progress": self._progress}
                self._pools[n] = self._worker.submit(self._load, self.members(n), **told)
        return self._pools[number].result()

    def members(self, number: int) -> Int64[np.ndarray, " n"]:
        """Positions of the photos of a window, counted over all epochs."""
        if not self.several:
            return self._training
        epoch, window = divmod(number, self._count)
        random = generator(self._seed, "windows", epoch)
        order = random.permutation(self._training)
        return np.sort(np.array_split(order, self._count)[window])

    def close(self) -> None:
        """Stop loading."""
        self._worker.shutdown(wait=False, cancel_futures=True)


def photos_held(long_side: int, memory_gb: float, *, labeled: bool) -> int:
    """How many photos fit into memory, at worst: canvases hold the longer edge both ways."""
    bytes_each = long_side**2 * (3 + 2 * labeled)
    return max(1, int(memory_gb * 1e9 / bytes_each))
