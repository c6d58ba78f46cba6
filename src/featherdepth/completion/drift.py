"""The aligned map with a smooth correction: what the completion network starts from.

Kriging of few points on a coarse grid (`featherdepth.completion.kriging`): the trend says how much
of the prior's relief the points confirm, the walk around it where the map is off as a whole. What
is finer is left to the network.
"""

import numpy as np

from featherdepth.completion.kriging import Kriging
from featherdepth.completion.scene import Fine, Scene
from featherdepth.geometry.anchors import Anchors
from featherdepth.geometry.outliers import agreeing
from featherdepth.geometry.resize import resize_map

MOST = 128
"""Points that are solved for, an even selection."""
LEAST = 0.3
"""Of a logarithm; points that disagree with those around them by more are not followed here, where
one of them bends everything."""
HALF = 2


def drifted(scene: Scene) -> Fine:
    """Log depth at every pixel."""
    height, width = scene.size
    size = (-(-height // HALF), -(-width // HALF))
    anchors = scene.anchors
    chosen = np.zeros(len(anchors), np.bool_)
    chosen[_selection(len(anchors))] = True
    few = anchors.only(chosen)
    few = few.only(agreeing(few.places, scene.log_ratio[chosen], least=LEAST))
    if not len(few):
        return scene.log_prior
    half = Scene(
        anchors=Anchors(places=few.places // HALF, meters=few.meters, size=size),
        log_prior=resize_map(scene.log_prior, size),
        prior=scene.prior,
    )
    field = Kriging.fit(half, guided=True).field(half)
    fine: Fine = resize_map(field.values, scene.size)
    return fine + np.float32(field.trust) * scene.log_prior


def _selection(count: int) -> np.ndarray:
    if count <= MOST:
        return np.arange(count)
    return np.random.default_rng(0).permutation(count)[:MOST]
