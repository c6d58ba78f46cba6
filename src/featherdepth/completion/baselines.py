"""Methods that are there to be compared with: alignment alone, the nearest point."""

import numpy as np

from featherdepth.completion.nearest import nearest_pixels
from featherdepth.completion.scene import Fine, Scene
from featherdepth.geometry.align_points import aligned_to
from featherdepth.types import Depth, DepthKind


def globally(scene: Scene) -> Fine:
    """The method `global`: the aligned map as it is."""
    return scene.log_prior


def locally(scene: Scene) -> Fine:
    """The method `local`: scale and shift that vary over the picture."""
    valid = np.zeros(scene.size, dtype=np.bool_)
    values = np.zeros(scene.size, dtype=np.float32)
    rows, columns = scene.anchors.places.T
    valid[rows, columns] = True
    values[rows, columns] = scene.anchors.meters
    sparse = Depth(values=values, valid=valid, kind=DepthKind.METRIC)
    aligned = aligned_to(scene.prior, sparse, method="local", reject_outliers=False)
    return np.where(
        aligned.depth.valid, np.log(np.maximum(aligned.depth.values, 1e-30)), scene.log_prior
    )


def nearest(scene: Scene) -> Fine:
    """The method `nearest`: the depth of the nearest point."""
    logs: Fine = scene.log_meters[nearest_pixels(scene.anchors)].astype(np.float32)
    return logs
