"""Snow, frost and fog in front of the scene, drawn and not photographed; RGB in 0..1, same size.

They lie evenly over the picture: no depth is looked at, which would tell the model the answer.
"""

import numpy as np
import PIL.Image
from jaxtyping import Float32

from featherdepth.data.corrupt_blur import motion_blur

Pixels = Float32[np.ndarray, "h w 3"]
FLAKE = 0.006
"""Edge of a flake of snow in short sides."""
STREAK = 0.02
"""Way of a flake while the shutter is open, in short sides."""
ROUGHNESS = 0.55
"""Weight of each octave of a cloud, of the coarser one before it."""


def snow(pixels: Pixels, amount: float, random: np.random.Generator) -> Pixels:
    """A whitened picture with streaks of falling flakes; `amount` is how much of both."""
    height, width = pixels.shape[:2]
    edge = max(1, round(FLAKE * min(height, width)))
    flakes = random.random((-(-height // edge), -(-width // edge)), dtype=np.float32)
    shining = np.clip((flakes - np.float32(1 - 0.15 * amount)) / np.float32(0.15 * amount), 0, 1)
    size = (height, width)
    layer = np.repeat(np.repeat((shining > 0) * (0.5 + 0.5 * shining), edge, 0), edge, 1)[
        : size[0], : size[1]
    ]
    streaks = motion_blur(np.repeat(layer[..., None], 3, axis=2).astype(np.float32), STREAK, random)
    gray = pixels.mean(axis=2, keepdims=True)
    pale = pixels + np.float32(0.7 * amount) * (np.maximum(pixels, 0.5 + 0.5 * gray) - pixels)
    white: Pixels = pale + (1 - pale) * np.clip(2 * streaks, 0, 1)
    return white


def frost(pixels: Pixels, cover: float, random: np.random.Generator) -> Pixels:
    """Ridges of ice, thick at the borders; `cover` is how far they come in and how white."""
    height, width = pixels.shape[:2]
    ridges = 1 - np.abs(2 * cloud((height, width), random) - 1)
    y = np.abs(np.linspace(-1, 1, height, dtype=np.float32))[:, None]
    x = np.abs(np.linspace(-1, 1, width, dtype=np.float32))[None]
    ice = np.clip(ridges**2 * (0.4 + 0.8 * np.maximum(y, x)), 0, 1) * np.float32(cover)
    tint = np.array([0.86, 0.92, 1.0], dtype=np.float32)
    iced: Pixels = pixels * (1 - ice[..., None]) + tint * ice[..., None]
    return iced


def fog(pixels: Pixels, density: float, random: np.random.Generator) -> Pixels:
    """Patches of light gray; `density` is the mean share of it in a pixel."""
    patches = np.float32(density) * (0.6 + 0.8 * cloud(pixels.shape[:2], random))[..., None]
    return pixels * (1 - np.clip(patches, 0, 1)) + np.float32(0.8) * np.clip(patches, 0, 1)


def cloud(size: tuple[int, int], random: np.random.Generator) -> Float32[np.ndarray, "h w"]:
    """Random patches of all sizes, 0..1 with a mean near one half."""
    height, width = size
    total = np.zeros(size, dtype=np.float32)
    cells, weight = 2, 1.0
    while cells <= max(2, min(size)):
        rows = max(2, round(cells * height / min(size)))
        columns = max(2, round(cells * width / min(size)))
        grid = PIL.Image.fromarray(random.random((rows, columns), dtype=np.float32))
        octave = grid.resize((width, height), PIL.Image.Resampling.BICUBIC)
        total += np.float32(weight) * np.asarray(octave, dtype=np.float32)
        cells, weight = cells * 2, weight * ROUGHNESS
    low, high = np.quantile(total, (0.02, 0.98))
    spread = (total - low) / max(float(high - low), 1e-6)
    return np.asarray(np.clip(spread, 0, 1), dtype=np.float32)
