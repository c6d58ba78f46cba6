"""What the first stage says of every frame of a pool, computed once and kept beside the run."""

import logging
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16
from torch import Tensor

from featherdepth.images.atomic import write_atomic
from featherdepth.runtime.model import DepthModel
from featherdepth.training.pool import Pool
from featherdepth.types import DepthKind, Image

logger = logging.getLogger(__name__)


def pool_priors(
    pool: Pool,
    model: DepthModel,
    folder: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Float16[Tensor, "n 1 h w"]:
    """The first stage's map of each frame, larger is farther, from 0 to 1.

    Kept in `folder` as priors.npy, named after the frames and the weights: a run that goes on
    reads them.
    """
    name = f"priors-{pool.sha256[:12]}-{model.preset.sha256[:12]}.npy"
    path = folder / name
    shape = tuple(pool.depths.shape)
    if path.exists():
        found = np.load(path, allow_pickle=False)
        if found.shape == shape and found.dtype == np.float16:
            return torch.from_numpy(found)
    maps = np.zeros(shape, np.float16)
    for i, (height, width) in enumerate(pool.sizes.tolist()):
        pixels = pool.images[i, :, :height, :width].permute(1, 2, 0).contiguous().numpy()
        depth = model.infer_image(Image(pixels=pixels, name=pool.keys[i]))
        maps[i, 0, :height, :width] = _far_up(depth.values, depth.kind)
        if progress:
            progress(i + 1, len(pool))
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(path, _bytes(maps))
    logger.info("first stage of %d frames by %s", len(pool), model.preset.name)
    return torch.from_numpy(maps)


def _far_up(values: np.ndarray, kind: DepthKind) -> np.ndarray:
    if kind is DepthKind.AFFINE_INVARIANT_DISPARITY:
        low = np.quantile(values, 0.02)
        values = 1 / (values - low + 0.1 * max(float(values.max() - low), 1e-6)).clip(1e-6)
    low, high = float(values.min()), float(values.max())
    return (values - low) / max(high - low, 1e-6)


def _bytes(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
