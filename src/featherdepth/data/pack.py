"""Photos into tar shards, in their order; what was written before a kill is kept.

    shards.json         what the tars are; written anew after each of them
    shard-000000.tar    key.jpg, then key.json where there is something to say, and so on

Keys are the photos' names without ending (`tar_names.py`). A tar depends on the photos and the
options alone: no times, no owners. Every photo is decoded once, so that a broken one is found now.
"""

import contextlib
import hashlib
import io
import json
import math
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import PIL.Image

from featherdepth.config import from_table, read_json
from featherdepth.data.photos import Photos
from featherdepth.data.shards import INDEX
from featherdepth.data.tar import tar_entry, whole_size
from featherdepth.data.tar_names import tar_keys
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.geometry.resize import resize_pixels
from featherdepth.images.atomic import atomic_file, make_folder, remove_partials, write_atomic
from featherdepth.images.read import IMAGE_SUFFIXES, read_image
from featherdepth.types import Image

FORMAT = "featherdepth-shards-1"
QUALITY = 95
"""Of photos that are shrunk."""
AHEAD = 4
"""Photos made ready ahead for each worker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackResult:
    """What became of the photos."""

    shards: int
    kept: int
    """Of these, whole ones from an earlier run."""
    photos: int
    size_bytes: int
    failed: list[dict[str, str]]
    """`photo` (its name in the collection) and `error`, in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One tar, as shards.json lists it."""

    name: str
    photos: int
    bytes: int
    sha256: str
    first: int
    """Position in the collection of the first photo that was looked at for it."""
    next: int
    """That of the first photo of the tar after it."""
    failed: tuple[dict[str, str], ...]


def write_shards(
    photos: Photos,
    out: Path,
    *,
    size_mb: float | int = 256,
    max_side: int | None = None,
    workers: int = 4,
    progress: Callable[[int, int], None] | None = None,
) -> PackResult:
    """Write a collection as tars of at most `size_mb` megabytes (a larger photo gets its own).

    Files keep their bytes, unless a photo is longer than `max_side`: that one is shrunk and stored
    as JPEG, and its camera, where EXIF told one, goes into its JSON. A run on the same photos
    (names, lengths, times of change) and options goes on after the tars that are there; only one
    may write at a time.

    Args:
        progress: called with (photos finished, photos in all), from this thread.

    Raises:
        UsageError: a size that is not finite and above 0, or a side below 1.
        InputError: not one photo can be read.
        RunError: the folder holds something else or tars of other photos or options, or cannot be
            written (no space, read-only); whole tars stay.
    """
    if not 0 < size_mb < math.inf:
        raise UsageError(f"shards of {size_mb} MB; expected a finite number above 0, such as 256")
    if max_side is not None and max_side < 1:
        raise UsageError(f"a longest side of {max_side} pixels; expected 1 or more, such as 1024")
    packer = _Packer(photos, out, size_mb, max_side, workers)
    packer.progress = progress
    with contextlib.closing(packer):
        return packer.run()


class _Packer:
    progress: Callable[[int, int], None] | None = None

    def __init__(
        self, photos: Photos, out: Path, size_mb: float | int, max_side: int | None, workers: int
    ) -> None:
        self._photos, self._out, self._workers = photos, out, workers
        self._keys = tar_keys(photos.keys)
        self._limit, self._max_side = int(size_mb * 1e6), max_side
        # Length and time of change: pictures without compression are all equally long.
        facts = [(photos.size_bytes(i), photos.modified_ns(i)) for i in range(len(photos))]
        listed = json.dumps([photos.keys, facts], ensure_ascii=True).encode()
        self._plan = {
            "max_side": max_side,
            "photos": len(photos),
            "photos_sha256": hashlib.sha256(listed).hexdigest(),
            "size_mb": size_mb,
        }
        self._stream: Generator[tuple[int, bytes | InputError], None, None] | None = None
        self._pending: tuple[int, bytes | InputError] | None = None

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def run(self) -> PackResult:
        known = self._begin()
        remove_partials(self._out)
        shards: list[Shard] = []
        kept = position = 0
        while position < len(self._photos):
            number = len(shards)
            shard = known[number] if number < len(known) else None
            if shard is not None and shard.first == position and self._is_whole(shard):
                kept += 1
            else:
                shard = self._write(number, position)
                if shard.photos == 0:
                    raise InputError(
                        f"{self._photos.name}: not one of {len(self._photos)} photos can be read;"
                        f" {shard.failed[0]['error']}"
                    )
                self._save([*shards, shard], complete=False)
            shards.append(shard)
            position = shard.next
            self._report(position)
        self._save(shards, complete=True)
        return PackResult(
            shards=len(shards),
            kept=kept,
            photos=sum(shard.photos for shard in shards),
            size_bytes=sum(shard.bytes for shard in shards),
            failed=[row for shard in shards for row in shard.failed],
        )

    def _begin(self) -> list[Shard]:
        """What an earlier run has listed."""
        path = self._out / INDEX
        if not path.exists():
            self._check_empty()
            make_folder(self._out)
            self._save([], complete=False)  # from now on the folder is known as ours
            return []
        try:
            found = read_json(path)
            form, plan = found["format"], dict(found["plan"])
            rows = [from_table(Shard, row, f"{path}: shards") for row in found["shards"]]
        except (InputError, UsageError, LookupError, TypeError, ValueError) as error:
            raise RunError(f"{path}: damaged ({error}); choose another folder") from error
        for name, value in {"format": FORMAT, **self._plan}.items():
            theirs = form if name == "format" else plan.get(name)
            if theirs != value:
                said = f"{_option(name, theirs)}, not {_option(name, value)}"
                if name.startswith("photos"):
                    said = f"other photos ({plan.get('photos')} of them), or of older ones"
                raise RunError(f"{self._out}: holds shards of {said}; choose another folder")
        return rows

    def _check_empty(self) -> None:
        try:
            others = sorted(p.name for p in self._out.iterdir() if not p.name.startswith("."))
        except FileNotFoundError:
            return
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"{self._out}: cannot hold shards: {reason}") from error
        if others:
            raise RunError(
                f"{self._out}: holds {others[0]} and no {INDEX}; expected a folder of shards, or a"
                " new or empty one"
            )

    def _is_whole(self, shard: Shard) -> bool:
        # A tar takes its name only when it is whole; a copy that was cut off is shorter.
        path = self._out / shard.name
        return path.is_file() and path.stat().st_size == shard.bytes

    def _save(self, shards: Sequence[Shard], *, complete: bool) -> None:
        table = {
            "bytes": sum(shard.bytes for shard in shards),
            "complete": complete,
            "format": FORMAT,
            "photos": sum(shard.photos for shard in shards),
            "plan": self._plan,
            "shards": [asdict(shard) for shard in shards],
        }
        text = json.dumps(table, indent=1, sort_keys=True) + "\n"
        write_atomic(self._out / INDEX, text.encode())

    def _write(self, number: int, first: int) -> Shard:
        """Write one tar, beginning with the photo at `first`; none where no photo is left."""
        name = f"shard-{number:06d}.tar"
        digest, size, count, after = hashlib.sha256(), 0, 0, first
        failed = []
        with contextlib.ExitStack() as stack:
            file = None
            for position, item in self._items(first):
                if isinstance(item, InputError):
                    row = {"photo": self._photos.keys[position], "error": str(item)}
                    failed.append(row)
                elif file is not None and whole_size(size + len(item)) > self._limit:
                    break
                else:
                    file = file or stack.enter_context(atomic_file(self._out / name))
                    file.write(item)
                    digest.update(item)
                    size, count = size + len(item), count + 1
                after = position + 1
                self._report(after)
            if file is not None:
                end = bytes(whole_size(size) - size)
                file.write(end)
                digest.update(end)
        return Shard(
            name=name,
            photos=count,
            bytes=whole_size(size),
            sha256=digest.hexdigest(),
            first=first,
            next=after,
            failed=tuple(failed),
        )

    def _items(self, first: int) -> Generator[tuple[int, bytes | InputError], None, None]:
        """Photos from `first` on; one that the consumer stops at is there again next time."""
        if self._stream is None or self._pending is None or self._pending[0] != first:
            self.close()
            self._stream = self._ready(first)
            self._pending = next(self._stream, None)
        while self._pending is not None:
            yield self._pending
            self._pending = next(self._stream, None)

    def _ready(self, first: int) -> Generator[tuple[int, bytes | InputError], None, None]:
        step = AHEAD * self._workers
        with ThreadPoolExecutor(self._workers, thread_name_prefix="pack") as pool:
            for begin in range(first, len(self._photos), step):
                positions = range(begin, min(begin + step, len(self._photos)))
                yield from zip(positions, pool.map(self._sample, positions), strict=True)

    def _sample(self, position: int) -> bytes | InputError:
        """The entries of one photo in its tar, or why there are none."""
        name, key = self._photos.keys[position], self._keys[position]
        ending = PurePosixPath(name).suffix.lower()
        if ending not in IMAGE_SUFFIXES:  # a list may name files without one
            ending = ".jpg"
        about: dict[str, Any] = {}
        try:
            content = self._photos.encoded(position)
            image = read_image(content, name=name, max_side=self._max_side)
        except InputError as error:
            return error
        if self._max_side is not None and max(image.photo_size) > self._max_side:
            content, about = _shrunk(image, self._max_side)
            ending = ".jpg"
        if name.casefold() != f"{key}{ending}".casefold():
            about["name"] = name
        entries = tar_entry(key + ending, content)
        if about:
            entries += tar_entry(f"{key}.json", json.dumps(about, sort_keys=True).encode())
        return entries

    def _report(self, finished: int) -> None:
        if self.progress is not None:
            self.progress(finished, len(self._photos))


def _option(name: str, value: object) -> str:
    return "photos of their own size" if value is None else f"{name} {value}"


def _shrunk(image: Image, max_side: int) -> tuple[bytes, dict[str, Any]]:
    """A JPEG of at most `max_side`, the aspect kept, and what would be lost otherwise."""
    height, width = image.photo_size
    factor = max_side / max(height, width)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    buffer = io.BytesIO()
    picture = PIL.Image.fromarray(resize_pixels(image.pixels, size))
    picture.save(buffer, "jpeg", quality=QUALITY)
    about: dict[str, Any] = {"photo_size": [height, width]}
    if image.intrinsics is not None:
        about["intrinsics"] = asdict(image.intrinsics.resized(*size))
    return buffer.getvalue(), about
