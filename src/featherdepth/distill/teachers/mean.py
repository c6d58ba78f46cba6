"""Several teachers as one: `mean:small+./run`, the mean of what each says.

Every one sees each picture and its mirror image at its own size. Maps whose scale and shift mean
nothing are brought to zero mean and unit spread first (their middle 80 %), those whose scale means
nothing to a median of 1. Networks of different encoders err at different places: the mean of two is
better than both; that of one over picture and mirror image is better than it (docs/experiments.md).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor
from torch.nn import functional as F

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.teachers.base import Inner, Maps, digest_of
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import UsageError
from featherdepth.geometry.resize import Size
from featherdepth.losses.zscore import trimmed_zscore
from featherdepth.types import DepthKind


class MeanTeacher:
    """A `Teacher` made of several of one kind."""

    def __init__(self, members: Sequence[Teacher]) -> None:
        self._members = tuple(members)
        self._card = _card([member.card for member in members])

    @property
    def card(self) -> TeacherCard:
        return self._card

    def input_size(self, height: int, width: int, size: int | Size | None = None) -> Size:
        """That of the member who looks closest."""
        return self._closest(height, width, size).input_size(height, width, size)

    def prepare(
        self, pixels: UInt8[np.ndarray, "h w 3"], size: int | Size | None = None
    ) -> Float32[np.ndarray, "3 H W"]:
        height, width = pixels.shape[:2]
        return self._closest(height, width, size).prepare(pixels, size)

    def __call__(self, images: Float32[Tensor, "b 3 h w"]) -> Maps:
        height, width = images.shape[2:]
        total = torch.zeros_like(images[:, :1])
        for member in self._members:
            seen = _resized(images, member.input_size(height, width))
            for mirrored in (False, True):
                maps = member(seen.flip(-1) if mirrored else seen)
                maps = _comparable(maps.flip(-1) if mirrored else maps, self._card.kind)
                total += _resized(maps, (height, width))
        return total / (2 * len(self._members))

    def features(
        self,
        images: Float32[Tensor, "b 3 h w"],  # noqa: ARG002 - every teacher takes it
    ) -> tuple[Maps, Inner]:
        raise UsageError(
            f"teacher {self._card.name}: several teachers have no inner maps in common; losses on"
            " features need one depth network of this package"
        )

    def to(self, device: torch.device | str) -> None:
        for member in self._members:
            member.to(device)

    def _closest(self, height: int, width: int, size: int | Size | None) -> Teacher:
        return max(self._members, key=lambda one: np.prod(one.input_size(height, width, size)))


def _card(cards: Sequence[TeacherCard]) -> TeacherCard:
    name = f"mean:{'+'.join(card.name for card in cards)}"
    if len({card.kind for card in cards}) > 1:
        each = ", ".join(f"{card.name} gives {card.kind.value}" for card in cards)
        raise UsageError(f"teacher {name}: {each}; expected teachers of one kind")
    licenses = list(dict.fromkeys(card.license for card in cards))
    materials: list[dict[str, Any]] = []
    for row in (row for card in cards for row in card.materials):
        if row not in materials:
            materials.append(row)
    params = [card.params for card in cards]
    return TeacherCard(
        name=name,
        kind=cards[0].kind,
        digest=digest_of("mean of pictures and mirror images", *(card.digest for card in cards)),
        license=" and ".join(licenses) if all(licenses) else "",
        materials=tuple(materials),
        params=None if None in params else sum(count or 0 for count in params),
    )


def _comparable(maps: Maps, kind: DepthKind) -> Maps:
    """Without the part of each map that means nothing; not finite where it was not."""
    if kind is DepthKind.METRIC:
        return maps
    if kind is DepthKind.SCALE_INVARIANT:
        return maps / maps.flatten(1).median(dim=1).values[:, None, None, None]
    finite = maps.isfinite()
    return trimmed_zscore(maps, finite).masked_fill(~finite, torch.nan)


def _resized(maps: Float32[Tensor, "b c h w"], size: Size) -> Float32[Tensor, "b c H W"]:
    if tuple(maps.shape[2:]) == size:
        return maps
    return F.interpolate(maps, size, mode="bilinear", antialias=maps.shape[-1] > size[1])
