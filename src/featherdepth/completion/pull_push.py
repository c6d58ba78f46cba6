"""Fill a sparse map from coarse to fine: smooth down until nothing is empty, then up again."""

import numpy as np
from jaxtyping import Float32

from featherdepth.completion.scene import Coarse, Field, Fine, Scene
from featherdepth.geometry.resize import resize_map

Map = Float32[np.ndarray, "_ _"]

CERTAIN = np.float32(12)
"""A cell knows its value for certain from a share of 1/12 on: a point in its middle has 9/64 of
it. Chosen on images that are not scored (docs/experiments.md)."""


def pull_push(values: Map, weight: Map) -> Map:
    """Fill the cells whose weight is 0.

    Pull: values and weights are smoothed and every second one is kept, weights saturating at 1,
    down to one cell. Push: a cell keeps its own value as far as its weight goes and takes the
    bilinear interpolation of the coarser level for the rest.

    Args:
        values: anything where the weight is 0.
        weight: 0 or more.

    Example:
        >>> values = np.array([[1.0, 0.0], [0.0, 0.0]], dtype=np.float32)
        >>> pull_push(values, values).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    weight = np.minimum(weight, 1)
    if values.size == 1:
        return values
    certain = weight * values
    total, share = _halved(certain), _halved(weight)
    means = np.divide(total, share, out=np.zeros_like(total), where=share > 0)
    filled = _doubled(pull_push(means, CERTAIN * share), values.shape)
    filled *= 1 - weight
    filled += certain
    return filled


def ratio_field(scene: Scene) -> Field:
    """The log-ratio, pulled and pushed over the grid."""
    means, count = scene.gathered(scene.log_ratio)
    return Field(values=pull_push(means, count))


def pull_push_ratio(scene: Scene) -> Fine:
    """The method `pull-push`."""
    return ratio_field(scene).log_depth(scene)


def _halved(values: Map) -> Map:
    """Every second place of the map, smoothed by 1 3 3 1 to each side; zero lies outside.

    Means over 2x2 cells would move what a point says to the middle of its cell.
    """
    rows, columns = values.shape
    wide = np.zeros((rows + 2 + rows % 2, columns + 2 + columns % 2), np.float32)
    wide[1 : rows + 1, 1 : columns + 1] = values
    smooth = _sums(_sums(wide).T).T
    smooth *= np.float32(1 / 64)
    return smooth


def _sums(values: Map) -> Map:
    """1 3 3 1 along columns, at every second place."""
    sums: Map = values[1:-2:2] + values[2:-1:2]
    sums *= 3
    sums += values[0:-3:2]
    sums += values[3::2]
    return sums


def _doubled(values: Map, size: tuple[int, ...]) -> Coarse:
    """Bilinear, by half-pixel centers: each cell is 3/4 its own parent and 1/4 the next."""
    rows, columns = values.shape
    return resize_map(values, (2 * rows, 2 * columns))[: size[0], : size[1]]
