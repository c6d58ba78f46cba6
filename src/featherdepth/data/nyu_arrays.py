"""NYUv2's 654 test pairs as DenseDepth and its followers have them: two NumPy arrays.

    eigen_test_rgb.npy     (n, height, width, 3) uint8
    eigen_test_depth.npy   (n, height, width), metres or ten times metres, by the mirror

They come in a zip that must be unpacked: pairs are then read in place, one at a time.
"""

from pathlib import Path

import numpy as np

from featherdepth.data import nyu
from featherdepth.errors import InputError
from featherdepth.types import Sample

IMAGES, DEPTHS = "eigen_test_rgb.npy", "eigen_test_depth.npy"


class NyuArrays(nyu.Nyu):
    """Pairs in the order of the arrays."""

    name = "NYUv2 test (arrays)"
    split = "test"
    published = nyu.published(test=nyu.TEST)
    usual = nyu.usual()

    Config = nyu.ScaledConfig

    def __init__(self, config: nyu.ScaledConfig) -> None:
        """Look at the shapes; pairs are read when asked for.

        Raises:
            InputError: not these arrays, or depth that cannot be metres.
            UsageError: a split other than test.
        """
        super().__init__()
        self._check_split(config.split, ("test",))
        self._root, self._scale = config.root, config.scale
        images, depths = self._arrays()
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] != 3:
            raise InputError(
                f"{IMAGES}: {images.dtype} {images.shape}; expected uint8 (n, height, width, 3)"
            )
        if depths.dtype.kind not in "fiu" or depths.shape != images.shape[:3]:
            raise InputError(
                f"{DEPTHS}: {depths.dtype} {depths.shape}; expected numbers {images.shape[:3]}"
            )
        self._picture_size = (images.shape[1], images.shape[2])
        self.keys = [f"{number:04d}" for number in range(1, images.shape[0] + 1)]
        self.groups = list(self.keys)
        self._check_found(config.root, len(self.keys), "it is empty")
        self._check_scale()

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Both, unread: opened anew each time, which survives forks and pickles."""
        return _open(self._root / IMAGES), _open(self._root / DEPTHS)

    def _size(self, index: int) -> tuple[int, int]:  # noqa: ARG002 - all pictures have one size
        return self._picture_size

    def _read(self, index: int) -> Sample:
        images, depths = self._arrays()
        metres = np.asarray(depths[index], dtype=np.float64) * self._scale
        return self._pair(index, np.array(images[index]), metres)


def _open(path: Path) -> np.ndarray:
    try:
        # Refuses pickled objects; np.load would open zips and pickles too.
        return np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, SyntaxError, TypeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path.name}: not a readable .npy array: {reason}") from error
