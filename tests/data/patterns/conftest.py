"""True maps to measure."""

from collections.abc import Callable

import numpy as np
import pytest

from featherdepth.types import Depth, DepthKind, Image, Intrinsics


@pytest.fixture
def camera() -> Intrinsics:
    return Intrinsics(fx=60.0, fy=62.0, cx=40.5, cy=29.0, width=80, height=60, source="given")


@pytest.fixture
def make_truth() -> Callable[..., Depth]:
    """A map from its values; 0 is a hole."""

    def make(values: np.ndarray, camera: Intrinsics | None = None) -> Depth:
        wide = values.astype(np.float32)
        return Depth(values=wide, valid=wide > 0, kind=DepthKind.METRIC, intrinsics=camera)

    return make


@pytest.fixture
def truth(make_truth: Callable[..., Depth], camera: Intrinsics) -> Depth:
    """A slanted wall from 1 to 3.5 m with a box at 0.8 m and a hole."""
    values = 1 + np.linspace(0, 2, 80)[None, :] + np.linspace(0, 0.5, 60)[:, None]
    values[20:40, 30:50] = 0.8
    values[5:12, 60:75] = 0
    return make_truth(values, camera)


@pytest.fixture
def photo() -> Image:
    """Blocks of random gray, so that there are corners and edges; twice the size of the map."""
    blocks = np.random.default_rng(0).integers(0, 256, (12, 16), np.uint8)
    gray = blocks.repeat(10, axis=0).repeat(10, axis=1)
    return Image(pixels=np.stack([gray] * 3, axis=2))
