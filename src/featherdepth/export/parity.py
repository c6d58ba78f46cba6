"""Does every backend compute what torch computes from the same stored weights?

The difference is the largest one over the pixels, as a share of the range of torch's output.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from featherdepth import rng
from featherdepth.errors import BackendError
from featherdepth.geometry.resize import Size
from featherdepth.networks.build import build_network
from featherdepth.networks.folder import read_config
from featherdepth.runtime.backends import BACKENDS, available

RGB = 3
TOLERANCE = {"onnx": 1e-4, "openvino": 1e-3}
"""Backends that are compared, in fp32; OpenVINO reorders sums more freely."""

SIZES: tuple[Size, ...] = (
    (64, 64),
    (64, 512),
    (512, 64),
    (128, 192),
    (192, 128),
    (256, 256),
    (192, 640),
    (384, 512),
    (512, 384),
    (448, 448),
)
"""(height, width): the least, long ones, the usual ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How far one backend is from torch at one input size."""

    backend: str
    size: Size
    share: float
    """Largest difference of a pixel, as a share of the output's range."""

    @property
    def within(self) -> bool:
        return self.share <= TOLERANCE[self.backend]


def differences(
    folder: Path,
    *,
    backends: Iterable[str] | None = None,
    sizes: Sequence[Size] = SIZES,
    threads: int | None = None,
) -> list[Difference]:
    """Compare backends with torch on one made-up picture of each size.

    Args:
        backends: keys of `TOLERANCE`; all that are installed by default.

    Raises:
        WeightsError, BackendError: as the backends do when they open the folder.
    """
    names = [n for n in TOLERANCE if available(n)] if backends is None else list(backends)
    preset = read_config(folder)
    networks = {
        name: BACKENDS.load(name).open(folder, preset, threads, "fp32")
        for name in ["torch", *names]
    }
    with torch.device("meta"):
        module = build_network(preset.network, preset.settings)
    channels = int(getattr(module, "input_channels", RGB))
    found = []
    for size in sizes:
        picture = made_up(size, channels)
        expected = networks["torch"](picture)
        span = float(expected.max() - expected.min())
        for name in names:
            error = float(np.abs(networks[name](picture) - expected).max())
            # NaN must not pass as "not above the tolerance".
            share = error / span if span > 0 and np.isfinite(error) else float("inf")
            found.append(Difference(backend=name, size=size, share=share))
    return found


def verify(folder: Path, *, sizes: Sequence[Size] = SIZES) -> list[Difference]:
    """`differences`, all within their tolerance.

    Raises:
        BackendError: a backend is farther from torch; the message names the worst.
    """
    found = differences(folder, sizes=sizes)
    worst = max(found, key=lambda d: d.share / TOLERANCE[d.backend])
    if not worst.within:
        height, width = worst.size
        raise BackendError(
            f"{folder}: {worst.backend} differs from torch by {worst.share:.2g} of the range at"
            f" {height}x{width}; expected at most {TOLERANCE[worst.backend]:g}:"
            " write the graph anew"
        )
    return found


def made_up(size: Size, channels: int) -> Float32[np.ndarray, "1 c h w"]:
    """Slopes with noise on them: flat parts and detail, like a photo.

    With five channels the last two are a prior of meters and points on it, one pixel in 50.
    """
    height, width = size
    rows, columns = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None]
    slopes = np.stack([rows + 0 * columns, columns + 0 * rows, rows * columns])
    noise = rng.generator(0, "parity", height, width).random((3, height, width))
    photo = 0.7 * slopes + 0.3 * noise
    if channels == RGB:
        return photo.astype(np.float32)[None]
    prior = 1 + 2 * slopes[:1] + 0.3 * slopes[1:2]
    points = np.where(noise[:1] < 0.02, 1.1 * prior, 0)
    return np.concatenate([photo, prior, points]).astype(np.float32)[None]
