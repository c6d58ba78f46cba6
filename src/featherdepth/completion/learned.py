"""The method `learned`: the completion network on what points and prior agree on, without torch.

Photo, start (`featherdepth.completion.drift`) and points go to the embedded network, padded to
multiples of 32. Where points are far apart it sees a copy of half the size, as dense as it knows
points from training, and what it changed is put onto the full map: a third of the time, and better
where large parts have no point. Where the others are close together it sees twice that size as
well, and is believed near them. What it leaves at points that agree with each other is spread
around them, and between two that stand on one scan line lies what is between them
(docs/experiments.md has the figures of all four).
"""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from featherdepth.completion import DEFAULT, parse_method
from featherdepth.completion.drift import drift
from featherdepth.completion.pull_push import pull_push
from featherdepth.completion.scan_lines import between
from featherdepth.completion.scene import Coarse, Field, Fine, Scene, gathered
from featherdepth.errors import RunError, WeightsError
from featherdepth.geometry.align_robust import FARTHEST, NEAREST
from featherdepth.geometry.outliers import confirmed
from featherdepth.geometry.resize import Size, resize_map, resize_pixels
from featherdepth.networks.folder import read_config
from featherdepth.runtime.backends import BACKENDS, Network
from featherdepth.runtime.presets import COMPLETION, embedded_folder, embedded_models
from featherdepth.types import Image

MOST_PIXELS = 1_000_000
LEAST_PIXELS = 50_000
"""The network does not see less of a larger photo; it was trained on 192x256."""
SPACING = 8.5
"""Mean distance of a pixel to its nearest point, in pixels, above which the size is halved."""
REACH = 10.0
"""Pixels of the greater of two sizes around a point within which that size is believed. It is seen
only where half of the pixels are that near."""
LEAST_SHARE = np.float32(0.1)
"""Of its depth that what is spread leaves a pixel."""
_OPENING = Lock()


class Learned(NamedTuple):
    """What the network says."""

    log_depth: Fine
    spread: Coarse
    """Expected |error| of it, at the size that the network saw."""


def usable(photo: Image | None) -> bool:
    """Whether the network is embedded and there is the photo that it looks at."""
    return photo is not None and COMPLETION in embedded_models()


def learned(scene: Scene) -> Fine:
    """The method `learned`.

    Raises:
        WeightsError: the network is not embedded, or damaged.
        RunError: it gave NaN or infinity.
    """
    return look(scene).log_depth


def look(scene: Scene) -> Learned:
    """Log depth with its expected error; errors as `learned`."""
    if scene.photo is None:
        raise RunError("method 'learned' looks at the photo; give one, or another method")
    start, sizes = drift(scene), seen_sizes(scene)
    found = [_look(scene, start, size) for size in sizes]
    whole = found[0] if len(found) == 1 else _joined(scene, *found)
    lines = between(scene.anchors)
    whole.log_depth[lines.places[:, 0], lines.places[:, 1]] = np.log(lines.meters)
    return whole


def _joined(scene: Scene, far: Learned, near: Learned) -> Learned:
    """What it says at a greater size where a point is near; elsewhere `far`."""
    size = near.spread.shape
    away = scene.distances * np.float32(size[0] / scene.size[0] / REACH)
    share = (2 - away).clip(0, 1)
    fine, coarse = scene.upsampled(share), resize_map(share, size)
    spread = resize_map(far.spread, size)
    return Learned(
        far.log_depth + fine * (near.log_depth - far.log_depth),
        spread + coarse * (near.spread - spread),
    )


def _look(scene: Scene, start: Field, size: Size) -> Learned:
    """What it says when it sees the scene at one size."""
    low = np.float32(np.log(NEAREST * scene.anchors.meters.min()))
    high = np.float32(np.log(FARTHEST * scene.anchors.meters.max()))
    # In the unit of the points: the network never sees a number that depends on it.
    unit = np.float32(np.median(scene.log_meters))
    relief = np.float32(start.trust) * scene.log_prior_at(size)
    seen = (resize_map(start.values, size) + relief).clip(low, high) - unit
    network, multiple = open_network(scene.network, scene.threads)
    inputs = _inputs(scene, seen, unit, size, multiple)
    found = network(inputs)[0, :, : size[0], : size[1]]
    if not np.isfinite(found).all():
        raise RunError("the completion network gave NaN or infinity; expected finite depth")
    log_depth = np.log(found[0]) + unit
    # What the map itself says goes around the network, as sharp as it is.
    field = Field(values=log_depth - relief, trust=start.trust)
    field = replace(field, values=field.values + _missed(scene, field, np.exp(log_depth)))
    return Learned(field.log_depth(scene), found[1])


