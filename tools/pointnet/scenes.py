"""Depth maps of rendered scenes with their rays, held in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from featherdepth.data.paired import Paired
from featherdepth.errors import InputError
from featherdepth.geometry.camera import pixel_rays

STRIDE = 2
"""Every second pixel along rows and columns: rays stay exact."""
FARTHEST = 1.5
"""As in the loss: sky far behind everything is left out."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """Depth with its 98 % quantile at 1."""

    depth: Float32[np.ndarray, "h w"]
    valid: Bool[np.ndarray, "h w"]
    rays: Float32[np.ndarray, "h w 3"]


def read_scenes(root: Path) -> list[Scene]:
    """Read a folder that `python -m tools.render` wrote, in an order that mixes its parts.

    Raises:
        InputError: a folder without rendered frames, or with one that is not our own render.
    """
    reader = Paired(Paired.Config(root=root))
    scenes = []
    for index in np.random.default_rng(0).permutation(len(reader)).tolist():
        terms = reader.source(index).terms
        if terms != "own renders":
            raise InputError(f"{root}: terms {terms!r}; expected own renders: these weights ship")
        truth = reader[index].depth
        if truth is None or truth.intrinsics is None:
            raise InputError(f"{root}: {reader.keys[index]} has no depth or no camera")
        cut = slice(None, None, STRIDE)
        depth, valid = truth.values[cut, cut], truth.valid[cut, cut]
        depth = depth / np.quantile(depth[valid], 0.98, method="lower")
        scenes.append(
            Scene(
                depth=depth,
                valid=valid & (depth < FARTHEST),
                rays=pixel_rays(truth.intrinsics)[cut, cut],
            )
        )
    return scenes
