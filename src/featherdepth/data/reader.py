"""What every reader is: keys, samples, usable areas, and a list of what could not be read."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from featherdepth.data.usual import Usual
from featherdepth.errors import InputError
from featherdepth.geometry.parts import Box
from featherdepth.images.read import read_image
from featherdepth.types import Image, Intrinsics, Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A file that could not be used, and why."""

    key: str
    reason: str


class Reader(ABC):
    """A sequence of samples with stable keys.

    Files found missing or empty when the reader opens are not among the keys. A file that proves
    broken later keeps its place; reading it raises `InputError` every time. Both are in `skipped`.
    """

    name: str
    """Of the data set, for tables and messages."""
    terms: str
    """License or class of the pictures, for model cards."""
    split: str | None = None
    """What part of the data set this is."""
    usual: Usual | None = None
    """What the truth of the whole set looks like, where that is known."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.groups: list[str] = []
        """One per key: scene or source, for splits and sampling weights."""
        self._faults: dict[str, str] = {}

    @property
    def materials(self) -> tuple[Mapping[str, Any], ...]:
        """Bill of materials of the truth (`TeacherCard.materials`), where it was not measured."""
        return ()

    @property
    def skipped(self) -> list[Skipped]:
        """Files found unusable so far, in the order of their keys."""
        return [Skipped(key=k, reason=r) for k, r in sorted(self._faults.items())]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample.

        Raises:
            InputError: a broken file; it is then also in `skipped`.
        """
        key = self.keys[index]  # IndexError ends iteration, as sequences do
        try:
            return self._read(index)
        except InputError as error:
            self._skip(key, str(error))
            raise

    def usable(self, index: int) -> Box:
        """The part of the stored picture that shows the scene; the rest is frame or padding."""
        height, width = self._size(index)
        return (0, 0, height, width)

    def part(self, index: int) -> tuple[str, Usual | None]:  # noqa: ARG002 - readers of mixed sets
        """The data set that a sample belongs to, and what its truth usually looks like."""
        return self.name, self.usual

    def describe(self) -> str:
        """What this is, in one line for people."""
        part = f", split {self.split}" if self.split else ""
        faults = f", {len(self._faults)} skipped" if self._faults else ""
        return f"{self.name}{part}: {len(self)} {self._noun}{faults}"

    _noun = "pairs of photo and depth"

    def _skip(self, key: str, reason: str) -> None:
        self._faults[key] = reason

    @abstractmethod
    def _read(self, index: int) -> Sample: ...

    @abstractmethod
    def _size(self, index: int) -> tuple[int, int]:
        """(height, width) of the picture as `_read` gives it."""


class PhotoReader(Reader):
    """Base of readers of unlabelled photos, each the bytes of a file; `Sample.depth` is None."""

    terms = "not stated"
    _noun = "photos"

    @abstractmethod
    def encoded(self, index: int) -> bytes:
        """The file of one photo, as it is stored.

        Raises:
            InputError: it cannot be read; it is not looked at otherwise.
        """

    def camera(self, index: int, image: Image) -> Intrinsics | None:  # noqa: ARG002 - few have one
        """What lies beside a photo about its camera; None where there is nothing.

        Raises:
            InputError: it cannot be read.
        """
        return None

    def _read(self, index: int) -> Sample:
        key = self.keys[index]
        image = read_image(self.encoded(index), name=key)
        camera = self.camera(index, image) or image.intrinsics
        return Sample(key=key, image=replace(image, intrinsics=camera))

    def _size(self, index: int) -> tuple[int, int]:
        return self[index].image.size  # upright: the header alone does not say


def check_one_size(name: str, depth: tuple[int, ...], photo: tuple[int, int]) -> None:
    """Refuse a depth map, called `name`, of another (height, width) than its photo.

    Raises:
        InputError: it is.
    """
    if depth != photo:
        raise InputError(
            f"{name}: {depth[1]}x{depth[0]} pixels, but the photo has {photo[1]}x{photo[0]}; a pair"
            " has one size"
        )


def stream(
    reader: Reader, indices: Iterable[int] | None = None, *, workers: int = 1, ahead: int = 2
) -> Iterator[tuple[int, Sample]]:
    """Yield (index, sample) in order, reading ahead in threads and leaving out broken files.

    At most `workers + ahead` samples are held at a time. What was left out is in `reader.skipped`.
    """
    todo = iter(range(len(reader)) if indices is None else indices)
    queue: deque[tuple[int, Future[Sample]]] = deque()
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="reader") as pool:

        def fill() -> None:
            while len(queue) < workers + ahead and (index := next(todo, None)) is not None:
                queue.append((index, pool.submit(reader.__getitem__, index)))

        try:
            fill()
            while queue:
                index, future = queue.popleft()
                try:
                    sample = future.result()
                except InputError:
                    fill()
                    continue
                fill()
                yield index, sample
        finally:  # the consumer may stop early: do not read what nobody will take
            for _, future in queue:
                future.cancel()
