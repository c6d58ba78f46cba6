"""Photos and measured points to dense metric depth."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from featherdepth.completion import DEFAULT
from featherdepth.errors import InputError, UsageError


def complete(
    images: str | Path,
    sparse: str | Path,
    output: str | Path,
    *,
    first: str | Path | None = None,
    first_kind: str | None = None,
    first_scale: float | int | None = None,
    method: str = DEFAULT,
    depth_scale: float | None = None,
    calibration: str | Path | None = None,
    reject_outliers: bool = True,
    min_confidence: float = 0.0,
    backend: str = "auto",
    precision: str = "auto",
    device: str | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Complete one photo or a folder of them, and write the results into a folder.

    Args:
        images: a photo, or a folder, glob or .txt list of photos.
        sparse: the measured points of the photo (or a COLMAP model), or a folder with a file of
            the same relative name for each photo.
        output: folder, which mirrors where the photos were found; or, for one photo, a file: .png,
            .npy, .ply or .color.png.
        first: the first stage: a model as `predict` takes it, or a depth file for one photo.
        first_kind: what the numbers of a .npy of others as `first` mean.
        first_scale: of a PNG of others as `first`: meters = stored / first_scale.
        method: a name of `featherdepth.completion.METHODS`.
        depth_scale, calibration: of the points, as for `featherdepth.data.sparse.read_sparse`.
        reject_outliers: leave out points that disagree with those around them.
        device: of the first stage, as of `DepthModel`.
        min_confidence: pixels that are less sure are left empty; 0 keeps all.
        overwrite: also what is already there, whole, and made in the same way.
        progress: called with (photos finished, photos in all).
        options: fields of `featherdepth.runtime.outputs.OutputOptions`.

    Returns:
        `out`, `done`, `skipped`, `failed` (list of `photo`, `error`), `failures` (the file that
        lists them), `first`, `method`, `kind`; of the photos that were done, all together,
        `points`, `used` and `rejected` (left out, as they contradict those around them), and
        `log_error`: the share by which the aligned first stage is off at the used points, median of
        a photo's points and of the photos (None where none was done); `range_assumed`: the photos
        whose points told a scale alone to a first stage of unknown shift.

    Raises:
        UsageError: a model, method or option that does not exist or fit; a result that would take
            the place of a photo, or of a file that is no result.
        InputError: an input that does not exist or holds no photo; for one photo, whatever is
            wrong with it.
        WeightsError: a model that is missing or damaged.
        BackendError: a backend or package that is not installed.
        RunError: the results cannot be written; what is there stays.
    """
    from featherdepth.completion.job import Measured, complete_files, find_measured, measured_of
    from featherdepth.completion.model import CompletionModel, is_depth_file
    from featherdepth.data.sparse import check_depth_scale
    from featherdepth.data.sparse.colmap import holds_model, model_files
    from featherdepth.images.read import find_images
    from featherdepth.runtime.job import streams_for
    from featherdepth.runtime.outputs import OutputOptions, check_outputs, one_file
    from featherdepth.types import Depth

    if not 0 <= min_confidence <= 1:
        raise UsageError(f"confidence {min_confidence:g}; expected 0 to 1")
    check_depth_scale(depth_scale)
    chosen = OutputOptions(**options)
    out, failures = Path(output), "failures.jsonl"
    photos = find_images([images], out=out)
    if one := one_file(out, photos, chosen, by_name="formats" in options):
        out, photos, chosen, failures = one.folder, [one.photo], one.options, one.failures
    points = Path(sparse)
    if not points.exists():
        raise InputError(f"{points}: not found; expected measured points")
    whole = holds_model(points)
    others = [points, *([] if first is None else [Path(first)])]
    others += model_files(points) or measured_of(photos, points)
    check_outputs(photos, out, chosen, failures=failures, overwrite=overwrite, others=others)
    single = Path(images).is_file() and len(photos) == 1
    if len(photos) > 1 and not (whole or points.is_dir()):
        raise UsageError(
            f"{points}: one file of points for {len(photos)} photos; expected a folder with a file"
            " of the same name for each"
        )
    if len(photos) > 1 and first is not None and is_depth_file(first):
        raise UsageError(f"{first}: one depth map for {len(photos)} photos; expected a model")
    model = CompletionModel.from_pretrained(
        first,
        first_kind=first_kind,
        first_scale=first_scale,
        method=method,
        reject_outliers=reject_outliers,
        backend=backend,
        precision=precision,
        device=device,
        threads=threads,
        # Each takes 300 MB more at 12 megapixels.
        streams=streams_for(len(photos) > 1, threads, most=2),
    )
    result = complete_files(
        model,
        photos,
        lambda photo: Measured(
            path=points if whole else find_measured(photo, points),
            depth_scale=depth_scale,
            calibration=None if calibration is None else Path(calibration),
        ),
        out,
        chosen,
        failures=failures,
        min_confidence=min_confidence,
        overwrite=overwrite,
        progress=progress,
    )
    if single and result.failed:
        (out / failures).unlink(missing_ok=True)
        raise InputError(result.failed[0]["error"])
    known, fits = model.first, result.fits
    points_in_all, rejected = sum(f.points for f in fits), sum(f.rejected for f in fits)
    return {
        "out": str(output),
        "done": result.done,
        "skipped": result.skipped,
        "failed": result.failed,
        "failures": str(out / failures) if result.failed else None,
        "first": "depth file" if isinstance(known, Depth) else known.preset.name,
        "method": method,
        "kind": "metric",
        "points": points_in_all,
        "used": points_in_all - rejected,
        "rejected": rejected,
        "log_error": median(fit.log_error for fit in fits) if fits else None,
        "range_assumed": sum(fit.range_assumed for fit in fits),
    }
