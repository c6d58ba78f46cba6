"""Scale and shift that vary over the picture: locally weighted regression."""

import math

import numpy as np
from jaxtyping import Float32, Float64

from featherdepth.geometry.anchors import Anchors
from featherdepth.geometry.resize import resize_map

STRIDE = 32
"""Pixels between the places where a fit is made."""
REACH = 50 / 800
"""Standard deviation of the weights over the picture's diagonal: 50 pixels at 640x480."""
SHIFT_RIDGE = 1.0
TOWARD_GLOBAL = 1e-3
"""Weight of the global fit, over the largest sum of weights at any place."""
MOST = 4000
"""Of more points an even selection is taken."""

Values = Float64[np.ndarray, " n"]


def local_scale_shift(
    anchors: Anchors, x: Values, y: Values
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Maps of the scale and the shift by which the aligned values `x` fit `y` locally.

    At each place of a grid of stride 32, with weights w = exp(-distance^2 / (2 reach^2)) over
    points, minimizes

        sum w (scale x + shift - y)^2 + shift^2 + mu ((scale - 1)^2 + shift^2)

    for x and y over the standard deviation of x; mu is 1e-3 of the largest sum of weights. So the
    result falls back to scale 1 and shift 0, the global fit, where no point is near. Between
    places both are interpolated. Source: Xu et al., locally weighted linear regression for depth
    video; the term with mu is ours (the original has no solution far from all points).

    Args:
        anchors: the points.
        x: values of the globally aligned map there.
        y: target there, in the same unit.
    """
    height, width = anchors.size
    rows, columns = (math.ceil(side / STRIDE) for side in anchors.size)
    every = np.linspace(0, len(anchors) - 1, min(len(anchors), MOST)).round().astype(int)
    places, x, y = anchors.places[every].astype(np.float64), x[every], y[every]
    unit = float(x.std()) or float(np.abs(x).max())
    x, y = x / unit, y / unit
    reach = REACH * math.hypot(height, width)
    # Cells of the grid, so that resizing it puts each fit back where it was made.
    centers = [
        (np.arange(n) + 0.5) * (side / n) - 0.5 for n, side in ((rows, height), (columns, width))
    ]
    along = [
        np.exp(-((center[:, None] - places[:, i]) ** 2) / (2 * reach**2))
        for i, center in enumerate(centers)
    ]
    # The weight is a product over rows and columns, so each sum is one matrix product.
    total, sum_x, sum_y, sum_xx, sum_xy = (
        (along[0] * v) @ along[1].T for v in (np.ones_like(x), x, y, x * x, x * y)
    )
    mu = TOWARD_GLOBAL * float(total.max())
    a, b, c = total + SHIFT_RIDGE + mu, sum_x, sum_xx + mu
    right = sum_y, sum_xy + mu
    determinant = a * c - b * b
    shift = (c * right[0] - b * right[1]) / determinant * unit
    scale = (a * right[1] - b * right[0]) / determinant
    size = (height, width)
    return (
        resize_map(scale.astype(np.float32), size),
        resize_map(shift.astype(np.float32), size),
    )
