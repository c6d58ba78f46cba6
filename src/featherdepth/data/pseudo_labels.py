"""Photos with the maps of a teacher as truth: pseudo-labels.

    root    the photos: a folder, a .zip or a .txt list, as for `photos`
    cache   the maps that `featherdepth label PHOTOS --teacher T -o CACHE` wrote of them

The truth is of the teacher's kind, at the size of the photo. A photo without a map is broken: the
teacher gave none that can be used, or the photo came after the cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.data.photos import Photos
from featherdepth.data.reader import Reader
from featherdepth.data.teacher_maps import MapCache, Refused, photo_key
from featherdepth.errors import InputError
from featherdepth.geometry.resize import resize_map
from featherdepth.types import Depth, Sample


class PseudoLabels(Reader):
    """Photos and what a teacher says of them."""

    _noun = "photos with maps of a teacher"

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root` and `cache` as above; `terms` of the photos, for model cards."""

        root: Path
        cache: Path
        terms: str = "not stated"
        split: str | None = None

    def __init__(self, config: Config) -> None:
        """List the photos; they are opened when asked for.

        Raises:
            InputError: no photos, or no cache of maps there.
        """
        super().__init__()
        self._photos = Photos(Photos.Config(root=config.root, split=config.split))
        self._maps = MapCache.existing(config.cache)
        self.name = self._photos.name
        self.terms = config.terms
        self.keys, self.groups = self._photos.keys, self._photos.groups
        for fault in self._photos.skipped:
            self._skip(fault.key, fault.reason)

    @property
    def materials(self) -> tuple[Mapping[str, Any], ...]:
        """What the teacher was made from."""
        return self._maps.card.materials

    def _read(self, index: int) -> Sample:
        image = self._photos[index].image
        found = self._maps.find(photo_key(image.pixels))
        if found is None or isinstance(found, Refused):
            reason = f"was refused: {found.reason}" if found else "is missing; run label again"
            raise InputError(f"{self.keys[index]}: its map in {self._maps.folder} {reason}")
        values = resize_map(found, image.size)
        valid = np.ones(values.shape, np.bool_)
        depth = Depth(values=values, valid=valid, kind=self._maps.card.kind)
        return Sample(key=self.keys[index], image=image, depth=depth)

    def _size(self, index: int) -> tuple[int, int]:
        return self._photos.usable(index)[2:]
