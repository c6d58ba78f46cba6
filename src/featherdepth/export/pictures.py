"""What an export is verified and calibrated with: photos as the network takes them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from featherdepth.errors import InputError
from featherdepth.export.parity import RGB, made_up
from featherdepth.geometry.resize import Size
from featherdepth.images.find import find_images
from featherdepth.images.read import read_image
from featherdepth.runtime.fit import decoded_side, fit
from featherdepth.types import Preset

MOST = 100
"""Photos that are looked at."""

Picture = Float32[np.ndarray, "1 c h w"]


class Photos:
    """Photos, read again whenever they are gone through: memory stays flat.

    Of a large folder `MOST`, evenly: a difference that these do not show is not found by more.

    A network of five channels (photo, depth, points) gets a made-up slope and points on it beside
    the photo.
    """

    def __init__(
        self, inputs: Sequence[str | Path], preset: Preset, *, fixed: Size | None, channels: int
    ) -> None:
        found = [image.path for image in find_images(inputs)]
        if not found:
            raise InputError("no photo found; expected files, or folders with some")
        self.found = len(found)
        chosen = np.linspace(0, len(found) - 1, min(MOST, len(found))).round().astype(int)
        self.paths = [found[i] for i in chosen]
        self._preset = preset
        self._fixed = fixed
        self._channels = channels

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Picture]:
        preset = self._preset
        size = self._fixed or preset.size
        for path in self.paths:
            image = read_image(path, max_side=decoded_side(size))
            pixels, _ = fit(image, size=size, multiple=preset.multiple, rule=preset.resize)
            yield with_points(pixels, self._channels)


def with_points(pixels: Float32[np.ndarray, "3 h w"], channels: int) -> Picture:
    """A photo as a batch of one; with five channels the last two are made up."""
    if channels == RGB:
        return pixels[None]
    height, width = pixels.shape[1:]
    made = made_up((height, width), channels)
    made[0, :RGB] = pixels
    return made


class Invented:
    """Pictures of slopes and noise, one a size, where no photo is at hand."""

    def __init__(self, sizes: Sequence[Size], channels: int) -> None:
        self._sizes = sizes
        self._channels = channels

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[Picture]:
        for size in self._sizes:
            picture = made_up(size, self._channels)
            # As photos are: files may take bytes.
            picture[:, :RGB] = np.rint(picture[:, :RGB] * 255) / np.float32(255)
            yield picture
