"""Photos in tar files, as webdataset lays them out: read in place, by offset, without unpacking.

A photo's key in its tar is its name up to the first dot of the file name; files of one key stand
together. A photo is the first file of its key whose ending is that of a picture and nothing else
(`a.jpg`, not `a.mask.png`); `a.json` beside it may hold its camera (`data/pack.py` writes it).
Where a key has none, its pictures are photos of their own, named up to their last dot: tars that
were not made for training hold `PXL_1.MP.jpg`. Other files are left alone.
"""

import json
import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from featherdepth.config import read_json
from featherdepth.data.packs import is_pack
from featherdepth.data.reader import PhotoReader
from featherdepth.data.storage import files_below, name_below
from featherdepth.data.tar import Member, list_tar, read_member
from featherdepth.data.tar_names import webdataset_name
from featherdepth.errors import InputError
from featherdepth.images.read import IMAGE_SUFFIXES
from featherdepth.types import Image, Intrinsics

logger = logging.getLogger(__name__)

INDEX = "shards.json"
"""Beside the tars: what `data/pack.py` wrote. Tars of others need none."""
LARGEST_JSON = 1 << 20


class Shards(PhotoReader):
    """Unlabelled photos in tars.

    Keys are `tar/name`, both without their endings; `groups` are the tars, one after the other in
    `keys`, so that a consumer may read tar by tar. Headers are read once, when the reader opens;
    what is held is a name and four numbers a photo.
    """

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: a .tar, or a folder with some, subfolders included."""

        root: Path
        split: str | None = None

        def __post_init__(self) -> None:
            if self.split is not None:
                raise ValueError(f"tar shards have no splits, got {self.split!r}; name a tar")

    def __init__(self, config: Config) -> None:
        """List the photos; they are read when asked for.

        Raises:
            InputError: no such tar or folder, or no photo in it.
        """
        super().__init__()
        root = config.root
        self._tars = tars_of(root)
        self.name = root.resolve().stem
        cut: list[str] = []
        beside, example = 0, ""
        places: list[tuple[int, int, int, int, int]] = []
        for number, path in enumerate(self._tars):
            shard = name_below(root, path)
            contents = list_tar(path)
            if contents.fault is not None:
                cut.append(contents.fault)
                self._skip(shard, contents.fault)
            seen: set[str] = set()
            for member, reason in contents.refused:
                if PurePosixPath(member).suffix.lower() in IMAGE_SUFFIXES:
                    self._skip(f"{shard}: {member!r}", f"{shard}: {member!r} {reason}")
            for key, photo, about, others in photos_among(contents.members):
                name = f"{shard}/{key}"
                if others:
                    beside += len(others)
                    example = example or f"{others[0].name} beside {photo.name}"
                if photo.size == 0:
                    self._skip(name, f"{name}: empty file")
                    continue
                if key in seen:
                    self._skip(f"{name} (again)", f"{name}: twice in this tar; the first counts")
                    continue
                seen.add(key)
                self.keys.append(name)
                self.groups.append(shard)
                places.append((number, photo.offset, photo.size, *about))
        if not self.keys:
            reason = next(iter(self._faults.values()), f"known endings: {sorted(IMAGE_SUFFIXES)}")
            raise InputError(f"{root}: no photo found in its tars; {reason}")
        self._places = np.array(places, np.int64)
        for fault in cut:  # beside them there are photos, so the work goes on: say it now
            logger.warning("%s", fault)
        if beside:
            logger.warning(
                "%s: left out, as pictures of a photo that differ in their endings alone: %d,"
                " such as %s; rename them if they are photos of their own",
                root,
                beside,
                example,
            )
        self._compare_with_index(root)

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as the tar holds it.

        Raises:
            InputError: the tar is not there, or has become shorter.
        """
        number, offset, size, _, _ = self._places[index].tolist()
        return read_member(self._tars[number], offset, size)

    def camera(self, index: int, image: Image) -> Intrinsics | None:
        """What the JSON beside a photo says of its camera, at the photo's own size.

        Raises:
            InputError: as `encoded`.
        """
        number, _, _, about, about_size = self._places[index].tolist()
        if not about_size:
            return None
        return _camera(read_member(self._tars[number], about, about_size), image)

    def _compare_with_index(self, root: Path) -> None:
        """Say where the tars are not what was written, if that is known."""
        if not (root / INDEX).is_file():
            return
        try:
            index = read_json(root / INDEX)
            rows = {str(row["name"]): int(row["bytes"]) for row in index["shards"]}
            complete = index["complete"] is True
        except (InputError, LookupError, TypeError, ValueError) as error:
            logger.warning("%s: not readable as a list of shards: %s", root / INDEX, error)
            return
        if not complete:
            logger.warning("%s: was not finished; the same `shard` command goes on", root)
        sizes = {path.name: path.stat().st_size for path in self._tars}
        for name, size_bytes in rows.items():
            if name not in sizes:
                reason = f"{name}: missing in {root.name}, though {INDEX} lists it"
                logger.warning("%s", reason)
                self._skip(Path(name).stem, reason)
            elif sizes[name] > size_bytes:  # a shorter one is told as cut off
                logger.warning("%s: another file than the one in %s", name, INDEX)


