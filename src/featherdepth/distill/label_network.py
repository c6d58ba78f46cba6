"""The steps of `LabelWork` that need the teacher: photos made ready for it, and their maps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float32

from featherdepth.data.teacher_maps import MapCache, Refused, photo_key
from featherdepth.data.units import OpenUnit, Unit
from featherdepth.distill.batching import batches
from featherdepth.distill.label import PATIENCE, fault, only_nan, teacher_maps
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.geometry.resize import Size
from featherdepth.runtime.work import Answer, Item


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """A photo as the network gets it."""

    key: str
    size: Size
    found: bool
    """Whether the cache has a file of it."""
    refused: str | None
    pixels: Float32[np.ndarray, "3 h w"] | None
    """None where nobody will compute it."""


class Opened(OpenUnit):
    """A unit whose photos are made ready for the teacher."""

    def __init__(self, unit: Unit, teacher: Teacher, store: MapCache) -> None:
        super().__init__(unit)
        self._teacher, self._cache = teacher, store

    def read(self, position: int) -> Item:
        image = self.image(position)
        key = photo_key(image.pixels)
        found = self._cache.find_file(key)
        content = Prepared(
            key=key,
            size=self._teacher.input_size(*image.size, self._cache.size),
            found=found is not None,
            refused=found.reason if isinstance(found, Refused) else None,
            pixels=self._teacher.prepare(image.pixels, self._cache.size),
        )
        return Item(index=position, photo=self.name(position), content=content)


class Preparing:
    """Photos to what the teacher sees."""

    def __init__(self, teacher: Teacher, store: MapCache, batch: int) -> None:
        self._teacher, self._cache, self._batch = teacher, store, batch

    def open(self, unit: Unit) -> Opened:
        return Opened(unit, self._teacher, self._cache)

    def trim(self, items: list[Item]) -> list[Item]:
        """Photos of batches that are in the cache already need no pixels."""
        kept = {
            item.index
            for group in batches(items, self._batch)
            if not all(item.content.found for item in group)
            for item in group
        }
        return [
            item
            if item.index in kept
            else replace(item, content=replace(item.content, pixels=None))
            for item in items
        ]


class Network:
    """The teacher, and what it has shown so far."""

    def __init__(self, teacher: Teacher, device: str, batch: int) -> None:
        self._teacher, self._device, self._batch = teacher, torch.device(device), batch
        self._nan = 0
        self._good = False

    def __call__(self, items: list[Item]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        first: dict[str, Answer] = {}
        for item in items:
            if item.content.found:
                found = Answer(
                    index=item.index,
                    photo=item.photo,
                    content=(item.content.key, None),
                    skipped=True,
                    error=item.content.refused,
                )
                answers[item.index] = first[item.content.key] = found
                self._good = self._good or item.content.refused is None
        for group in batches(items, self._batch):
            if all(item.content.key in first for item in group):
                maps: Sequence[Float32[np.ndarray, "h w"] | None] = [None] * len(group)
            else:
                pixels = [item.content.pixels for item in group]
                maps = list(teacher_maps(self._teacher, pixels, self._device))
            for item, values in zip(group, maps, strict=True):
                if item.index in answers:
                    continue
                key = item.content.key
                if key in first:
                    same = replace(first[key], index=item.index, photo=item.photo, skipped=True)
                    answers[item.index] = same
                elif values is not None:
                    answers[item.index] = first[key] = self._answer(item, values)
        return [answers[item.index] for item in items]

    def _answer(self, item: Item, values: Float32[np.ndarray, "h w"]) -> Answer:
        key, reason = item.content.key, fault(values)
        if reason is None:
            self._good = True
            return Answer(index=item.index, photo=item.photo, content=(key, values))
        self._nan += not np.isfinite(values).all()
        if not self._good and self._nan >= PATIENCE:
            raise only_nan(self._teacher, self._nan)
        refused = f"{item.photo}: {self._teacher.card.name} gave {reason}"
        # A teacher that has given nothing of use yet leaves no marks.
        made = refused if self._good else None
        return Answer(index=item.index, photo=item.photo, content=(key, made), error=refused)
