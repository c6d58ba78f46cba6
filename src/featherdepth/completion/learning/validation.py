"""Figures of the completion network on held-out frames while it trains.

Points are drawn once, by a seed of each frame and pattern, in the usable part of the frame (the
box that its reader names), and root mean squares are taken there, in meters. The network sees the
whole frame.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch import nn

from featherdepth.completion.learning.fit import to_points
from featherdepth.data.patterns import draw
from featherdepth.errors import InputError
from featherdepth.geometry.parts import in_box, only
from featherdepth.networks.depthnet import STRIDE
from featherdepth.rng import generator
from featherdepth.runtime.model import DepthModel
from featherdepth.training.pool import Frames
from featherdepth.types import DepthKind

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Held:
    pattern: str
    inputs: Float32[np.ndarray, "5 h w"]
    truth: Float32[np.ndarray, "h w"]
    scored: Bool[np.ndarray, "h w"]


class CompletionValidation:
    """Completes frames of a reader; calling it gives the mean rmse for each pattern.

    Raises:
        InputError: no frame with metric depth.
    """

    def __init__(
        self, frames: Frames, prior: DepthModel, patterns: tuple[str, ...], count: int
    ) -> None:
        self._held: list[_Held] = []
        chosen = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round())
        for i in chosen.astype(int):
            try:
                sample = frames[int(i)]
            except InputError as error:
                logger.warning("validation: left out: %s", error)
                continue
            truth = sample.depth
            if truth is None or truth.kind is not DepthKind.METRIC:
                logger.warning("validation: %s: left out: no metric depth", sample.key)
                continue
            height, width = truth.size
            if height % STRIDE or width % STRIDE or sample.image.size != truth.size:
                logger.warning("validation: %s: left out: %dx%d", sample.key, height, width)
                continue
            first = prior.infer_image(sample.image)
            scored = only(truth, in_box(frames.usable(int(i)), truth.size))
            photo = sample.image.pixels.transpose(2, 0, 1).astype(np.float32) / 255
            for pattern in patterns:
                rng = generator(0, "validation", sample.key, pattern)
                sparse = draw(scored, pattern, rng, image=sample.image)
                if not sparse.valid.any():
                    continue
                aligned = to_points(first.values, sparse)
                inputs = np.concatenate([photo, aligned[None], sparse.values[None]])
                self._held.append(
                    _Held(pattern=pattern, inputs=inputs, truth=truth.values, scored=scored.valid)
                )
        if not self._held:
            raise InputError("validation: no frame with metric depth; check root and split")

    def __call__(self, model: nn.Module) -> Mapping[str, float]:
        """Root mean squares in meters, a mean over images: one for each pattern, and of them."""
        device = next(model.parameters()).device
        found: dict[str, list[float]] = {}
        for held in self._held:
            with torch.inference_mode():
                inputs = torch.from_numpy(held.inputs)[None].to(device)
                values = model(inputs)[0, 0].float().cpu().numpy()
            error = values[held.scored] - held.truth[held.scored]
            rmse = float(np.sqrt(np.mean(np.square(error, dtype=np.float64))))
            found.setdefault(held.pattern, []).append(rmse)
        means = {f"rmse {name}": float(np.mean(values)) for name, values in found.items()}
        return {**means, "rmse": float(np.mean(list(means.values())))}
