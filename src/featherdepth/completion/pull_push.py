"""Fill a sparse map from coarse to fine: average down until nothing is empty, then up again."""

import numpy as np
from jaxtyping import Float32

from featherdepth.completion.scene import Coarse, Field, Fine, Scene
from featherdepth.geometry.resize import resize_map

Map = Float32[np.ndarray, "_ _"]


def pull_push(values: Map, weight: Map) -> Map:
    """Fill the cells whose weight is 0.

    Pull: values and weights are averaged over 2x2 cells, weights saturating at 1, down to one
    cell. Push: a cell keeps its own value as far as its weight goes and takes the bilinear
    interpolation of the coarser level for the rest.

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
    total = _halved(values * weight)
    share = _halved(weight)
    known = share > 0
    means = np.divide(total, share, out=np.zeros_like(total), where=known)
    # Four cells with one point between them know its value for certain.
    coarser = pull_push(means, 4 * share)
    filled: Map = weight * values + (1 - weight) * _doubled(coarser, values.shape)
    return filled


def ratio_field(scene: Scene) -> Field:
    """The log-ratio, pulled and pushed over the grid."""
    means, count = scene.gathered(scene.log_ratio)
    return Field(values=pull_push(means, count))


def pull_push_ratio(scene: Scene) -> Fine:
    """The method `pull-push`."""
    return ratio_field(scene).log_depth(scene)


def _halved(values: Map) -> Map:
    """Means over 2x2 cells; of an odd side the last row or column is repeated with weight 0."""
    rows, columns = values.shape
    even = np.pad(values, ((0, rows % 2), (0, columns % 2)))
    sums = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    means: Map = sums * np.float32(0.25)
    return means


def _doubled(values: Map, size: tuple[int, ...]) -> Coarse:
    """Bilinear, by half-pixel centers: each cell is 3/4 its own parent and 1/4 the next."""
    rows, columns = values.shape
    return resize_map(values, (2 * rows, 2 * columns))[: size[0], : size[1]]
