"""Weights that others released for a depth network we have: `leres-resnet50@res50.pth`.

What LeReS was trained with is kept: RGB stretched to 448x448 by OpenCV's bilinear filter, which
does not antialias, and a raw map that is affine-invariant depth, negative for about half of its
pixels. The demo of its authors then subtracts each image's minimum; that is presentation, and a
shift set by one extreme pixel, so it is left out here.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32, UInt8

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.teachers.base import Sizing, digest_of
from featherdepth.distill.teachers.own import OwnTeacher
from featherdepth.distill.teachers.terms import with_itself
from featherdepth.errors import UsageError
from featherdepth.geometry.resize import Size
from featherdepth.networks.counting import count_params
from featherdepth.networks.depthnet import STRIDE, DepthNet
from featherdepth.networks.folder import file_sha256
from featherdepth.networks.foreign import load_foreign
from featherdepth.networks.zoo import ZOO
from featherdepth.types import DepthKind

LERES_TERMS = "Adobe Research license: non-commercial, no redistribution"


class LeresTeacher(OwnTeacher):
    """LeReS: photos are stretched, bilinear without antialiasing."""

    def prepare(
        self, pixels: UInt8[np.ndarray, "h w 3"], size: int | Size | None = None
    ) -> Float32[np.ndarray, "3 H W"]:
        height, width = pixels.shape[:2]
        return stretched(pixels, self.input_size(height, width, size))


def open_foreign(network: str, path: Path, asked: int | Size | None) -> LeresTeacher:
    """The file at `path` in the network of that name.

    Raises:
        UsageError: a network without foreign weights, or one that gives no depth.
        WeightsError: the file cannot be read weights-only, or is of another network.
    """
    name = f"{network}@{path.name}"
    if network in ZOO:
        raise UsageError(f"teacher {name}: {network} completes measured depth; a photo has none")
    module, _ = load_foreign(network, path)
    if not isinstance(module, DepthNet):
        raise UsageError(f"teacher {name}: {network} is an encoder and gives no depth")
    card = TeacherCard(
        name=name,
        kind=DepthKind.AFFINE_INVARIANT,
        digest=digest_of("foreign", network, file_sha256(path), "stretch, no antialiasing"),
        license=LERES_TERMS,
        materials=with_itself(name, LERES_TERMS),
        params=count_params(module),
    )
    sizing = Sizing(size=448, multiple=STRIDE, rule="stretch")
    return LeresTeacher(card, sizing, asked, module)


def stretched(pixels: UInt8[np.ndarray, "h w 3"], size: Size) -> Float32[np.ndarray, "3 H W"]:
    """RGB in 0..1, bilinear with half-pixel centers and without antialiasing, as OpenCV does."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)) / np.float32(255)
    resized = F.interpolate(torch.from_numpy(planes)[None], size, mode="bilinear")
    return np.ascontiguousarray(resized[0].numpy())
