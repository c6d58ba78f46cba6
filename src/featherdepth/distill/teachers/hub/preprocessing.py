"""What stands between a photo and a depth model of transformers, read from its own config.

Written anew in numpy, Pillow and torch: no torchvision. Equal to the library's own image
processors (a test holds this), whose habits are kept as they are:

    DPT, Depth Anything   resize so that as little as possible is scaled, multiples of 14 or 32
    GLPN                  round height and width down to multiples of 32; no normalization
    ZoeDepth              reflected borders of 3 sqrt(side / 2), then resize with aligned corners
    DepthPro              stretch to 1536x1536 without antialiasing

The photo is resized in `prepare`; borders are added to the network's input and cut off its map by
`pad` and `unpad`. The library gives ZoeDepth the borders of the photo's full size: 8.0 % of a photo
of 480x640, which it was measured on, and 3.6 % of the same photo at ten times the area, seen larger
and so measured nearer. Here they are always those of the resized photo, 8.8 %: a photo has one map
at any resolution.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from featherdepth.errors import UsageError, WeightsError
from featherdepth.geometry.resize import Size, network_size

Habit = Literal["dpt", "zoedepth", "glpn", "depth_pro"]

_DEFAULTS: dict[str, dict[str, Any]] = {
    "dpt": {"size": 384, "resample": 3, "ensure_multiple_of": 1},
    "zoedepth": {
        "size": {"height": 384, "width": 512},
        "resample": 2,
        "keep_aspect_ratio": True,
        "ensure_multiple_of": 32,
        "do_pad": True,
    },
    "glpn": {"size_divisor": 32, "resample": 2, "do_normalize": False},
    "depth_pro": {"size": 1536, "resample": 2},
}
"""Where a config is silent: what the library's classes take."""

