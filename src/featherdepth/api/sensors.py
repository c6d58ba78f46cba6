"""Sparse depth out of dense depth."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def sparsify(
    depths: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    pattern: str,
    formats: Sequence[str] = ("png16",),
    seed: int = 0,
    depth_scale: float | int | None = None,
    intrinsics: tuple[float, float, float, float] | None = None,
    photos: str | Path | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measure depth maps at few pixels, as a sensor would, and write what it measured.

    Args:
        depths: .png (16-bit) or .npy maps, folders, globs or .txt lists.
        output: a folder that mirrors where the maps were found; or, for one map, a file with the
            suffix .png, .npy or .csv.
        pattern: a specification of docs/reference/patterns.md.
        formats: of png16, npy, csv; for a folder.
        seed: with the pattern and a map's name it settles what is drawn.
        depth_scale: metres = stored / depth_scale, of maps that do not say it themselves.
        intrinsics: fx, fy, cx, cy of every map in pixels.
        photos: a folder with a photo of the same name for each map, or one photo for one map; for
            patterns that look at it.
        overwrite: also replace files that are no results; results are replaced anyway.
        progress: called with (maps finished, maps in all).

    Returns:
        `out`, `pattern`, `seed`, `done`, `points` (in all), `failed` (list of `depth`, `error`),
        `failures` (the file that lists them).

    Raises:
        UsageError: a pattern, format or option that does not exist or fit; a result that would
            take the place of a map or photo, or of a file that is no result.
        InputError: an input that does not exist or holds no map; or the one map, where `output`
            is a file.
        BackendError: a pattern of OpenCV without it.
        RunError: a file cannot be written; what was written stays.
    """
    from featherdepth.data.sparsify import DEPTH_MAPS, SUFFIXES, SensorOptions, sparsify_files
    from featherdepth.errors import InputError, UsageError
    from featherdepth.images.failures import lists_failures, write_failures
    from featherdepth.images.find import FoundImage, find_images
    from featherdepth.images.targets import check_targets

    options = SensorOptions(
        pattern=pattern,
        seed=seed,
        depth_scale=None if depth_scale is None else float(depth_scale),
        focal_px=intrinsics,
    )
    unknown = [name for name in formats if name not in SUFFIXES]
    if unknown or not formats:
        asked = repr(unknown[0]) if unknown else "no format"
        raise UsageError(f"format {asked}; expected some of {', '.join(SUFFIXES)}")
    listed = [depths] if isinstance(depths, str | Path) else depths
    maps = find_images(listed, DEPTH_MAPS)
    out = Path(output)
    by_suffix = {suffix: name for name, suffix in SUFFIXES.items()}
    one_file = by_suffix.get(out.suffix.lower()) if not out.is_dir() else None
    if one_file is not None and len(maps) > 1:
        raise UsageError(f"{out}: one file for {len(maps)} depth maps; expected a folder")

    def targets(found: FoundImage) -> dict[str, Path]:
        if one_file is not None:
            return {one_file: out}
        stem = out / found.output
        return {name: stem.with_name(stem.name + SUFFIXES[name]) for name in formats}

    photo_of: Callable[[FoundImage], Path] | None = None
    found_photos = [] if photos is None else find_images([photos])
    if photos is not None:
        by_name = {photo.output: photo.path for photo in found_photos}

        def photo_of(found: FoundImage) -> Path:
            if len(maps) == 1 and len(found_photos) == 1:
                return found_photos[0].path
            if found.output not in by_name:
                raise InputError(f"{found.path}: no photo {found.output} in {photos}")
            return by_name[found.output]

    failures = out / "failures.jsonl"
    if one_file is None:
        check_targets([], [failures], replace_others=overwrite, ours=lists_failures)
    result = sparsify_files(
        maps,
        targets,
        options,
        photo_of=photo_of,
        photos=[photo.path for photo in found_photos],
        overwrite=overwrite,
        progress=progress,
    )
    if one_file is not None and result.failed:
        raise InputError(result.failed[0]["error"])
    if one_file is None:
        write_failures(failures, result.failed)
    return {
        "out": str(out),
        "pattern": pattern,
        "seed": seed,
        "done": len(result.points),
        "points": sum(result.points),
        "failed": result.failed,
        "failures": str(failures) if result.failed else None,
    }
