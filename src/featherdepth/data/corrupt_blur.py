"""Pictures out of focus, shaken, behind glass or zoomed while open; RGB in 0..1, same size."""

import numpy as np
import PIL.Image
from jaxtyping import Float32

Pixels = Float32[np.ndarray, "h w 3"]
ZOOMS = 8
"""Pictures that a zoom blur is the mean of."""


def defocus_blur(pixels: Pixels, radius: float, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Mean over a disk of that radius, in short sides."""
    reach = radius * min(pixels.shape[:2])
    half = int(np.ceil(reach)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    return _convolve(pixels, np.clip(reach + 0.5 - np.hypot(x, y), 0, 1))


def motion_blur(pixels: Pixels, length: float, random: np.random.Generator) -> Pixels:
    """Mean along a line of that length, in short sides, in a random direction."""
    half_length = length * min(pixels.shape[:2]) / 2
    angle = random.uniform(0, np.pi)
    half = int(np.ceil(half_length)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))
    across = np.abs(y * np.cos(angle) - x * np.sin(angle))
    return _convolve(pixels, np.clip(half_length + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1))


def glass_blur(pixels: Pixels, reach: float, random: np.random.Generator) -> Pixels:
    """Every pixel from a random place around it, then softened; nothing moves on the whole."""
    height, width = pixels.shape[:2]
    limit = reach * min(height, width)
    # Rounded up or down by chance: parts of a pixel count, so that small pictures have strengths.
    wanted = random.uniform(-limit, limit, (2, height, width))
    offsets = np.floor(wanted + random.random((2, height, width))).astype(np.int64)
    rows = np.clip(np.arange(height)[:, None] + offsets[0], 0, height - 1)
    columns = np.clip(np.arange(width)[None] + offsets[1], 0, width - 1)
    return _convolve(pixels[rows, columns], np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0]))


def zoom_blur(pixels: Pixels, most: float, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Mean of pictures enlarged about the middle by factors from 1 to 1 + `most`."""
    height, width = pixels.shape[:2]
    picture = PIL.Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    total = np.zeros_like(pixels)
    for factor in np.linspace(1, 1 + most, ZOOMS):
        x, y = width * (1 - 1 / factor) / 2, height * (1 - 1 / factor) / 2
        larger = picture.resize(
            (width, height), PIL.Image.Resampling.BILINEAR, box=(x, y, width - x, height - y)
        )
        total += np.asarray(larger, dtype=np.float32)
    return total / np.float32(255 * ZOOMS)


def _convolve(pixels: Pixels, kernel: np.ndarray) -> Pixels:
    """The weighted mean around each pixel; the borders are repeated."""
    height, width = pixels.shape[:2]
    reach = kernel.shape[0] // 2
    around = ((0, 0), (reach, reach), (reach, reach))
    padded = np.pad(pixels.transpose(2, 0, 1), around, mode="edge")
    # Lengths of many small factors: a transform of a prime length takes several times as long.
    size = [-(-length // 64) * 64 for length in padded.shape[1:]]
    weights = np.fft.rfft2((kernel / kernel.sum()).astype(np.float32), size)
    spread = np.fft.irfft2(np.fft.rfft2(padded, size) * weights, size)
    # The transform is circular: what came around the corner lies in the first 2 * reach pixels.
    start = 2 * reach
    cut = spread[:, start : start + height, start : start + width]
    return np.ascontiguousarray(cut.transpose(1, 2, 0), dtype=np.float32)
