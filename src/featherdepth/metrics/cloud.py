"""How far the points of a prediction lie from the true ones, after back-projection."""

import numpy as np
from jaxtyping import Bool, Float

from featherdepth.geometry.camera import pixel_rays, unproject
from featherdepth.types import Intrinsics


def cloud_error(
    prediction: Float[np.ndarray, "h w"],
    truth: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"],
    camera: Intrinsics,
) -> float:
    """Mean distance of corresponding points in metres: mean over pixels of |p r - g r|.

    r is the viewing ray of the pixel with z = 1, so that errors at the border of a wide picture
    weigh more than their difference in depth. Definition of this package.
    """
    rays = pixel_rays(camera).astype(np.float64)
    moved = unproject((prediction - truth).astype(np.float64), rays)[valid]
    return float(np.mean(np.linalg.norm(moved, axis=-1)))
