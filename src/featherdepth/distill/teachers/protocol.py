"""What a teacher is: a frozen map from photos to depth, and what is known about it."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.geometry.resize import Size


@runtime_checkable
class Teacher(Protocol):
    """A frozen network in eval mode.

    It normalises by itself: pictures come as RGB in 0..1. Its maps are raw, as the network gives
    them (no per-image shift, facts 1.7), and may hold NaN, which the caller must look for.
    """

    @property
    def card(self) -> TeacherCard: ...

    def input_size(self, height: int, width: int, size: int | Size | None = None) -> Size:
        """(height, width) at which it sees a picture of `height` x `width`.

        Args:
            size: asked for in place of its own: an edge N for the area N * N, or a pair.
        """
        ...

    def prepare(
        self, pixels: UInt8[np.ndarray, "h w 3"], size: int | Size | None = None
    ) -> Float32[np.ndarray, "3 H W"]:
        """RGB in 0..1 of a whole photo at `input_size`, resized as this teacher was trained."""
        ...

    def __call__(self, images: Float32[Tensor, "b 3 h w"]) -> Float32[Tensor, "b 1 h2 w2"]:
        """Raw maps, without gradient; mostly, but not always, of the size of `images`."""
        ...

    def features(
        self, images: Float32[Tensor, "b 3 h w"]
    ) -> tuple[Float32[Tensor, "b 1 h2 w2"], dict[str, Float[Tensor, "b _ _ _"]]]:
        """Raw maps and inner maps by name (`enc4` ... `dec2`), without gradient.

        Raises:
            UsageError: only depth networks of this package name their inner maps.
        """
        ...

    def to(self, device: torch.device | str) -> None:
        """Move it; pictures must then come from there."""
        ...