def photos_among(
    members: Iterable[Member],
) -> Iterator[tuple[str, Member, tuple[int, int], list[Member]]]:
    """Yield key, photo, (offset, size) of its JSON or zeros, and its key's other pictures."""
    named = ((webdataset_name(member.name), member) for member in members)
    for key, group in groupby(named, key=lambda pair: pair[0][0]):
        if not key:
            continue
        files = [(ending, member) for (_, ending), member in group]
        if photos := [member for ending, member in files if f".{ending}" in IMAGE_SUFFIXES]:
            yield key, photos[0], _about(files, "json"), photos[1:]
            continue
        for ending, member in files:
            inner, _, last = ending.rpartition(".")
            if f".{last}" in IMAGE_SUFFIXES:
                stem = member.name[: -len(last) - 1]
                yield stem, member, _about(files, f"{inner}.json"), []


def _about(files: Iterable[tuple[str, Member]], ending: str) -> tuple[int, int]:
    """Offset and size of the file of this ending; zeros where there is none."""
    sizes = ((m.offset, m.size) for name, m in files if name == ending and m.size <= LARGEST_JSON)
    return next(sizes, (0, 0))


def tars_of(root: Path) -> list[Path]:
    """The tars that `root` is or holds, sorted by their names below it; results are none.

    Raises:
        InputError: there is none, or `root` is a result.
    """
    found = files_below(root, ".tar")
    tars = [path for path in found if not is_pack(path)]
    if found == [root] and not tars:
        raise InputError(
            f"{root}: is a result of featherdepth, not photos; name the tar that it was made of"
        )
    if found and not tars:
        first = found[0].relative_to(root)
        raise InputError(
            f"{root}: only tars of results, such as {first}; name the tars of photos they are of"
        )
    if not tars:
        raise InputError(f"{root}: no .tar in it; expected tar shards of photos")
    return tars


def _camera(content: bytes, image: Image) -> Intrinsics | None:
    """The camera that a JSON of ours holds; None where it is another's or makes no sense."""
    try:
        table: Any = json.loads(content)["intrinsics"]
        fx, fy, cx, cy = (float(table[name]) for name in ("fx", "fy", "cx", "cy"))
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    height, width = image.photo_size
    usable = all(map(math.isfinite, (fx, fy, cx, cy))) and min(fx, fy) > 0
    if not usable or [table.get("height"), table.get("width")] != [height, width]:
        return None
    camera = Intrinsics.given(fx, fy, cx, cy, size=(height, width))
    return replace(camera, source="exif") if table.get("source") == "exif" else camera
