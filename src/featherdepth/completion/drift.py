"""The aligned map with a smooth correction: what the completion network starts from.

Kriging of few points on a coarse grid (`featherdepth.completion.kriging`): the trend says how much
of the prior's relief the points confirm, the walk around it where the map is off as a whole. What
is finer is left to the network.
"""

import numpy as np

from featherdepth.completion.kriging import Kriging
from featherdepth.completion.scene import Field, Scene, half_of
from featherdepth.geometry.anchors import Anchors
from featherdepth.geometry.outliers import agreeing

MOST = 128
"""Points that are solved for, an even selection."""
LEAST = 0.3
"""Of a logarithm; points that disagree with those around them by more are not followed here, where
one of them bends everything."""
NUGGET = 0.02
DRIFT = 0.1
"""As in kriging, but the network knows better than this start: where the points are near ones
alone, their noise makes the map look flatter than it is, and all that is farther would be drawn in
(docs/experiments.md)."""


def drift(scene: Scene) -> Field:
    """The map and its correction, at half of the size."""
    size = half_of(scene.size)
    anchors = scene.anchors
    chosen = np.zeros(len(anchors), np.bool_)
    chosen[_selection(len(anchors))] = True
    few = anchors.only(chosen)
    if not scene.all_right:
        few = few.only(agreeing(few.neighbors, scene.log_ratio[chosen], least=LEAST))
    half = Scene(
        anchors=Anchors(places=few.places // 2, meters=few.meters, size=size),
        log_prior=scene.log_prior_at(size),
        prior=scene.prior,
    )
    return Kriging.fit(half, guided=True, nugget=NUGGET, drift=DRIFT).field(half)


def _selection(count: int) -> np.ndarray:
    if count <= MOST:
        return np.arange(count)
    return np.random.default_rng(0).permutation(count)[:MOST]
