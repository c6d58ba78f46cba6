"""Linear interpolation over Delaunay triangles: the baseline to beat. Needs SciPy."""

from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float64

from featherdepth.completion.nearest import nearest_pixels
from featherdepth.completion.scene import Fine, Scene
from featherdepth.errors import BackendError


def triangulated(scene: Scene, values: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "h w"]:
    """Values of the points between them; outside of their hull that of the nearest point.

    Raises:
        BackendError: SciPy is not installed.
    """
    filled: Float64[np.ndarray, "h w"] = values[nearest_pixels(scene.anchors)]
    places = scene.anchors.places
    if len(places) < 3 or np.linalg.matrix_rank(places - places[0]) < 2:
        return filled  # no triangle
    try:
        interpolate: Any = import_module("scipy.interpolate")
    except ImportError as error:
        raise BackendError(
            "methods linear and linratio need scipy; pip install 'featherdepth[data]'"
        ) from error
    height, width = scene.size
    rows, columns = np.mgrid[:height, :width]
    found = interpolate.LinearNDInterpolator(places, values)(rows, columns)
    inside = np.isfinite(found)
    filled[inside] = found[inside]
    return filled


def linear(scene: Scene) -> Fine:
    """The method `linear`: depth between the points, without any prior."""
    logs: Fine = np.log(triangulated(scene, scene.anchors.meters)).astype(np.float32)
    return logs


def linratio(scene: Scene) -> Fine:
    """The method `linratio`: the log-ratio between the points."""
    ratio: Fine = triangulated(scene, scene.log_ratio).astype(np.float32)
    bent: Fine = ratio + scene.log_prior
    return bent
