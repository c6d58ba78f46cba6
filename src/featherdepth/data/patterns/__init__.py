"""Sparse depth as sensors give it: where they measure, and what is wrong with what they measure.

    sparse = draw(truth, "uniform-500+outliers-0.05", rng, image=photo)

The grammar of specifications is in `grammar`; docs/reference/patterns.md lists every name.
"""

import numpy as np

from featherdepth.data.patterns.base import check_truth
from featherdepth.data.patterns.grammar import parse
from featherdepth.types import Depth, Image


def draw(
    truth: Depth, pattern: str, rng: np.random.Generator, *, image: Image | None = None
) -> Depth:
    """Measure a depth map at few pixels, as a sensor would.

    The same map, specification and state of `rng` give the same samples.

    Args:
        truth: metric; never read outside `valid`.
        pattern: a specification, such as `lines-16` or `uniform-500+gauss-0.02`.
        image: the photo of the map, of any size; needed by the patterns that look at it.

    Returns:
        Metric depth of the same size and camera, valid at the samples only. There are none where
        the sensor would see nothing, such as everything beyond its reach.

    Raises:
        UsageError: a specification that does not exist or fit, or that needs a photo.
        InputError: depth that is not metric or has no valid pixel, or that does not know its
            camera where the pattern needs it.
        BackendError: a pattern of OpenCV without it.
    """
    specification = parse(pattern)
    check_truth(truth)
    sparse = specification.pattern.draw(truth, rng, image)
    for step in specification.steps:
        sparse = step.apply(sparse, truth, rng)
    return sparse
