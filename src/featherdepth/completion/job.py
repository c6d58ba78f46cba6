"""Many photos with their measured points to files; a broken one is listed and left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from featherdepth.completion.model import CompletionModel
from featherdepth.data.sparse import READ, read_sparse
from featherdepth.errors import InputError, RunError
from featherdepth.images.read import FoundImage, read_image
from featherdepth.images.sidecar import parse, sidecar_path
from featherdepth.images.write import output_path
from featherdepth.runtime.job import JobResult, write_failures
from featherdepth.runtime.outputs import OutputOptions, is_done, source_facts, write_outputs
from featherdepth.types import Completion, Depth


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Where the measured points of a photo are, and how they are read."""

    path: Path
    depth_scale: float | None = None
    calibration: Path | None = None

    def read(self, size: tuple[int, int], photo: FoundImage, options: OutputOptions) -> Depth:
        """The points at the photo's size; errors as `read_sparse`."""
        image = read_image(photo.path)
        return read_sparse(
            self.path,
            size=size,
            depth_scale=self.depth_scale,
            intrinsics=options.camera(image),
            calibration=self.calibration,
            image_name=photo.path.name if self.path.is_dir() else None,
        )


def find_measured(photo: FoundImage, sparse: Path) -> Path:
    """The file of a folder that belongs to a photo: of the same relative name, any suffix.

    Raises:
        InputError: there is none, or there are several.
    """
    if not sparse.is_dir():
        return sparse
    stem = sparse / photo.relative.with_suffix("")
    found = [path for suffix in READ if (path := stem.with_name(stem.name + suffix)).is_file()]
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
) -> JobResult:
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
    result = JobResult()
    try:
        for photo in photos:
            try:
                points = measured(photo)
                facts = _facts(model, points, min_confidence)
                stem = out / photo.output
                if not overwrite and _done(stem, model, options, photo, facts):
                    result.skipped += 1
                else:
                    completion = _one(model, photo, points, options)
                    _write(stem, completion, photo, options, facts)
                    result.done += 1
            except InputError as error:
                result.failed.append({"photo": str(photo.path), "error": str(error)})
            if progress is not None:
                progress(result.finished, len(photos))
    finally:
        write_failures(out / failures, result.failed)
    return result


def _one(
    model: CompletionModel, photo: FoundImage, points: Measured, options: OutputOptions
) -> Completion:
    image = read_image(photo.path)
    camera = options.camera(image)
    sparse = points.read(image.size, photo, options)
    try:
        return model.complete(
            image, sparse, size=options.size, intrinsics=camera or sparse.intrinsics
        )
    except RunError as error:  # this photo's: NaN, or too large for memory
        raise InputError(str(error)) from error


def _facts(model: CompletionModel, points: Measured, min_confidence: float) -> dict[str, Any]:
    try:
        size_bytes = points.path.stat().st_size
    except OSError:
        size_bytes = -1  # reading it will say why
    return {
        "points_file": points.path.name,
        "points_bytes": size_bytes,
        "depth_scale": points.depth_scale,
        "method_asked": model.method,
        "network_sha256": model.network_sha256,
        "reject_outliers": model.reject_outliers,
        "min_confidence": min_confidence,
    }


def _write(
    stem: Path,
    completion: Completion,
    photo: FoundImage,
    options: OutputOptions,
    facts: dict[str, Any],
) -> None:
    depth = completion.depth
    if facts["min_confidence"] > 0:
        sure = completion.confidence >= facts["min_confidence"]
        depth = replace(depth, values=depth.values * sure, valid=depth.valid & sure)
    told = facts | {
        "method": completion.method,
        "rejected": completion.rejected.tolist(),
        "mean_confidence": round(float(completion.confidence.mean()), 4),
    }
    write_outputs(
        stem,
        depth,
        read_image(photo.path),
        options,
        source_facts(photo),
        alignment=completion.alignment,
        extra={"completion": told},
    )


def _done(
    stem: Path,
    model: CompletionModel,
    options: OutputOptions,
    photo: FoundImage,
    facts: dict[str, Any],
) -> bool:
    if not is_done(stem, model.sha256, options, source_facts(photo)):
        return False
    path = output_path(stem, next((n for n in options.formats if n != "color"), "color"))
    document = parse(sidecar_path(path).read_text(encoding="utf-8"), path.name)
    told = document.get("completion", {})
    return all(told.get(key) == value for key, value in facts.items())