_MODES = {2: "bilinear", 3: "bicubic"}
Borders = tuple[int, int, int, int]
"""left, right, top, bottom"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """Steps of one model."""

    habit: Habit
    size: Size | None
    """(height, width) to aim at; None keeps the photo's."""
    keep: bool
    """Keep the aspect ratio."""
    multiple: int
    resample: int
    """Pillow's number of the filter."""
    scale: float
    """RGB in 0..1 is multiplied by this before mean and std are applied."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    borders: bool
    """Whether borders are added around the picture."""
    divisor: int
    """Of the size with borders, where they fill it up."""
    square: bool = False
    """The network takes no other shape."""

    def input_size(self, height: int, width: int, asked: int | Size | None) -> Size:
        """(height, width) without borders at which a photo is seen.

        Raises:
            UsageError: a size that the network cannot take.
        """
        if self.habit == "depth_pro" and self.size is not None:
            if asked not in (None, self.size):
                raise UsageError(
                    f"DepthPro sees every photo at {self.size[0]}x{self.size[1]}, not at {asked};"
                    " leave the size out"
                )
            return self.size
        if self.square and isinstance(asked, tuple) and asked[0] != asked[1]:
            raise UsageError(
                f"it takes squares only, not {asked[0]}x{asked[1]}; ask for an edge, such as"
                f" {max(asked)}"
            )
        if asked is not None:
            keep = self.keep and not self.square
            rule: Literal["keep", "stretch"] = "keep" if keep else "stretch"
            return network_size(height, width, asked, self._asked_multiple, rule)
        if self.habit == "glpn":
            return _floored(height, self.multiple), _floored(width, self.multiple)
        if self.square:
            edge = max(self.size or (384,))
            return edge, edge
        if self.size is None:
            return height, width
        if self.habit == "zoedepth" and self.borders:
            height, width = height + 2 * _border(height), width + 2 * _border(width)
        return _aimed(height, width, self.size, self.keep, self.multiple)

    def prepare(
        self, pixels: UInt8[np.ndarray, "h w 3"], size: Size
    ) -> Float32[np.ndarray, "3 H W"]:
        """RGB in 0..1 of a photo at `size`."""
        if pixels.shape[:2] != size and self.habit in ("dpt", "glpn"):
            picture = PIL.Image.fromarray(pixels)
            pixels = np.asarray(picture.resize(size[::-1], PIL.Image.Resampling(self.resample)))
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)) / np.float32(255)
        if planes.shape[1:] == size:
            return planes
        return np.ascontiguousarray(self._resized(torch.from_numpy(planes)[None], size)[0].numpy())

    def pad(self, images: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b 3 H W"], Borders]:
        """The network's input for RGB in 0..1, and the borders in it."""
        height, width = images.shape[-2:]
        around = self._around(height, width)
        if self.habit == "zoedepth" and any(around):
            padded = F.pad(images, around, mode="reflect")
            return self.normalize(self._resized(padded, (height, width))), around
        images = self.normalize(images)
        # Zeros behind the normalization: the mean color.
        return (F.pad(images, around), around) if any(around) else (images, around)

    def unpad(self, maps: Float[Tensor, "b h w"], size: Size) -> Float[Tensor, "b H W"]:
        """The maps without the borders that `pad` put around images of `size`."""
        left, right, top, bottom = self._around(*size)
        if not any((left, right, top, bottom)):
            return maps
        whole = (size[0] + top + bottom, size[1] + left + right)
        if maps.shape[-2:] != whole:
            maps = F.interpolate(maps[:, None], whole, mode="bicubic")[:, 0]
        return maps[:, top : whole[0] - bottom, left : whole[1] - right]

    def normalize(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """(scale * images - mean) / std, per channel."""
        mean, std = (
            images.new_tensor(values).reshape(1, 3, 1, 1) for values in (self.mean, self.std)
        )
        return (images * self.scale - mean) / std

    @property
    def _asked_multiple(self) -> int:
        if self.multiple > 1:
            return self.multiple
        return self.divisor if self.borders and self.divisor > 1 else 32

    def _around(self, height: int, width: int) -> Borders:
        if not self.borders:
            return 0, 0, 0, 0
        if self.habit == "zoedepth":
            rows, columns = _border(height), _border(width)
            return columns, columns, rows, rows
        rows, columns = -height % self.divisor, -width % self.divisor
        return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2

    def _resized(self, images: Float[Tensor, "b 3 h w"], size: Size) -> Float[Tensor, "b 3 H W"]:
        mode = _MODES.get(self.resample, "bilinear")
        return F.interpolate(images, size, mode=mode, align_corners=self.habit == "zoedepth")


def read_preprocessing(table: Mapping[str, Any], habit: Habit, where: str) -> Preprocessing:
    """Read preprocessor_config.json; keys that are absent are those of the library's class.

    Raises:
        WeightsError: a value that cannot be used.
    """
    default = _DEFAULTS[habit]

    def value(key: str, otherwise: Any = None) -> Any:
        found = table.get(key)
        return default.get(key, otherwise) if found is None else found

    try:
        rescale = float(value("rescale_factor", 1 / 255)) if value("do_rescale", True) else 1.0
        normal = bool(value("do_normalize", True))
        divisor = int(value("size_divisor", 1))
        multiple = divisor if habit == "glpn" else _multiple(value("ensure_multiple_of", 1))
        resizes = bool(value("do_resize", True)) and habit != "glpn"
        made = Preprocessing(
            habit=habit,
            size=_pair(value("size")) if resizes else None,
            keep=habit == "glpn" or not resizes or bool(value("keep_aspect_ratio", False)),
            multiple=multiple if value("do_resize", True) else 1,
            resample=PIL.Image.Resampling(value("resample")).value,
            scale=255 * rescale,
            mean=_three(value("image_mean", 0.5)) if normal else (0.0, 0.0, 0.0),
            std=_three(value("image_std", 0.5)) if normal else (1.0, 1.0, 1.0),
            borders=bool(value("do_pad", False)) and (habit == "zoedepth" or divisor > 1),
            divisor=divisor,
        )
        if min(made.std) <= 0 or min(made.multiple, divisor) < 1:
            raise ValueError("std, multiples and divisors must be above 0")
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"{where}: {error}") from error
    return made


def _aimed(height: int, width: int, aim: Size, keep: bool, multiple: int) -> Size:
    scales = aim[0] / height, aim[1] / width
    if keep:  # scale as little as possible
        nearer = scales[1] if abs(1 - scales[1]) < abs(1 - scales[0]) else scales[0]
        scales = nearer, nearer
    rows, columns = (
        max(1, round(scale * length / multiple)) * multiple
        for scale, length in zip(scales, (height, width), strict=True)
    )
    return rows, columns


def _border(length: int) -> int:
    return int(math.sqrt(length / 2) * 3)


def _floored(length: int, multiple: int) -> int:
    return max(1, length // multiple) * multiple


def _multiple(value: float | int) -> int:
    # The library's default for ZoeDepth is 1 / 32 where 32 was meant.
    return round(1 / value) if 0 < value < 1 else int(value)


def _pair(size: Any) -> Size:
    if isinstance(size, int):
        return size, size
    if not isinstance(size, Mapping) or not {"height", "width"} <= size.keys():
        raise ValueError(f"size is {size!r}; expected a height and a width")
    return int(size["height"]), int(size["width"])


def _three(values: Any) -> tuple[float, float, float]:
    if isinstance(values, int | float):
        return float(values), float(values), float(values)
    first, second, third = values
    return float(first), float(second), float(third)
