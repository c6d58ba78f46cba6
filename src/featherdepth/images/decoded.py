"""A photo as its decoder left it."""

from typing import Any

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from featherdepth.types import Image, Intrinsics


class DecodedImage(Image):
    """An `Image` whose array is made when somebody asks for `pixels`.

    A network's input is resized from what the decoder left, so most photos never become an array:
    two copies less, a twentieth of a call of a small network.
    """

    __slots__ = ("picture",)
    picture: PIL.Image.Image | None
    """RGB, upright; None since there is an array."""

    def __init__(
        self,
        *,
        picture: PIL.Image.Image | None = None,
        pixels: UInt8[np.ndarray, "h w 3"] | None = None,
        intrinsics: Intrinsics | None = None,
        name: str = "image",
        full_size: tuple[int, int] | None = None,
    ) -> None:
        # With `pixels` alone by `dataclasses.replace`, which knows the fields of `Image`.
        if pixels is not None:
            object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "picture", picture)
        object.__setattr__(self, "intrinsics", intrinsics)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "full_size", full_size)

    def __getattr__(self, name: str) -> Any:
        """Make `pixels`: only what has no value yet is asked for here."""
        held = self.picture if name == "pixels" else None
        if held is not None:
            object.__setattr__(self, "pixels", np.array(held))
            object.__setattr__(self, "picture", None)
        return object.__getattribute__(self, name)  # another thread may have made them

    def __reduce__(self) -> Any:
        """As an array: what another process gets needs no decoder."""
        return _plain, (self.pixels, self.intrinsics, self.name, self.full_size)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)"""
        held = self.picture
        return super().size if held is None else (held.height, held.width)


def picture_of(image: Image) -> PIL.Image.Image:
    """The photo as Pillow holds it, without a copy where it was decoded so; not to be changed."""
    held = image.picture if isinstance(image, DecodedImage) else None
    return PIL.Image.fromarray(image.pixels) if held is None else held


def _plain(pixels: Any, intrinsics: Any, name: str, full_size: Any) -> Image:
    return Image(pixels=pixels, intrinsics=intrinsics, name=name, full_size=full_size)
