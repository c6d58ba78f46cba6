"""What teachers share: a card, the size they see, and torch modules that stay as they are."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.errors import UsageError
from featherdepth.geometry.resize import Size, network_size
from featherdepth.images.prepare import prepare
from featherdepth.types import Image

Maps = Float32[Tensor, "b 1 h2 w2"]
Inner = dict[str, Float[Tensor, "b _ _ _"]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizing:
    """At which size a photo is seen: as `network_size`, or always at one."""

    size: int | Size
    multiple: int = 32
    rule: Literal["keep", "stretch"] = "keep"
    fixed: bool = False
    """The pair `size` is the only one possible."""

    def of(self, height: int, width: int, asked: int | Size | None, name: str) -> Size:
        """(height, width) for a photo.

        Raises:
            UsageError: a size that this teacher cannot take.
        """
        if self.fixed and asked not in (None, self.size):
            rows, columns = (self.size, self.size) if isinstance(self.size, int) else self.size
            raise UsageError(
                f"teacher {name}: sees every photo at {rows}x{columns}, not at {asked}; leave the"
                " size out"
            )
        if self.fixed and not isinstance(self.size, int):
            return self.size
        return network_size(height, width, asked or self.size, self.multiple, self.rule)


class BaseTeacher:
    """A teacher with a card and a size; how it computes is its subclass's.

    Not a torch module on purpose: put into an object of training, its weights are neither trained
    nor saved, and `train()` does not reach it.
    """

    def __init__(self, card: TeacherCard, sizing: Sizing, asked: int | Size | None) -> None:
        self._card = card
        self._sizing = sizing
        self._asked = asked
        self.input_size(1, 1)  # a size that does not fit is refused at the door

    @property
    def card(self) -> TeacherCard:
        return self._card

    def input_size(self, height: int, width: int, size: int | Size | None = None) -> Size:
        return self._sizing.of(height, width, size or self._asked, self._card.name)

    def prepare(
        self, pixels: UInt8[np.ndarray, "h w 3"], size: int | Size | None = None
    ) -> Float32[np.ndarray, "3 H W"]:
        height, width = pixels.shape[:2]
        chosen = self.input_size(height, width, size)
        return prepare(Image(pixels=pixels), size=chosen, multiple=1)  # it fits: checked above

    def features(
        self,
        images: Float32[Tensor, "b 3 h w"],  # noqa: ARG002 - every teacher takes it
    ) -> tuple[Maps, Inner]:
        raise UsageError(
            f"teacher {self._card.name}: has no inner maps by name; losses on features need a depth"
            " network of this package as teacher"
        )

    def to(self, device: torch.device | str) -> None:
        """Nothing to move: maps are returned where the pictures came from."""


class TorchTeacher(BaseTeacher):
    """A torch module in eval mode without gradient, always computing in float32.

    Autocast of the caller is switched off inside: the map of a photo must not depend on who asks
    for it, since it is cached. `no_grad` rather than `inference_mode`, whose tensors cannot be
    saved for a student's backward pass.
    """

    def __init__(
        self, card: TeacherCard, sizing: Sizing, asked: int | Size | None, module: nn.Module
    ) -> None:
        super().__init__(card, sizing, asked)
        self.module = module.eval().requires_grad_(False)

    def __call__(self, images: Float32[Tensor, "b 3 h w"]) -> Maps:
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            return as_maps(self._maps(images), len(images), self._card.name)

    def to(self, device: torch.device | str) -> None:
        self.module.to(device)

    def _maps(self, images: Float32[Tensor, "b 3 h w"]) -> Any:
        return self.module(images.clone())  # theirs may work in place


def as_maps(value: Any, batch: int, name: str) -> Maps:
    """What a network gave as float32 maps `b 1 h w`; values are not looked at.

    Raises:
        UsageError: it is something else.
    """
    expected = f"expected a tensor of shape ({batch}, 1, h, w) or ({batch}, h, w)"
    if not isinstance(value, Tensor):
        raise UsageError(f"teacher {name}: gave {type(value).__name__}; {expected}")
    maps = value.unsqueeze(1) if value.ndim == 3 else value
    fits = maps.ndim == 4 and maps.shape[:2] == (batch, 1) and maps.numel() > 0
    if not fits or not maps.is_floating_point():
        kind = str(value.dtype).removeprefix("torch.")
        raise UsageError(f"teacher {name}: gave {kind} of shape {tuple(value.shape)}; {expected}")
    return maps.detach().float()


def digest_of(*parts: object) -> str:
    """sha256 of everything that makes a teacher's map what it is."""
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()
