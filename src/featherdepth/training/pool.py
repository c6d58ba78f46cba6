"""Whole data sets in the memory of the device that trains.

Decoding photos takes a core that a small machine does not have to spare, and data sets of a few
thousand frames fit: 10,000 frames of 320x240 take 2.3 GB of pixels and 1.5 GB of depth. So every
frame is decoded once, at the start, and each view is cut from it on the device.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float16, Float64, Int64, UInt8
from torch import Tensor

from featherdepth.errors import InputError
from featherdepth.geometry.parts import Box
from featherdepth.geometry.resize import Size, resize_pixels, resize_truth
from featherdepth.types import Depth, DepthKind, Intrinsics, Sample

logger = logging.getLogger(__name__)

LARGEST = float(np.finfo(np.float16).max)


@runtime_checkable
class Frames(Protocol):
    """What the pool asks of a data reader."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def usable(self, index: int) -> Box:
        """(top, left, height, width) of the part of a frame to train on, in stored pixels."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One data set of a pool."""

    name: str
    frames: Frames
    weight: float = 1.0
    """Share of a batch, relative to the other sources."""
    ranking_only: bool = False
    """Trust the order of its depths, not their values."""
    unknown_is_far: bool = False
    """What has no depth is sky: put it at the farthest depth of its frame."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pool:
    """Frames of all sources on one device, each in the top left corner of its canvas."""

    images: UInt8[Tensor, "n 3 h w"]
    depths: Float16[Tensor, "n 1 h w"]
    """0 = unknown; metres, or with a median of 1 where the unit is unknown; larger is farther."""
    sizes: Int64[np.ndarray, "n 2"]
    """(height, width) of the frame, the rest of its canvas is empty."""
    boxes: Int64[np.ndarray, "n 4"]
    """(top, left, height, width) of the part to train on."""
    intrinsics: Float64[np.ndarray, "n 4"]
    """fx, fy, cx, cy in pixels of the stored frame; NaN = unknown."""
    ranking_only: Bool[np.ndarray, " n"]
    kinds: tuple[DepthKind, ...]
    """What the truth was before it became `depths`."""
    keys: tuple[str, ...]
    members: tuple[Int64[np.ndarray, " _"], ...]
    """Positions of the frames of each source."""
    shares: Float64[np.ndarray, " s"]
    """Part of each batch that comes from each source; sums to 1."""
    sha256: str
    """Of all frames as they are held."""

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Frame:
    key: str
    pixels: UInt8[np.ndarray, "h w 3"]
    depth: Float16[np.ndarray, "h w"]
    box: Box
    intrinsics: tuple[float, float, float, float]
    ranking_only: bool
    kind: DepthKind

    def digest(self) -> bytes:
        said = f"{self.key} {self.box} {self.intrinsics} {self.ranking_only} {self.depth.shape}"
        return hashlib.sha256(said.encode() + self.pixels.tobytes() + self.depth.tobytes()).digest()


def load_pool(
    sources: Sequence[Source],
    *,
    long_side: int = 320,
    device: torch.device | str = "cpu",
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Pool:
    """Decode every frame of `sources` and move them to `device`.

    Frames that cannot be read are left out, with a warning each.

    Args:
        long_side: frames with a longer edge are shrunk to it.
        progress: called with (frames done, frames in all).

    Raises:
        InputError: a source without a readable frame with depth.
    """
    total = sum(len(source.frames) for source in sources)
    frames: list[_Frame] = []
    members = []
    done = 0
    with ThreadPoolExecutor(max(1, threads)) as workers:
        for source in sources:
            first = len(frames)
            numbers = range(len(source.frames))
            for frame in workers.map(partial(_load, source, long_side=long_side), numbers):
                done += 1
                if frame is not None:
                    frames.append(frame)
                if progress:
                    progress(done, total)
            if len(frames) == first:
                raise InputError(
                    f"{source.name}: no frame with depth among {len(source.frames)};"
                    " check root and split of this data set"
                )
            members.append(np.arange(first, len(frames)))
    weights = np.array([source.weight for source in sources], np.float64)
    images, depths = _pack(frames)
    return Pool(
        images=images.to(device),
        depths=depths.to(device),
        sizes=np.array([frame.depth.shape for frame in frames], np.int64),
        boxes=np.array([frame.box for frame in frames], np.int64),
        intrinsics=np.array([frame.intrinsics for frame in frames], np.float64),
        ranking_only=np.array([frame.ranking_only for frame in frames], np.bool_),
        kinds=tuple(frame.kind for frame in frames),
        keys=tuple(frame.key for frame in frames),
        members=tuple(members),
        shares=weights / weights.sum(),
        sha256=hashlib.sha256(b"".join(frame.digest() for frame in frames)).hexdigest(),
    )


def _load(source: Source, index: int, *, long_side: int) -> _Frame | None:
    try:
        sample = source.frames[index]
    except InputError as error:
        logger.warning("%s: left out: %s", source.name, error)
        return None
    if sample.depth is None or not sample.depth.valid.any():
        logger.warning("%s: %s: left out: it has no depth", source.name, sample.key)
        return None
    size = shrunk(sample.image.size, long_side)
    pixels, depth = resize_pixels(sample.image.pixels, size), sample.depth
    values, valid = _as_far(depth)
    if source.unknown_is_far:
        values, valid = np.where(valid, values, values[valid].max()), np.ones_like(valid)
    if size != depth.size:
        values, valid = resize_truth(values, valid, size)
    return _Frame(
        key=sample.key,
        pixels=pixels,
        depth=np.where(valid, values, 0).clip(0, LARGEST).astype(np.float16),
        box=_shrink_box(source.frames.usable(index), sample.image.size, size),
        intrinsics=_numbers(sample.image.intrinsics or depth.intrinsics, size),
        ranking_only=source.ranking_only or depth.kind is DepthKind.AFFINE_INVARIANT_DISPARITY,
        kind=depth.kind,
    )


def shrunk(size: Size, long_side: int) -> Size:
    """`size` with its longer edge at most `long_side`, the aspect kept."""
    factor = min(1.0, long_side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _as_far(depth: Depth) -> tuple[np.ndarray, np.ndarray]:
    """Values whose order is that of depth, of a size that float16 holds, and where they hold.

    The unknown shift of a relative disparity stands inside its inverse, so only the order of what
    comes back is true; the order of ratios is that of the disparities, reversed.
    """
    values = depth.values.astype(np.float64)
    valid = depth.valid
    if depth.kind is DepthKind.METRIC:
        return values.astype(np.float32), valid
    if depth.kind is DepthKind.AFFINE_INVARIANT:
        # A ratio means nothing under an unknown shift: put the nearest point at 1.
        values = values - values[valid].min()
        values = 1 + values / max(float(np.median(values[valid])), 1e-12)
        return values.astype(np.float32), valid
    valid = valid & (values > 0)
    if depth.kind is DepthKind.AFFINE_INVARIANT_DISPARITY:
        values = 1 / np.where(valid, values, 1)
    middle = float(np.median(values[valid])) if valid.any() else 1.0
    return (values / middle).astype(np.float32), valid


def _shrink_box(box: Box, old: tuple[int, int], new: tuple[int, int]) -> Box:
    """The box in pixels of the shrunk frame, rounded inwards."""
    top, left, height, width = box
    down, across = new[0] / old[0], new[1] / old[1]
    first_row, first_column = int(np.ceil(top * down)), int(np.ceil(left * across))
    last_row = max(first_row + 1, int(np.floor((top + height) * down + 1e-9)))
    last_column = max(first_column + 1, int(np.floor((left + width) * across + 1e-9)))
    return first_row, first_column, last_row - first_row, last_column - first_column


def _numbers(
    intrinsics: Intrinsics | None, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    if intrinsics is None:
        return (np.nan,) * 4
    camera = intrinsics.resized(*size)
    return camera.fx, camera.fy, camera.cx, camera.cy


def _pack(frames: list[_Frame]) -> tuple[Tensor, Tensor]:
    height = max(frame.depth.shape[0] for frame in frames)
    width = max(frame.depth.shape[1] for frame in frames)
    images = torch.zeros(len(frames), 3, height, width, dtype=torch.uint8)
    depths = torch.zeros(len(frames), 1, height, width, dtype=torch.float16)
    for i, frame in enumerate(frames):
        h, w = frame.depth.shape
        images[i, :, :h, :w] = torch.from_numpy(frame.pixels).permute(2, 0, 1)
        depths[i, 0, :h, :w] = torch.from_numpy(frame.depth)
    return images, depths
