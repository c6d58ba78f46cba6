"""Pictures made worse in named ways, five strengths each; what they show stays where it is.

    corrupt(pixels, "fog", 3, key="nyu/val/7")       the same pixels on every machine and every call

The families are those of Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations" (ICLR 2019), section 4.1, without the elastic one, which moves the
scene away from its truth; `dark` and `quantize` are of RoboDepth (NeurIPS 2023). The constants are
our own. Lengths are shares of the short side, so that a strength looks alike at every size.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import PIL.Image
from jaxtyping import Float32, UInt8

from featherdepth.data.corrupt_blur import defocus_blur, glass_blur, motion_blur, zoom_blur
from featherdepth.data.corrupt_weather import fog, frost, snow
from featherdepth.errors import UsageError, suggestion
from featherdepth.rng import generator

Pixels = Float32[np.ndarray, "h w 3"]
"""RGB in 0..1."""
STRENGTHS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to make a picture worse."""

    name: str
    family: str
    """noise, blur, weather or digital."""
    levels: tuple[float, float, float, float, float]
    """Strength 1 to 5 -> what `apply` takes."""
    apply: Callable[[Pixels, float, np.random.Generator], Pixels]


def corrupt(
    pixels: UInt8[np.ndarray, "h w 3"], name: str, strength: int, *, key: str, seed: int = 0
) -> UInt8[np.ndarray, "h w 3"]:
    """Make a picture worse; its random numbers hang on seed, key, name and strength alone.

    Args:
        name: one of `CORRUPTIONS`.
        strength: 1 to 5.
        key: of the picture in its data set.

    Raises:
        UsageError: an unknown name or strength.
    """
    corruption = find(name)
    if strength not in STRENGTHS:
        raise UsageError(f"strength {strength} of {name}; expected 1 to 5")
    random = generator(seed, "corrupt", key, name, strength)
    unit = pixels.astype(np.float32) / np.float32(255)
    worse = corruption.apply(unit, corruption.levels[strength - 1], random)
    made: UInt8[np.ndarray, "h w 3"] = np.rint(np.clip(worse, 0, 1) * 255).astype(np.uint8)
    return made


def find(name: str) -> Corruption:
    """The corruption of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in CORRUPTIONS:
        raise UsageError(f"unknown corruption {name!r}; {suggestion(name, CORRUPTIONS)}")
    return CORRUPTIONS[name]


def _gaussian_noise(pixels: Pixels, sigma: float, random: np.random.Generator) -> Pixels:
    noise: Pixels = random.standard_normal(pixels.shape, dtype=np.float32)
    return pixels + np.float32(sigma) * noise


def _shot_noise(pixels: Pixels, photons: float, random: np.random.Generator) -> Pixels:
    """Counts of light: `photons` of them make a white pixel."""
    counted: Pixels = (random.poisson(pixels * photons) / photons).astype(np.float32)
    return counted


def _impulse_noise(pixels: Pixels, share: float, random: np.random.Generator) -> Pixels:
    drawn = random.random(pixels.shape, dtype=np.float32)
    salted = np.where(drawn < share / 2, np.float32(0), pixels)
    peppered: Pixels = np.where(drawn > 1 - share / 2, np.float32(1), salted)
    return peppered


def _brightness(pixels: Pixels, more: float, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Value of HSV moved: hue and saturation stay, as far as white allows."""
    value = pixels.max(axis=2, keepdims=True)
    moved = np.clip(value + np.float32(more), 0, 1)
    gray = value == 0
    lit: Pixels = np.where(gray, moved, pixels * moved / np.where(gray, np.float32(1), value))
    return lit


def _dark(pixels: Pixels, light: float, random: np.random.Generator) -> Pixels:
    """Less light, and the noise that a camera then has."""
    noise: Pixels = random.standard_normal(pixels.shape, dtype=np.float32)
    return pixels * np.float32(light) + np.float32(0.02 * (1 - light)) * noise


def _contrast(pixels: Pixels, share: float, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    mean = pixels.mean(axis=(0, 1), keepdims=True)
    flat: Pixels = (pixels - mean) * np.float32(share) + mean
    return flat


def _quantize(pixels: Pixels, levels: float, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    coarse: Pixels = np.rint(pixels * np.float32(levels - 1)) / np.float32(levels - 1)
    return coarse


def _pixelate(pixels: Pixels, share: float, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Averaged into blocks of 1 / share pixels."""
    height, width = pixels.shape[:2]
    small = (max(1, round(width * share)), max(1, round(height * share)))
    picture = _picture(pixels).resize(small, PIL.Image.Resampling.BOX)
    return _unit(picture.resize((width, height), PIL.Image.Resampling.NEAREST))


def _jpeg(pixels: Pixels, quality: float, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    buffer = io.BytesIO()
    _picture(pixels).save(buffer, "JPEG", quality=int(quality))
    with PIL.Image.open(io.BytesIO(buffer.getvalue())) as picture:
        return _unit(picture)


def _picture(pixels: Pixels) -> PIL.Image.Image:
    return PIL.Image.fromarray(np.rint(pixels * 255).astype(np.uint8))


def _unit(picture: PIL.Image.Image) -> Pixels:
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


_noise = partial(Corruption, family="noise")
_blur = partial(Corruption, family="blur")
_weather = partial(Corruption, family="weather")
_digital = partial(Corruption, family="digital")

CORRUPTIONS: dict[str, Corruption] = {
    row.name: row
    for row in (
        _noise("gaussian_noise", levels=(0.05, 0.09, 0.14, 0.20, 0.28), apply=_gaussian_noise),
        _noise("shot_noise", levels=(80.0, 35.0, 16.0, 8.0, 4.0), apply=_shot_noise),
        _noise("impulse_noise", levels=(0.02, 0.05, 0.09, 0.16, 0.25), apply=_impulse_noise),
        _blur("defocus_blur", levels=(0.006, 0.010, 0.015, 0.021, 0.028), apply=defocus_blur),
        _blur("glass_blur", levels=(0.004, 0.007, 0.010, 0.014, 0.019), apply=glass_blur),
        _blur("motion_blur", levels=(0.015, 0.026, 0.040, 0.058, 0.080), apply=motion_blur),
        _blur("zoom_blur", levels=(0.06, 0.10, 0.15, 0.21, 0.28), apply=zoom_blur),
        _weather("snow", levels=(0.10, 0.20, 0.32, 0.44, 0.58), apply=snow),
        _weather("frost", levels=(0.22, 0.36, 0.50, 0.64, 0.78), apply=frost),
        _weather("fog", levels=(0.25, 0.38, 0.51, 0.64, 0.76), apply=fog),
        _digital("brightness", levels=(0.10, 0.20, 0.30, 0.42, 0.55), apply=_brightness),
        _digital("dark", levels=(0.60, 0.45, 0.32, 0.22, 0.14), apply=_dark),
        _digital("contrast", levels=(0.60, 0.45, 0.32, 0.20, 0.10), apply=_contrast),
        _digital("quantize", levels=(20.0, 12.0, 8.0, 5.0, 4.0), apply=_quantize),
        _digital("pixelate", levels=(0.50, 0.36, 0.26, 0.18, 0.12), apply=_pixelate),
        _digital("jpeg", levels=(25.0, 18.0, 13.0, 9.0, 6.0), apply=_jpeg),
    )
}
"""Name -> how it is done; in the order of families."""
