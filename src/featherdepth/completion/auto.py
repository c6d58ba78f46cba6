"""The method that is chosen for each picture by what it cannot see: blocks of points held out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from featherdepth.completion.kriging import Kriging, completed
from featherdepth.completion.scene import Fine, Scene

BLOCK = 6.0
"""Edge of a held-out block, over the mean distance of a pixel to its nearest point: what is held
out is as far from the others as pixels are. Neighbors on one scan line go together."""
FEWEST = 16
"""Of fewer points nothing is held out, and the prior is trusted."""
WORTH = 0.85
"""The prior is dropped only where interpolation alone errs less than this share."""
USUAL = 0.1
"""|error| in log depth that is at least expected where nothing was held out: a handful of points
fits any map."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """What was chosen, and how far off it was at points that it did not see."""

    made: Kriging
    name: str
    error: float | None
    """Median |error| in log depth at held-out points; None where none was held out."""
    distance: float
    """Mean distance of those points to the nearest that was kept, in pixels."""


def choose(scene: Scene) -> Choice:
    """Pick kriging with or without the prior by spatially blocked cross-validation.

    Random single points would flatter interpolation on scan lines: the neighbor on the same line
    gives them away. Blocks are squares of a grid that is as coarse as the gaps between points.
    """
    guided = Kriging.fit(scene, guided=True)
    spacing = max(1.0, float(scene.distances.mean()))
    if len(guided.chosen) < FEWEST:
        return Choice(made=guided, name="kriging", error=None, distance=spacing)
    blocks = blocks_of(scene, guided.chosen, BLOCK * spacing)
    if len(np.unique(blocks)) < 2:
        return Choice(made=guided, name="kriging", error=None, distance=spacing)
    errors = np.abs(guided.errors_without(blocks))
    alone = Kriging.fit(scene, guided=False)
    others = np.abs(alone.errors_without(blocks))
    made, name = guided, "kriging"
    if float(others.mean()) < WORTH * float(errors.mean()):
        made, name, errors = alone, "kriging-plain", others
    # A third of a block's edge is about what a point inside has to bridge.
    return Choice(
        made=made, name=name, error=float(np.median(errors)), distance=BLOCK * spacing / 3
    )


def auto(scene: Scene) -> Fine:
    """The method `auto`."""
    return completed(scene, choose(scene).made)


def blocks_of(scene: Scene, chosen: Int[np.ndarray, " n"], edge: float) -> Int[np.ndarray, " n"]:
    """The square of a grid that each point lies in."""
    places = scene.anchors.places[chosen]
    cell = (places / edge).astype(np.int64)
    flat: Int[np.ndarray, " n"] = cell[:, 0] * (int(cell[:, 1].max()) + 1) + cell[:, 1]
    return flat


def expected_error(
    choice: Choice, support_px: Float32[np.ndarray, "h w"], fallback: float
) -> Float32[np.ndarray, "h w"]:
    """The |error| in log depth to be expected at each pixel.

    A random walk strays as the root of the way: error * sqrt((support + 1) / (distance + 1)) with
    the error at held-out points and the distance that they had to bridge.

    Args:
        fallback: the error where no point was held out; `USUAL` if it is smaller.
    """
    error = max(fallback, USUAL) if choice.error is None else choice.error
    expected: Float32[np.ndarray, "h w"] = np.float32(error) * np.sqrt(
        (support_px + 1) / np.float32(choice.distance + 1)
    )
    return expected
