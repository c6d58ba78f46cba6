"""DA-2K: photos with pairs of points, of which people said which one is nearer.

`annotations.json`: {picture: [{"point1": [row, column], "point2": [row, column],
"closer_point": "point1"}]}. `point1` is always the nearer one in the published file, so that a
model that always answers "the first" would score 100 %: here the two are swapped in half of the
pairs, decided by the name of the picture and the number of the pair. Yang et al., "Depth Anything
V2", 2024.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from featherdepth import rng
from featherdepth.config import read_json
from featherdepth.data.benchmark import Benchmark, Published
from featherdepth.data.storage import Storage
from featherdepth.errors import InputError
from featherdepth.images.read import read_image
from featherdepth.types import Sample

FILE = "annotations.json"
POINTS = ("point1", "point2")

Point = tuple[int, int]
"""(row, column) in pixels of the photo."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OrdinalPair:
    """Two places of a photo and which one is nearer to the camera."""

    first: Point
    second: Point
    first_is_nearer: bool


class Da2k(Benchmark):
    """Photos without depth maps; the truth of a photo is `pairs(index)`."""

    name = "DA-2K"
    terms = "DA-2K (class C: CC BY-NC 4.0, evaluation only)"
    published = Published(counts={})
    _noun = "photos with ordered pairs of points"

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: the folder of `annotations.json`. `split`: one of its scene types."""

        root: Path
        split: str | None = None

    def __init__(self, config: Config) -> None:
        """Read the annotations; photos are opened when asked for.

        Raises:
            InputError: no annotations, of another form, or less than half of the photos.
            UsageError: a scene type that does not occur.
        """
        super().__init__()
        self._storage = Storage(config.root)
        table = {key: _pairs(key, said) for key, said in read_json(config.root / FILE).items()}
        scenes = {key: PurePosixPath(key).parent.name for key in table}
        self._check_split(config.split, tuple(sorted(set(scenes.values()))))
        self.split = config.split
        wanted = sorted(key for key in table if config.split in (None, scenes[key]))
        self._pairs: dict[str, tuple[OrdinalPair, ...]] = {}
        for key in wanted:
            if (fault := self._storage.fault(key)) is not None:
                self._skip(key, fault)
                continue
            self.keys.append(key)
            self._pairs[key] = table[key]
        self.groups = [scenes[key] for key in self.keys]
        self._check_found(config.root, len(wanted), f"{FILE} names no photo")

    def pairs(self, index: int) -> tuple[OrdinalPair, ...]:
        """The annotated pairs of one photo; in about half of all pairs the second is nearer."""
        return self._pairs[self.keys[index]]

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as it is stored."""
        return self._storage.read(self.keys[index])

    def describe(self) -> str:
        """What this is, in one line."""
        return f"{super().describe()}, {sum(map(len, self._pairs.values()))} pairs"

    def _size(self, index: int) -> tuple[int, int]:
        return self[index].image.size

    def _read(self, index: int) -> Sample:
        key = self.keys[index]
        image = read_image(self._storage.read(key), name=key)
        height, width = image.size
        for pair in self._pairs[key]:
            for row, column in (pair.first, pair.second):
                if not (0 <= row < height and 0 <= column < width):
                    raise InputError(
                        f"{key}: point (row {row}, column {column}) lies outside of"
                        f" {width}x{height} pixels; points are (row, column)"
                    )
        return Sample(key=key, image=image)


def _pairs(key: str, said: Any) -> tuple[OrdinalPair, ...]:
    if not isinstance(said, list) or not all(isinstance(entry, dict) for entry in said):
        raise InputError(f"{FILE}: {key}: expected a list of pairs")
    return tuple(_pair(key, number, entry) for number, entry in enumerate(said))


def _pair(key: str, number: int, entry: dict[str, Any]) -> OrdinalPair:
    nearer = entry.get("closer_point")
    if nearer not in POINTS:
        raise InputError(
            f"{FILE}: {key}: closer_point {nearer!r} is not one of {', '.join(POINTS)}"
        )
    first, second = (_point(key, entry.get(name)) for name in POINTS)
    pair = OrdinalPair(first=first, second=second, first_is_nearer=nearer == POINTS[0])
    if rng.derive(0, "da2k", key, number) % 2 == 0:
        return pair
    return OrdinalPair(first=second, second=first, first_is_nearer=not pair.first_is_nearer)


def _point(key: str, said: Any) -> Point:
    numbers = isinstance(said, list) and len(said) == 2
    if not numbers or not all(isinstance(v, int | float) and abs(v) < 1e6 for v in said):
        raise InputError(f"{FILE}: {key}: point {said!r}; expected [row, column]")
    return (int(said[0]), int(said[1]))
