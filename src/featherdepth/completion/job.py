"""Many photos with their measured points to files, several at a time; a broken one is left."""

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from featherdepth.completion.model import CompletionModel
from featherdepth.data.sparse import READ, read_sparse
from featherdepth.data.sparse.colmap import model_files
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.geometry.resize import Size
from featherdepth.images.failures import write_failures
from featherdepth.images.read import FoundImage, read_image
from featherdepth.images.sidecar import parse, sidecar_path
from featherdepth.images.targets import file_id
from featherdepth.images.write import output_path
from featherdepth.runtime.ahead import work_ahead
from featherdepth.runtime.job import JobResult
from featherdepth.runtime.outputs import OutputOptions
from featherdepth.runtime.results import file_facts, is_done, source_facts, write_outputs
from featherdepth.types import Completion, Depth, Image, Intrinsics


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Where the measured points of a photo are, and how they are read."""

    path: Path
    depth_scale: float | None = None
    calibration: Path | None = None

    def read(self, size: Size, photo: FoundImage, camera: Intrinsics | None) -> Depth:
        """The points at the photo's size.

        Raises:
            InputError: as `read_sparse`; also where an option does not fit this one file.
        """
        try:
            return read_sparse(
                self.path,
                size=size,
                depth_scale=self.depth_scale,
                intrinsics=camera,
                calibration=self.calibration,
                image_name=photo.relative.as_posix(),
            )
        except UsageError as error:
            raise InputError(str(error)) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How the measured points of one photo, its first stage and each other agreed."""

    points: int
    rejected: int
    """Of them: left out, as they contradict those around them."""
    log_error: float
    """Of `Completion`."""
    range_assumed: bool
    """Of its `Alignment`."""


@dataclass(slots=True)
class CompleteResult(JobResult):
    """What became of the photos and their points."""

    fits: list[Fit] = field(default_factory=list)
    """Of the photos that were done, in order."""


def find_measured(photo: FoundImage, sparse: Path) -> Path:
    """The file of a folder that belongs to a photo: of the same relative name, any suffix.

    Raises:
        InputError: there is none, or there are several.
    """
    if not sparse.is_dir():
        return sparse
    stem = sparse / photo.relative.with_suffix("")
    suffixes = [named for suffix in READ for named in (suffix, suffix.upper())]
    named = [stem.with_name(stem.name + suffix) for suffix in suffixes]
    there = {file_id(path): path for path in named if path.is_file()}  # a.CSV may be a.csv
    found = [path for path in there.values() if not _is_other(path, photo)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            f"{photo.path}: no measured points; expected {stem} with one of {', '.join(READ)}"
        )
    raise InputError(f"{photo.path}: {found[0].name} and {found[1].name} both name its points")


def complete_files(
    model: CompletionModel,
    photos: Sequence[FoundImage],
    measured: Callable[[FoundImage], Measured],
    out: Path,
    options: OutputOptions,
    *,
    min_confidence: float = 0.0,
    overwrite: bool = False,
    failures: str = "failures.jsonl",
    progress: Callable[[int, int], None] | None = None,
) -> CompleteResult:
    """Complete photos into a folder that mirrors where they were found.

    What exists, is whole and was made of the same photo and points in the same way is skipped.
    Photos that fail are listed in `out/failures`, which is there only if some did.

    Args:
        measured: the points of a photo; may raise InputError.
        min_confidence: pixels that are less sure are left empty.
        progress: called with (photos finished, photos in all).

    Raises:
        RunError: a file cannot be written; what was written stays.
    """
    result = CompleteResult()

    def complete_one(photo: FoundImage) -> Fit | None:
        points = measured(photo)
        facts = _facts(model, points, min_confidence)
        stem = out / photo.output
        if not overwrite and _done(stem, model, options, photo, facts):
            return None
        image = read_image(photo.path)
        completion, count = _completed(model, image, points, photo, options)
        write_outputs(
            stem,
            _sure(completion, min_confidence),
            image,
            options,
            source_facts(photo),
            alignment=completion.alignment,
            extra={"completion": facts | _told(completion)},
        )
        return Fit(
            points=count,
            rejected=completion.rejected.size,
            log_error=completion.log_error,
            range_assumed=completion.alignment.range_assumed,
        )

    try:
        with closing(work_ahead(photos, complete_one, workers=model.streams)) as stream:
            for photo, made in stream:
                if isinstance(made, InputError):
                    result.failed.append({"photo": str(photo.path), "error": str(made)})
                elif made is not None:
                    result.done += 1
                    result.fits.append(made)
                else:
                    result.skipped += 1
                if progress is not None:
                    progress(result.finished, len(photos))
    finally:
        write_failures(out / failures, result.failed)
    return result


def measured_of(photos: Sequence[FoundImage], sparse: Path) -> list[Path]:
    """The files of measured points of all photos that have some."""
    found = []
    for photo in photos:
        with suppress(InputError):  # told when its turn comes
            found.append(find_measured(photo, sparse))
    return found


def _is_other(path: Path, photo: FoundImage) -> bool:
    """Whether a file beside the points is the photo, or what `complete` made of both."""
    if photo.path.exists() and path.samefile(photo.path):
        return True
    try:
        document = parse(sidecar_path(path).read_text(encoding="utf-8"), path.name)
    except (OSError, ValueError, InputError):
        return False
    return "completion" in document


def _completed(
    model: CompletionModel,
    image: Image,
    points: Measured,
    photo: FoundImage,
    options: OutputOptions,
) -> tuple[Completion, int]:
    """And how many points there were."""
    camera = options.camera(image)
    sparse = points.read(image.size, photo, camera or image.intrinsics)
    try:
        completion = model.complete(image, sparse, size=options.size, intrinsics=camera)
        return completion, int(sparse.valid.sum())
    except RunError as error:  # this photo's: NaN, or too large for memory
        raise InputError(str(error)) from error


def _facts(model: CompletionModel, points: Measured, min_confidence: float) -> dict[str, Any]:
    return {
        "known_depth": model.known_sha256,
        "points": _files(points.path),
        "calibration": None if points.calibration is None else _files(points.calibration),
        "depth_scale": points.depth_scale,
        "method_asked": model.method,
        "network_sha256": model.network_sha256,
        "reject_outliers": model.reject_outliers,
        "min_confidence": min_confidence,
    }


def _files(path: Path) -> dict[str, dict[str, int]]:
    """What tells whether a file, those of a folder or the tables of a model have changed."""
    files = model_files(path) or (sorted(path.iterdir()) if path.is_dir() else [path])
    return {file.name: file_facts(file) for file in files}


def _sure(completion: Completion, min_confidence: float) -> Depth:
    depth = completion.depth
    if min_confidence == 0:
        return depth
    sure = completion.confidence >= min_confidence
    return replace(depth, values=depth.values * sure, valid=depth.valid & sure)


def _told(completion: Completion) -> dict[str, Any]:
    return {
        "method": completion.method,
        "rejected": completion.rejected.tolist(),
        "mean_confidence": round(float(completion.confidence.mean()), 4),
    }


def _done(
    stem: Path,
    model: CompletionModel,
    options: OutputOptions,
    photo: FoundImage,
    facts: dict[str, Any],
) -> bool:
    if not is_done(stem, model.made, options, source_facts(photo)):
        return False
    path = output_path(stem, next((n for n in options.formats if n != "color"), "color"))
    document = parse(sidecar_path(path).read_text(encoding="utf-8"), path.name)
    told = document.get("completion", {})
    return all(told.get(key) == value for key, value in facts.items())
