"""`test.mat` of the LeReS evaluation: the 654 test pairs of NYUv2 in one MATLAB v5 file.

`rgbs` (n, 3, width, height) and `depths` (n, width, height): every pair is stored transposed.
Copies with scaled depth go around (their scripts multiply by 10 before the root mean square), so
the size of the values is looked at. The file does not say whether holes were filled; the share of
measured pixels in the results does.
"""

import threading

import numpy as np

from featherdepth.data import nyu
from featherdepth.data.matlab import array_in, load_v5
from featherdepth.errors import InputError
from featherdepth.types import Sample

FILE = "test.mat"
IMAGES, DEPTHS = "rgbs", "depths"


class NyuLeres(nyu.Nyu):
    """Pairs in the order of the file. All of it is held in memory once one pair was read.

    MATLAB v5 stores the first axis fastest: one pair lies all over the file.
    """

    name = "NYUv2 test of LeReS"
    split = "test"
    published = nyu.published(test=nyu.TEST)
    usual = nyu.usual()

    Config = nyu.ScaledConfig

    def __init__(self, config: nyu.ScaledConfig) -> None:
        """Read the file.

        Raises:
            InputError: not this file, or depth that cannot be metres.
            UsageError: a split other than test.
        """
        super().__init__()
        self._check_split(config.split, ("test",))
        self._path = config.root if config.root.is_file() else config.root / FILE
        self._scale = config.scale
        self._lock = threading.Lock()
        self._arrays: tuple[np.ndarray, np.ndarray] | None = None
        images, depths = self._load()
        shape = images.shape
        if images.ndim != 4 or shape[1] != 3 or depths.shape != (shape[0], *shape[2:]):
            raise InputError(
                f"{self._path.name}: {IMAGES} {shape}, {DEPTHS} {depths.shape}; expected"
                " (n, 3, width, height) and (n, width, height)"
            )
        if images.dtype != np.uint8 or depths.dtype.kind not in "fiu":
            raise InputError(
                f"{self._path.name}: {IMAGES} of {images.dtype}, {DEPTHS} of {depths.dtype};"
                " expected uint8 and a number type"
            )
        self._picture_size = (shape[3], shape[2])
        self.keys = [f"{number:04d}" for number in range(1, shape[0] + 1)]
        self.groups = list(self.keys)
        self._check_found(self._path.name, shape[0], "it is empty")
        self._check_scale()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_arrays": None, "_lock": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def _load(self) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            if self._arrays is None:
                found = load_v5(self._path, (IMAGES, DEPTHS), self._path.name)
                images, depths = (
                    array_in(found[name], f"{self._path.name}: {name!r}")
                    for name in (IMAGES, DEPTHS)
                )
                self._arrays = (images, depths)
            return self._arrays

    def _size(self, index: int) -> tuple[int, int]:  # noqa: ARG002 - all pictures have one size
        return self._picture_size

    def _read(self, index: int) -> Sample:
        images, depths = self._load()
        metres = np.ascontiguousarray(depths[index].T) * self._scale
        return self._pair(index, images[index].transpose(2, 1, 0), metres)
