"""The nearest measured point of every pixel."""

import math

import numpy as np
from jaxtyping import Float32, Int

from featherdepth.completion.scene import CELL, Scene
from featherdepth.geometry.anchors import Anchors
from featherdepth.geometry.resize import resize_map


def nearest_anchor(anchors: Anchors, *, step: int) -> Int[np.ndarray, "r c"]:
    """The number of the nearest point for each cell of `step` pixels.

    Jump flooding (Rong and Tan 2006): every cell asks cells at distances of 2^k, ..., 2, 1 and
    once more 1 for the nearest point that they know. It errs in a few cells, and there by less
    than a cell.
    """
    rows, columns = (-(-side // step) for side in anchors.size)
    height, width = anchors.size
    places = anchors.places.astype(np.float32)
    at_row = (anchors.places[:, 0] * rows) // height
    at_column = (anchors.places[:, 1] * columns) // width
    known = np.full((rows, columns), -1, dtype=np.int64)
    known[at_row, at_column] = np.arange(len(anchors))
    row = ((np.arange(rows, dtype=np.float32) + 0.5) * (height / rows) - 0.5)[:, None]
    column = ((np.arange(columns, dtype=np.float32) + 0.5) * (width / columns) - 0.5)[None]

    def squared(number: Int[np.ndarray, "r c"]) -> Float32[np.ndarray, "r c"]:
        there = places[number]
        square = (there[..., 0] - row) ** 2 + (there[..., 1] - column) ** 2
        return np.where(number < 0, np.float32(np.inf), square)

    best = squared(known)
    halvings = max(1, math.ceil(math.log2(max(rows, columns))))
    for jump in [*(1 << k for k in reversed(range(halvings))), 1]:
        for dy in (-jump, 0, jump):
            for dx in (-jump, 0, jump):
                if dy == dx == 0 or abs(dy) >= rows or abs(dx) >= columns:
                    continue
                to = (_part(dy, rows), _part(dx, columns))
                source = (_part(-dy, rows), _part(-dx, columns))
                asked = known[source]
                there = places[asked]
                square = (there[..., 0] - row[to[0]]) ** 2 + (there[..., 1] - column[:, to[1]]) ** 2
                better = (asked >= 0) & (square < best[to])
                known[to] = np.where(better, asked, known[to])
                best[to] = np.where(better, square, best[to])
    return known


def nearest_pixels(scene: Scene) -> Int[np.ndarray, "h w"]:
    """The number of the nearest point for every pixel, decided for cells of 2x2 pixels."""
    height, width = scene.size
    near = nearest_anchor(scene.anchors, step=2)
    rows, columns = near.shape
    row = np.arange(height) * rows // height
    column = np.arange(width) * columns // width
    whole = near[np.ix_(row, column)]
    whole[scene.anchors.places[:, 0], scene.anchors.places[:, 1]] = np.arange(len(scene.anchors))
    return whole


def distances(anchors: Anchors, *, step: int = CELL) -> Float32[np.ndarray, "r c"]:
    """Distance of the middle of each cell of `step` pixels to the nearest point, in pixels."""
    near = nearest_anchor(anchors, step=step)
    height, width = anchors.size
    rows, columns = near.shape
    row = ((np.arange(rows) + 0.5) * (height / rows) - 0.5)[:, None]
    column = ((np.arange(columns) + 0.5) * (width / columns) - 0.5)[None]
    there = anchors.places[near]
    away: Float32[np.ndarray, "r c"] = np.hypot(there[..., 0] - row, there[..., 1] - column).astype(
        np.float32
    )
    return away


def support(anchors: Anchors, *, step: int = CELL) -> Float32[np.ndarray, "h w"]:
    """Distance of every pixel to the nearest point, in pixels; exact to about one pixel."""
    fine = resize_map(distances(anchors, step=step), anchors.size)
    fine[anchors.places[:, 0], anchors.places[:, 1]] = 0
    return fine


def _part(offset: int, length: int) -> slice:
    """The places whose neighbor at `-offset` lies inside."""
    return slice(max(0, offset), length + min(0, offset))
