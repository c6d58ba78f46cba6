"""Maps of a teacher for every photo of a collection, into a cache.

Batches are fixed by the order of the photos and their input sizes alone, not by what is done
already: a batch of which one map is missing is computed as a whole. The numbers of a map may depend
on its batch in the last bit, so this is what makes the maps of a run that was killed, or of two
processes at once, equal to those of one undisturbed run.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from featherdepth.data.reader import Reader
from featherdepth.data.teacher_maps import MapCache, Refused, photo_key, to_half
from featherdepth.distill.batching import WAITING
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import InputError, RunError
from featherdepth.geometry.resize import Size
from featherdepth.runtime.ahead import WORKERS, work_ahead
from featherdepth.runtime.job import JobResult
from featherdepth.training.allocator import kept_memory
from featherdepth.training.memory import out_of_memory

SMALLER = "--batch or --size"
"""What makes `label` need less memory."""
PATIENCE = 8
"""So many maps with NaN and not one without: it is the teacher, not the photos."""


def label_photos(
    photos: Reader,
    teacher: Teacher,
    cache: MapCache,
    *,
    batch: int = 4,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
    shard: tuple[int, int] | None = None,
    smaller: str = SMALLER,
) -> JobResult:
    """Compute the maps of whole photos that `cache` does not hold, at the cache's size.

    A photo that cannot be read is reported and left. So is one whose map holds NaN or infinity or
    is constant (to the precision of the cache); the cache then keeps a mark, and the next run
    reports it again without computing it. A kill loses at most the batch that was running; any
    number of processes may work on one cache.

    Args:
        batch: photos of one input size that the teacher sees at once.
        progress: called with (photos finished, photos in all), from this thread.
        shard: (i, n): only every n-th photo, beginning with the i-th; i from 1.
        smaller: what to make smaller where memory runs out.

    Raises:
        RunError: the cache cannot be written (no space, read-only), memory ran out, or the
            teacher gives NaN whatever it sees; whole maps stay.
        UsageError: a size that the teacher cannot take.
    """
    if batch < 1:
        raise ValueError(f"a batch has at least one photo, got {batch}")
    teacher.to(device)
    cache.tidy()
    run = _Run(
        photos,
        teacher,
        cache,
        batch=batch,
        device=torch.device(device),
        progress=progress,
        shard=shard,
        smaller=smaller,
    )
    with kept_memory():
        return run.result()


@dataclass(slots=True)
class _Photo:
    """A photo on its way through a batch."""

    index: int
    key: str
    size: Size
    """At which the teacher sees it."""
    found: bool = False
    """Whether the cache holds something of it."""
    refused: str | None = None
    """Why its map is of no use."""
    pixels: Float32[np.ndarray, "3 h w"] | None = None
    """Left out where nobody asks for its map."""


class _Run:
    def __init__(
        self,
        photos: Reader,
        teacher: Teacher,
        cache: MapCache,
        *,
        batch: int,
        device: torch.device,
        progress: Callable[[int, int], None] | None,
        shard: tuple[int, int] | None,
        smaller: str,
    ) -> None:
        self.photos, self.teacher, self.cache = photos, teacher, cache
        self.batch, self.device, self.progress = batch, device, progress
        self.smaller = smaller
        first, step = shard or (1, 1)
        self.wanted = range(first - 1, len(photos), step)
        self.lead = first == 1
        self.done = self.skipped = 0
        self.faults: dict[int, str] = {}
        self.nan = 0
        self.good = False
        """Whether any map of this teacher was of use."""
        self.held: list[tuple[str, str]] = []
        """Marks that are stored once the teacher has shown that it can do better."""

    def result(self) -> JobResult:
        # Files that the reader could not even list: one of several processes reports them.
        listed = set(self.photos.keys)
        unlisted = [s for s in self.photos.skipped if self.lead and s.key not in listed]
        failed = [{"photo": s.key, "error": s.reason} for s in unlisted]
        waiting: dict[Size, list[_Photo]] = {}
        with (
            ThreadPoolExecutor(WORKERS, thread_name_prefix="write") as self.writers,
            closing(work_ahead(self.wanted, self._read)) as stream,
        ):
            for index, photo in stream:
                if isinstance(photo, InputError):
                    self.faults[index] = str(photo)
                    self._report()
                    continue
                group = waiting.setdefault(photo.size, [])
                group.append(photo)
                if len(group) == self.batch:
                    self._label(waiting.pop(photo.size))
                elif sum(map(len, waiting.values())) >= WAITING * self.batch:
                    self._label(waiting.pop(next(iter(waiting))))  # the one that waits longest
            for group in waiting.values():
                self._label(group)
        keys = self.photos.keys
        failed += [{"photo": keys[i], "error": self.faults[i]} for i in sorted(self.faults)]
        return JobResult(done=self.done, skipped=self.skipped, failed=failed)

    def _read(self, index: int) -> _Photo:
        image = self.photos[index].image
        size = self.teacher.input_size(*image.size, self.cache.size)
        photo = _Photo(index=index, key=photo_key(image.pixels), size=size)
        self._look_up(photo)
        if not photo.found:
            photo.pixels = self.teacher.prepare(image.pixels, self.cache.size)
        return photo

    def _look_up(self, photo: _Photo) -> None:
        found = self.cache.find(photo.key)
        photo.found = found is not None
        photo.refused = found.reason if isinstance(found, Refused) else None

    def _label(self, group: list[_Photo]) -> None:
        for photo in group:
            if not photo.found:
                self._look_up(photo)  # by another process, or the same photo under another name
            self.good = self.good or (photo.found and photo.refused is None)
        # Of equal photos in one batch the first counts.
        missing = {photo.key: photo for photo in reversed(group) if not photo.found}
        if missing:
            self._compute(group, missing)
        for photo in group:
            first = missing.get(photo.key, photo)
            if first.refused is not None:
                self.faults[photo.index] = first.refused
            elif photo.found or first is not photo:
                self.skipped += 1
            else:
                self.done += 1
            self._report()
        self._settle_marks()

    def _compute(self, group: list[_Photo], missing: dict[str, _Photo]) -> None:
        pixels = [self._pixels(photo) for photo in group]
        maps = teacher_maps(self.teacher, pixels, self.device, smaller=self.smaller)
        writing = []
        for photo, values in zip(group, maps, strict=True):
            if missing.get(photo.key) is not photo:
                continue
            reason = fault(values)
            if reason is None:
                self.good = True
                writing.append(self.writers.submit(self.cache.write, photo.key, values))
            else:
                self.nan += not np.isfinite(values).all()
                name = self.photos.keys[photo.index]
                photo.refused = f"{name}: {self.teacher.card.name} gave {reason}"
                self.held.append((photo.key, photo.refused))
        for future in writing:
            future.result()

    def _settle_marks(self) -> None:
        if self.good:
            for key, reason in self.held:
                self.cache.refuse(key, reason)
            self.held.clear()
        elif self.nan >= PATIENCE:
            raise only_nan(self.teacher, self.nan)

    def _pixels(self, photo: _Photo) -> Float32[np.ndarray, "3 h w"]:
        if photo.pixels is not None:
            return photo.pixels
        # Done already, but part of a batch that is not.
        return self.teacher.prepare(self.photos[photo.index].image.pixels, self.cache.size)

    def _report(self) -> None:
        if self.progress is not None:
            finished = self.done + self.skipped + len(self.faults)
            self.progress(finished, len(self.wanted))


def teacher_maps(
    teacher: Teacher,
    prepared: list[Float32[np.ndarray, "3 h w"]],
    device: torch.device,
    *,
    smaller: str = SMALLER,
) -> Float32[np.ndarray, "b h2 w2"]:
    """Raw maps of photos of one input size.

    Args:
        smaller: what to make smaller where memory runs out.

    Raises:
        RunError: memory ran out.
    """
    images = torch.from_numpy(np.stack(prepared))
    try:
        maps = teacher(images.to(device))
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        photos = f"{len(prepared)} photo{'s' if len(prepared) > 1 else ''}"
        raise RunError(
            f"teacher {teacher.card.name}: out of memory at {photos} of"
            f" {images.shape[2]}x{images.shape[3]}; use a smaller {smaller}"
        ) from error
    stored: Float32[np.ndarray, "b h2 w2"] = maps[:, 0].float().cpu().numpy()
    return stored


def only_nan(teacher: Teacher, count: int) -> RunError:
    """What is said of a teacher that gave no map of use, and `count` with NaN."""
    return RunError(
        f"teacher {teacher.card.name}: NaN or infinity in each of its first {count} maps; expected"
        " finite depth: check its weights, or try another --size or --device"
    )


def fault(values: Float32[np.ndarray, "h w"]) -> str | None:
    """Why a map teaches nothing; None if it may."""
    if not np.isfinite(values).all():
        share = 100 * float(np.mean(~np.isfinite(values)))
        return f"NaN or infinity in {share:.3g} % of the map; expected finite depth"
    stored, _ = to_half(values)
    if stored.min() == stored.max():
        return f"a constant map ({values.flat[0]:.4g}); expected depth that varies"
    return None
