"""NYUv2 as sparse-to-dense, FastDepth and NLSPN have it: one HDF5 file a pair.

    nyudepthv2/val/official/00001.h5          654 pairs
    nyudepthv2/train/<scene>/00001.h5         about 47,600 pairs

Each has `rgb` (3, height, width) uint8 and `depth` (height, width) in metres.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.data import nyu
from featherdepth.data.hdf5 import array_of, open_hdf5, take
from featherdepth.data.storage import is_inside
from featherdepth.errors import InputError
from featherdepth.types import Sample

FOLDER = "nyudepthv2"
PARTS = {"val": "val/official", "train": "train"}


class NyuHdf5(nyu.Nyu):
    """Pairs of `val/official`, of `train`, or of both; groups are the scenes."""

    name = "NYUv2 (HDF5)"
    published = nyu.published(val=nyu.TEST)
    usual = nyu.usual()

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: the folder with `train` and `val`, or the one above. `split`: val or train."""

        root: Path
        split: str | None = None

    def __init__(self, config: Config) -> None:
        """List the files; they are opened when asked for.

        Raises:
            InputError: no file, or depth that cannot be metres.
            UsageError: a split that does not exist.
            BackendError: h5py is not installed.
        """
        super().__init__()
        self._check_split(config.split, tuple(PARTS))
        self.split = config.split
        nested = config.root / FOLDER
        self._root = nested if nested.is_dir() else config.root
        listed = 0
        for part in (config.split,) if config.split else tuple(sorted(PARTS)):
            for path in sorted((self._root / PARTS[part]).rglob("*.h5")):
                key = path.relative_to(self._root).with_suffix("").as_posix()
                listed += 1
                if path.stat().st_size == 0:
                    self._skip(key, f"{key}.h5: empty file")
                elif is_inside(key):
                    self.keys.append(key)
        self.groups = [str(Path(key).parent) for key in self.keys]
        wanted = PARTS[config.split] if config.split else " or ".join(PARTS.values())
        self._check_found(config.root, listed, f"expected .h5 files under {wanted}")
        self._check_scale()

    def _size(self, index: int) -> tuple[int, int]:
        with self._open(index) as file:
            height, width = array_of(file, "depth", ndim=2, kinds="f", name=self._name(index)).shape
        return (height, width)

    def _name(self, index: int) -> str:
        return f"{self.keys[index]}.h5"

    def _open(self, index: int) -> AbstractContextManager[Any]:
        return open_hdf5(self._root / self._name(index), self._name(index))

    def _read(self, index: int) -> Sample:
        name = self._name(index)
        with self._open(index) as file:
            pixels = take(array_of(file, "rgb", ndim=3, kinds="u", name=name))
            metres = take(array_of(file, "depth", ndim=2, kinds="f", name=name))
        if pixels.shape != (3, *metres.shape) or pixels.dtype != np.uint8:
            raise InputError(
                f"{name}: rgb {pixels.dtype} {pixels.shape}, depth {metres.shape}; expected uint8"
                " (3, height, width) and (height, width)"
            )
        return self._pair(index, pixels.transpose(1, 2, 0), metres)
