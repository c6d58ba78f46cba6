"""Depth networks of this package as teachers: embedded models and model folders, such as runs."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.teachers.base import (
    Inner,
    Maps,
    Sizing,
    TorchTeacher,
    as_maps,
    digest_of,
)
from featherdepth.distill.teachers.terms import with_itself
from featherdepth.errors import UsageError
from featherdepth.geometry.resize import Size
from featherdepth.networks.depthnet import DepthNet
from featherdepth.networks.weights import load_model
from featherdepth.runtime.presets import check_sees_depth

UNSAID = {"fast": (224, 64), "small": (288, 64), "topformer-lite": (224, 64)}
"""Network -> size and multiple that its digest does not name: those of the models that were there
before digests named them, whose maps in caches stay good. Not to be changed: a cache would be taken
for one of other maps."""


class OwnTeacher(TorchTeacher):
    """A depth network of this package; it has inner maps by name."""

    def __init__(
        self, card: TeacherCard, sizing: Sizing, asked: int | Size | None, network: DepthNet
    ) -> None:
        super().__init__(card, sizing, asked, network)
        self._network = network
        # Depthwise layers on a CPU are about twice as fast with channels innermost.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # its stub lacks the keyword

    def features(self, images: Float32[Tensor, "b 3 h w"]) -> tuple[Maps, Inner]:
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            maps, inner = self._network.features(_innermost(images))
            return as_maps(maps, len(images), self._card.name), inner

    def _maps(self, images: Float32[Tensor, "b 3 h w"]) -> Any:
        return self.module(_innermost(images))


def open_own(folder: Path, asked: int | Size | None) -> OwnTeacher:
    """A model folder as teacher; what its numbers mean and its sizes are those of its config.

    Raises:
        WeightsError: a file is missing or damaged, or does not fit the network.
        UsageError: the network gives no depth.
    """
    preset, module = load_model(folder)
    check_sees_depth(preset, "name a depth model")
    if not isinstance(module, DepthNet):
        raise UsageError(f"teacher {folder}: {preset.network} is an encoder and gives no depth")
    sizing = Sizing(size=preset.size, multiple=preset.multiple, rule=preset.resize)
    seen: tuple[object, ...] = (preset.kind.value, preset.resize, preset.mean, preset.std)
    if (preset.size, preset.multiple) != UNSAID.get(preset.network):
        seen = (*seen, preset.size, preset.multiple)
    card = TeacherCard(
        name=preset.name,
        kind=preset.kind,
        digest=digest_of("own", preset.sha256, *seen),
        license=preset.license,
        materials=with_itself(preset.name, preset.license, preset.materials),
        params=preset.params,
    )
    return OwnTeacher(card, sizing, asked, module)


def _innermost(images: Float32[Tensor, "b 3 h w"]) -> Float32[Tensor, "b 3 h w"]:
    return images.contiguous(memory_format=torch.channels_last)
