"""From a photo to what a network takes in; training and prediction share it."""

from typing import Literal

import numpy as np
from jaxtyping import Float32

from featherdepth.geometry.resize import Size, network_size, resize_planes
from featherdepth.images.decoded import picture_of
from featherdepth.types import Image


def prepare(
    image: Image,
    *,
    size: int | Size,
    multiple: int = 64,
    rule: Literal["keep", "stretch"] = "keep",
    threads: int = 1,
) -> Float32[np.ndarray, "3 h w"]:
    """Resize a photo for a network and return RGB in 0..1, contiguous.

    Mean and standard deviation are not applied: they are the first layer of every network.
    `size`, `multiple` and `rule` are those of `network_size`.
    """
    target = network_size(*image.photo_size, size, multiple, rule)
    return resize_planes(picture_of(image), target, threads=threads)
