"""A tiny data set, and models that know its answers; shared by the tests of this room."""

from collections.abc import Callable

import numpy as np

from featherdepth.data.da2k import OrdinalPair
from featherdepth.data.reader import Reader
from featherdepth.errors import InputError
from featherdepth.types import Depth, DepthKind, Image, Sample

SIZE = (12, 16)


def depth(values: np.ndarray, kind: DepthKind = DepthKind.METRIC) -> Depth:
    return Depth(
        values=values.astype(np.float32), valid=np.ones(values.shape, dtype=np.bool_), kind=kind
    )


class Rooms(Reader):
    """Room i is random depth between 1 and 9 m; its photo shows i."""

    name, terms, split = "NYUv2 rooms", "none", "test"

    def __init__(self, count: int) -> None:
        super().__init__()
        # Not in the order of the alphabet, as lists of benchmarks are not.
        self.keys = [f"r/{(7 * i) % 10}-{i}" for i in range(count)]
        self.broken: set[int] = set()
        self.factor = 1.0

    def truth(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).uniform(1, 9, SIZE) * self.factor

    def _read(self, index: int) -> Sample:
        if index in self.broken:
            raise InputError(f"{index}.jpg: damaged")
        return Sample(
            key=self.keys[index],
            image=Image(pixels=np.full((*SIZE, 3), index, dtype=np.uint8), name=str(index)),
            depth=depth(self.truth(index)),
        )

    def _size(self, index: int) -> tuple[int, int]:
        return SIZE


class Ordered(Rooms):
    """The same photos with pairs of points in place of depth."""

    def pairs(self, index: int) -> tuple[OrdinalPair, ...]:
        values = self.truth(index)
        return tuple(
            OrdinalPair(
                first=(0, i), second=(5, i), first_is_nearer=bool(values[0, i] < values[5, i])
            )
            for i in range(index + 2)
        )

    def _read(self, index: int) -> Sample:
        sample = super()._read(index)
        return Sample(key=sample.key, image=sample.image)


class Model:
    """Computes its answer from the number of the room."""

    def __init__(self, answer: Callable[[int], Depth], kind: DepthKind | None = None) -> None:
        self.answer = answer
        self.kind = kind

    def infer(self, image: Image, *, size: object = None) -> Depth:
        return self.answer(int(image.pixels[0, 0, 0]))


def noisy_model(rooms: Rooms, *, seed: int = 0, spread: float = 0.2) -> Model:
    def answer(index: int) -> Depth:
        random = np.random.default_rng([seed, index])
        return depth(rooms.truth(index) * np.exp(random.normal(0, spread, SIZE)))

    return Model(answer)
