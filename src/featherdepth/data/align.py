"""A depth map to meters, by measured points in whatever form a program has them."""

from featherdepth.data.sparse import Points, sparse_depth
from featherdepth.geometry import align_points
from featherdepth.types import Aligned, Depth


def align(
    depth: Depth, sparse: Points, *, method: str = "robust", reject_outliers: bool = True
) -> Aligned:
    """Turn a depth map into meters by measured points of the same picture.

    1. Scale and shift by Huber's loss in the map's own space: depth with depth, disparity with
       1/meters. One point, two points, or points at one depth give a scale alone, as do maps
       whose kind has no shift (`scale_invariant`, and `metric`, which is corrected by a factor).
    2. Points whose log-ratio to that map disagrees with the eight around them are left out, and
       the fit is made again.
    3. With method `local` scale and shift then vary over the picture; far from all points they are
       those of step 2.

    The result lies between 0.3 times the nearest and 3 times the farthest trusted point.
    Multiplying all points by a number multiplies it by that number.

    Args:
        depth: a map of any kind.
        sparse: the measured points, one or more, as `sparse_depth` takes them: rows of
            (column, row, meters) in pixels of the map, (h, w) of meters with 0 where there is none,
            a file, or a METRIC `Depth` of the map's size.
        method: `robust`, `scale` (no shift in any case) or `local`.
        reject_outliers: step 2; without it every point counts, Huber's loss alone guards.

    Returns:
        The metric map, the fit, the points that were left out and how far off the map is at the
        others.

    Raises:
        InputError: another size, no point, no point where the map is known, or eight points or
            more that are far where the map is near and near where it is far.
        UsageError: a file of an unknown suffix.
        ValueError: an unknown method, or points that are not metric.

    Example:
        >>> import numpy as np
        >>> from featherdepth import DepthKind
        >>> relative = Depth(
        ...     values=np.array([[0.0, 1.0, 2.0, 3.0]], dtype=np.float32),
        ...     valid=np.ones((1, 4), dtype=bool),
        ...     kind=DepthKind.AFFINE_INVARIANT,
        ... )
        >>> aligned = align(relative, [(0, 0, 1.0), (2, 0, 3.0), (3, 0, 4.0)])
        >>> aligned.depth.values.round(3).tolist(), aligned.alignment.count
        ([[1.0, 2.0, 3.0, 4.0]], 3)
    """
    points = sparse_depth(sparse, size=depth.size, intrinsics=depth.intrinsics)
    return align_points.align(depth, points, method=method, reject_outliers=reject_outliers)
