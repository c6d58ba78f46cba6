"""What lies between two points of one scan line.

A laser sees from another place than the camera: beside an edge, points of both sides lie mixed in
the picture. Along one of its own lines they do not mix, and where two neighbors there say the same,
so does what is between them (docs/experiments.md).
"""

import numpy as np

from featherdepth.geometry.anchors import Anchors

REACH = 1 / 120
"""Of the width of the picture that two neighbors may be apart."""
SAME = 0.05
"""Of a logarithm that they may differ by."""


def between(anchors: Anchors) -> Anchors:
    """The pixels between two points of one row that are near each other and say the same.

    Their depth is what lies between the two, linear along the row. Lines of a scanner are rows of
    a picture where both stand upright.
    """
    steps = np.diff(anchors.places, axis=0)
    gap = steps[:, 1]
    joined = (steps[:, 0] == 0) & (gap > 1) & (gap <= REACH * anchors.size[1])
    joined &= np.abs(np.diff(np.log(anchors.meters))) <= SAME
    left = np.flatnonzero(joined)
    inner = gap[left] - 1
    first = np.repeat(left, inner)
    step = np.arange(len(first)) - np.repeat(np.cumsum(inner) - inner, inner) + 1
    low, high = anchors.meters[first], anchors.meters[first + 1]
    return Anchors(
        places=anchors.places[first] + np.stack([np.zeros_like(step), step], axis=1),
        meters=low + (high - low) * step / gap[first],
        size=anchors.size,
    )
