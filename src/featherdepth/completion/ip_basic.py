"""IP-Basic (Ku, Harakeh, Waslander 2018): sparse depth filled by image morphology alone."""

import numpy as np
from jaxtyping import Float32

from featherdepth.completion.nearest import nearest_pixels
from featherdepth.completion.scene import Fine, Scene

DIAMOND = np.array([[abs(y) + abs(x) <= 2 for x in range(-2, 3)] for y in range(-2, 3)])
SQUARE = np.ones((5, 5), dtype=np.bool_)
WIDE = np.ones((7, 7), dtype=np.bool_)
BLUR = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16

Map = Float32[np.ndarray, "h w"]


def ip_basic(scene: Scene) -> Fine:
    """The method `ip-basic`.

    Depth is turned round, so that a maximum takes the nearest; dilated by a 5x5 diamond; closed by
    5x5; holes are filled by a 7x7 dilation; a 5x5 median and a 5x5 Gaussian smooth it. What is
    then still empty takes the nearest point's depth (the original fills columns upward, which is
    meant for cars). The Gaussian stands where the original has a choice of two filters.
    """
    meters = np.zeros(scene.size, dtype=np.float32)
    rows, columns = scene.anchors.places.T
    meters[rows, columns] = scene.anchors.meters
    far = np.float32(2 * scene.anchors.meters.max())
    nearness = np.where(meters > 0, far - meters, 0).astype(np.float32)
    nearness = _dilated(nearness, DIAMOND)
    nearness = _eroded(_dilated(nearness, SQUARE), SQUARE)
    nearness = np.where(nearness > 0, nearness, _dilated(nearness, WIDE))
    known = nearness > 0
    nearness = np.where(known, _median(nearness), 0)
    known &= nearness > 0
    weight = _blurred(known.astype(np.float32))
    smooth = _blurred(np.where(known, nearness, 0)) / np.maximum(weight, np.float32(1e-6))
    nearest = scene.anchors.meters[nearest_pixels(scene.anchors)]
    logs: Fine = np.log(np.where(known, far - smooth, nearest)).astype(np.float32)
    return logs


def _windows(values: Map, kernel: np.ndarray, fill: float) -> list[Map]:
    height, width = values.shape
    reach = kernel.shape[0] // 2
    wide = np.pad(values, reach, constant_values=fill)
    return [wide[y : y + height, x : x + width] for y, x in np.argwhere(kernel)]


def _dilated(values: Map, kernel: np.ndarray) -> Map:
    result = values.copy()
    for part in _windows(values, kernel, 0.0):
        np.maximum(result, part, out=result)
    return result


def _eroded(values: Map, kernel: np.ndarray) -> Map:
    result = values.copy()
    for part in _windows(values, kernel, np.inf):
        np.minimum(result, part, out=result)
    return result


def _median(values: Map) -> Map:
    middle: Map = np.median(np.stack(_windows(values, SQUARE, 0.0)), axis=0)
    return middle


def _blurred(values: Map) -> Map:
    for axis in (0, 1):
        pad = [(2, 2) if a == axis else (0, 0) for a in (0, 1)]
        wide = np.pad(values, pad)
        size = values.shape[axis]
        parts = [BLUR[i] * np.take(wide, range(i, i + size), axis=axis) for i in range(5)]
        values = np.add.reduce(parts)
    return values
