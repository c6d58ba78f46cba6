"""What a supervised loss reads of a view beside its two maps: photo, camera and random numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Views:
    """Of the maps of one batch."""

    images: Float[Tensor, "b 3 h w"]
    """RGB in 0..1."""
    intrinsics: Float64[np.ndarray, "b 4"]
    """fx, fy, cx, cy in pixels of the maps; NaN = unknown."""
    generators: Sequence[torch.Generator]
    """One an image, on the CPU: every device and any split over processes draws the same."""


@runtime_checkable
class ViewLoss(Protocol):
    """A loss over points that it draws from the views; the objective calls `on_views`."""

    order_only: ClassVar[bool]
    """It reads nothing but the order of the target, so it may see where only that is known."""

    def on_views(
        self,
        student: Float[Tensor, "b 1 h w"],
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
        views: Views,
        /,
    ) -> Float[Tensor, " b"]:
        """One value per image."""
        ...
