"""A room whose depth is known, measured at few points, and what a network might say of it."""

from collections.abc import Callable

import numpy as np
import pytest

from featherdepth.completion.complete import scene_of
from featherdepth.completion.scene import Scene
from featherdepth.types import Depth, DepthKind

SIZE = (96, 130)  # 130: not a multiple of the cell


def depth_of(values, kind=DepthKind.METRIC, valid=None) -> Depth:
    valid = np.ones(np.shape(values), dtype=bool) if valid is None else valid
    return Depth(values=np.where(valid, values, 0).astype(np.float32), valid=valid, kind=kind)


@pytest.fixture
def room() -> np.ndarray:
    """Meters: a floor that comes nearer downward, and a box in front of it."""
    rows, columns = np.indices(SIZE)
    meters = 5.0 - 3.0 * rows / SIZE[0] + 0.5 * columns / SIZE[1]
    meters[30:60, 40:80] = 2.0
    return meters


@pytest.fixture
def guess(room: np.ndarray) -> Depth:
    """The room's shape with a drifting scale: right edges, wrong relief."""
    rows, columns = np.indices(SIZE)
    drift = np.exp(0.25 * np.sin(columns / 25) + 0.1 * np.cos(rows / 30))
    return depth_of(0.4 * room * drift - 0.3, DepthKind.AFFINE_INVARIANT)


@pytest.fixture
def measured(room: np.ndarray) -> Callable[..., Depth]:
    def draw(count: int, seed: int = 0, meters: np.ndarray = room) -> Depth:
        random = np.random.default_rng(seed)
        valid = np.zeros(meters.size, dtype=bool)
        valid[random.choice(meters.size, count, replace=False)] = True
        return depth_of(meters, valid=valid.reshape(meters.shape))

    return draw


@pytest.fixture
def scene(guess: Depth, measured: Callable[..., Depth]) -> Scene:
    return scene_of(guess, measured(80), method="auto", reject_outliers=False)[0]
