"""Figures of a model on held-out frames while it trains.

The frames are read once and kept as the network sees them; the truth stays at its own size, where
it is scored (the path of `evaluate`, but with the torch module at hand).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from featherdepth.errors import InputError, RunError
from featherdepth.geometry.parts import Box, box_at
from featherdepth.geometry.resize import resize_map
from featherdepth.images.prepare import prepare
from featherdepth.metrics.protocols import EvalProtocol
from featherdepth.metrics.score_maps import score_map
from featherdepth.training.pool import Frames
from featherdepth.types import Depth, DepthKind

logger = logging.getLogger(__name__)

FIGURES = ("delta1", "abs_rel", "rmse")
"""Those of the protocol's measures that are reported, where it has them."""
NEGATIVE = "negative_scale"
"""The figure beside them: a count."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Held:
    key: str
    pixels: Float32[np.ndarray, "3 h w"]
    truth: Depth
    usable: Box


class DepthValidation:
    """Scores a model on every frame of a reader; calling it gives the means over images.

    Args:
        kind: what the numbers of the model mean.
        size: of the network's input, as `geometry.resize.network_size` takes it.

    Raises:
        InputError: no frame with metric depth.
        UsageError: the protocol cannot score this kind.
    """

    def __init__(
        self,
        frames: Frames,
        protocol: EvalProtocol,
        *,
        kind: DepthKind,
        size: int | tuple[int, int],
        multiple: int = 64,
    ) -> None:
        protocol.check_kind(kind)
        self._protocol = protocol
        self._kind = kind
        self._held: list[_Held] = []
        for i in range(len(frames)):
            try:
                sample = frames[i]
            except InputError as error:
                logger.warning("validation: left out: %s", error)
                continue
            if sample.depth is None or sample.depth.kind is not DepthKind.METRIC:
                logger.warning("validation: %s: left out: no metric depth", sample.key)
                continue
            pixels = prepare(sample.image, size=size, multiple=multiple)
            # The usable area is in pixels of the photo.
            usable = box_at(frames.usable(i), sample.image.photo_size, sample.depth.size)
            self._held.append(
                _Held(key=sample.key, pixels=pixels, truth=sample.depth, usable=usable)
            )
        if not self._held:
            raise InputError("validation: no frame with metric depth; check root and split")

    def __call__(self, model: nn.Module) -> Mapping[str, float]:
        """Means over images; `negative_scale` counts upside-down or constant predictions.

        Raises:
            RunError: a prediction that is not finite.
        """
        device = next(model.parameters()).device
        scores = []
        for held in self._held:
            with torch.inference_mode():
                raw = model(torch.from_numpy(held.pixels)[None].to(device))
            values = raw[0, 0].float().cpu().numpy()
            if not np.isfinite(values).all():
                raise RunError(f"validation: {held.key}: the model gave NaN; lower the rate")
            values = resize_map(values, held.truth.size)
            prediction = Depth(
                values=values, valid=np.ones(held.truth.size, np.bool_), kind=self._kind
            )
            scores.append(score_map(self._protocol, prediction, held.truth, held.usable))
        means = {
            name: float(np.mean([s.values[name] for s in scores]))
            for name in figures_of(self._protocol)
            if name != NEGATIVE
        }
        return {**means, NEGATIVE: float(sum(s.negative_scale for s in scores))}


def figures_of(protocol: EvalProtocol) -> tuple[str, ...]:
    """What validation under a protocol gives, by name."""
    return (*(name for name in FIGURES if name in protocol.measures), NEGATIVE)
