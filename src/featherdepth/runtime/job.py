"""Many photos to files, several at a time; a broken photo is listed and left."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from featherdepth.errors import InputError, RunError
from featherdepth.images.atomic import remove_partials
from featherdepth.images.failures import write_failures
from featherdepth.images.read import FoundImage, read_image
from featherdepth.runtime.ahead import WORKERS, work_ahead
from featherdepth.runtime.cpu import cores
from featherdepth.runtime.model import DepthModel, OutSize
from featherdepth.runtime.outputs import OutputOptions
from featherdepth.runtime.results import is_done, source_facts, write_outputs
from featherdepth.types import Depth, Image, Intrinsics

MOST_STREAMS = 4
"""A bound on memory: each takes 20 to 40 MB of `small`. More than two were not measured."""


@dataclass(slots=True)
class JobResult:
    """What became of the photos."""

    done: int = 0
    skipped: int = 0
    """Already there and whole; of maps for a cache also those equal to another photo's."""
    failed: list[dict[str, str]] = field(default_factory=list)
    """`photo` (as it was found, or its key in a reader) and `error`, in order."""

    @property
    def finished(self) -> int:
        return self.done + self.skipped + len(self.failed)


def streams_for(many: bool, threads: int | None, *, most: int = MOST_STREAMS) -> int:
    """How many photos a network should compute at once, for the most of many in a second.

    As many for two as for thousands: what a network is compiled for, and the last bits of its
    maps, hang on it. Threads that share a call wait for each other at every layer: `small` in
    8 bits takes 11 ms on two threads and 16 on one.
    """
    return min(threads or cores(), most) if many else 1


def predict_files(
    model: DepthModel,
    photos: Sequence[FoundImage],
    out: Path,
    options: OutputOptions,
    *,
    overwrite: bool = False,
    failures: str = "failures.jsonl",
    progress: Callable[[int, int], None] | None = None,
) -> JobResult:
    """Predict photos into a folder that mirrors where they were found.

    What exists, is whole and was made by this model with these options from this photo is
    skipped. Photos that cannot be read or predicted are listed in `out/failures`; the file is
    there if and only if there are some. Memory stays flat however many photos there are.

    Args:
        progress: called with (photos finished, photos in all), from this thread.

    Raises:
        UsageError: options that do not fit the model's kind.
        RunError: a file cannot be written (no space, read-only); what was written stays.
    """
    options.check_kind(model.preset.kind)
    for folder in {(out / photo.output).parent for photo in photos}:
        remove_partials(folder)
    job = _Job(model, photos, out, options, progress)
    try:
        job.run(overwrite)
    finally:  # also after a full disk or Ctrl-C: what failed so far is worth knowing
        write_failures(out / failures, job.result.failed)
    return job.result


def read_for(
    model: DepthModel, options: OutputOptions, source: Path | bytes, name: str | None = None
) -> Image:
    """Read a photo at no more detail than the network or the outputs look at.

    Raises:
        InputError: it cannot be read.
    """
    if options.needs_full_photo:
        return read_image(source, name=name)
    return model.read(source, size=options.size, name=name)


def predict_with(
    model: DepthModel, options: OutputOptions, image: Image, camera: Intrinsics | None
) -> Depth:
    """The depth of a photo, as `options` ask for it; errors as `DepthModel.infer_image`."""
    return model.infer_image(
        image,
        size=options.size,
        out_size=cast(OutSize, options.out_size),
        intrinsics=camera,
    )


class _Job:
    def __init__(
        self,
        model: DepthModel,
        photos: Sequence[FoundImage],
        out: Path,
        options: OutputOptions,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.model, self.photos, self.out, self.options = model, photos, out, options
        self.progress = progress
        self.result = JobResult()

    def run(self, overwrite: bool) -> None:
        # One more than the network computes at once: while they wait for it, it reads or writes.
        lanes = max(WORKERS, self.model.streams + 1)
        with closing(work_ahead(self._wanted(overwrite), self._do, workers=lanes)) as stream:
            for photo, error in stream:
                if error is None:
                    self.result.done += 1
                else:
                    self.result.failed.append({"photo": str(photo.path), "error": str(error)})
                self._report()

    def _wanted(self, overwrite: bool) -> Iterator[FoundImage]:
        for photo in self.photos:
            facts = source_facts(photo)
            stem = self.out / photo.output
            if overwrite or not is_done(stem, self.model.provenance, self.options, facts):
                yield photo
            else:
                self.result.skipped += 1
                self._report()

    def _do(self, photo: FoundImage) -> None:
        image = read_for(self.model, self.options, photo.path)
        try:
            depth = predict_with(self.model, self.options, image, self.options.camera(image))
        except RunError as error:  # this photo's: NaN, too large for memory
            raise InputError(str(error)) from error
        # A RunError of these is the disk's, and ends the job.
        write_outputs(self.out / photo.output, depth, image, self.options, source_facts(photo))

    def _report(self) -> None:
        if self.progress is not None:
            self.progress(self.result.finished, len(self.photos))