def _missed(scene: Scene, field: Field, depth: Coarse) -> Coarse:
    """What the network leaves at the points, spread around; but not of points that seem wrong.

    The network sees cells of 4 pixels: of dense points it keeps less than they say. Spread in
    meters, so that between two depths lies their mean, and added in log depth.

    Args:
        depth: what the network says, in meters, at its size.
    """
    found = field.at(scene, scene.anchors.places)
    kept = np.ones(len(found), np.bool_)
    if not scene.all_right:
        kept = confirmed(scene.anchors.neighbors, scene.log_meters, scene.log_meters - found)
    left = scene.anchors.meters - np.exp(found)
    spread = pull_push(*gathered(scene.anchors.only(kept), left[kept], depth.shape))
    # A logarithm needs something above 0: no pixel loses more than nine tenths of its depth.
    missed: Coarse = np.log1p((spread / depth).clip(LEAST_SHARE - 1))
    return missed


def seen_sizes(scene: Scene) -> tuple[Size, ...]:
    """(height, width) at which the network sees a scene, and where points are near."""
    height, width = scene.size
    most = min(1.0, (MOST_PIXELS / (height * width)) ** 0.5)
    factor, spacing = most, float(scene.distances.mean())
    while spacing * factor > SPACING and height * width * (factor / 2) ** 2 >= LEAST_PIXELS:
        factor /= 2  # halves: a size that a photo before had is compiled already
    factors = [factor]
    if factor < most and 2 * factor * float(np.median(scene.distances)) <= REACH:
        factors.append(2 * factor)
    return tuple((max(1, round(height * f)), max(1, round(width * f))) for f in factors)


def _inputs(
    scene: Scene, start: Fine, unit: np.float32, size: Size, multiple: int
) -> Float32[np.ndarray, "1 5 H W"]:
    """RGB, start and points at the network's size."""
    photo = scene.photo
    assert photo is not None  # noqa: S101 - checked by `look`
    pixels = photo.pixels if photo.size == size else resize_pixels(photo.pixels, size)
    below, beside = (-side % multiple for side in size)
    inputs = np.empty((5, size[0] + below, size[1] + beside), np.float32)
    inside = inputs[:, : size[0], : size[1]]
    np.multiply(pixels.transpose(2, 0, 1), np.float32(1 / 255), out=inside[:3])
    np.exp(start, out=inside[3])
    inputs[:4, size[0] :, :] = inputs[:4, size[0] - 1 : size[0], :]
    inputs[:4, :, size[1] :] = inputs[:4, :, size[1] - 1 : size[1]]
    _scatter(scene, unit, size, inputs[4])
    return inputs[None]


def _scatter(scene: Scene, unit: np.float32, size: Size, canvas: Fine) -> None:
    """Points on the network's grid; where several fall into one pixel the nearest stays."""
    rows, columns = scene.anchors.on(size).T
    canvas.fill(np.inf)
    np.minimum.at(canvas, (rows, columns), np.exp(scene.log_meters - unit).astype(np.float32))
    np.copyto(canvas, 0, where=~np.isfinite(canvas))


def open_network(folder: Path | None, threads: int | None) -> tuple[Network, int]:
    """The network of a folder, by default the embedded one, and what its sides are multiples of.

    Raises:
        WeightsError: it is missing, damaged, or of another kind.
    """
    with _OPENING:  # of two threads at once each would open one
        return _opened(folder, threads)


@lru_cache(maxsize=2)
def _opened(folder: Path | None, threads: int | None) -> tuple[Network, int]:
    place = folder or embedded_folder(COMPLETION)
    if folder is None and COMPLETION not in embedded_models():
        raise WeightsError(
            f"this installation carries no completion network; expected {place};"
            " use another method, such as auto"
        )
    preset = read_config(place)
    if preset.network != COMPLETION:
        raise WeightsError(
            f"{place}: a model of network {preset.network!r}; expected {COMPLETION!r}, as a recipe"
            " of completion trains it"
        )
    # A thousand small steps of the solve: onnxruntime starts each in half of OpenVINO's time.
    return BACKENDS.load("onnx").open(place, preset, threads, "fp32"), preset.multiple


def network_sha256(method: str) -> str:
    """Of the weights of a method's network; empty where it has none.

    Raises:
        UsageError: no such method.
        WeightsError: the folder that it names is no model folder.
    """
    name, folder = parse_method(method)
    if name != DEFAULT or (folder is None and COMPLETION not in embedded_models()):
        return ""
    return read_config(folder or embedded_folder(COMPLETION)).sha256
