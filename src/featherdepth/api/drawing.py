"""Pictures of results."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from featherdepth.completion import DEFAULT, parse_method
from featherdepth.errors import InputError, UsageError

MOST_PHOTOS = 40
MOST_COLUMNS = 12
WIDTHS = (64, 2048)
"""Of a picture of the figure in pixels."""


def figure_completion(
    photos: Sequence[str | Path],
    sparse: Sequence[str | Path],
    output: str | Path,
    *,
    models: Mapping[str, str | Path] | None = None,
    method: str = DEFAULT,
    depth_scale: float | None = None,
    calibration: str | Path | None = None,
    focal_px: tuple[float, float, float, float] | None = None,
    fov_deg: float | None = None,
    size: int | tuple[int, int] | None = None,
    reject_outliers: bool = True,
    width: int = 320,
    cmap: str = "Spectral_r",
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Draw photos and their points, completed behind several first stages.

    Each photo takes two rows: the first stage aligned to the points, and the completed depth. A
    photo's colors mean the same depth in all of its pictures; the bar at the right gives meters.

    Args:
        photos: photos, folders, globs or .txt lists.
        sparse: one file a photo, in order; or one folder with a file of the same name for each
            photo; or one COLMAP model.
        output: .png, .jpg or .webp; its folder exists.
        models: first stages by the name of their column, each a model as `predict` takes it or,
            for one photo, a depth file; all embedded ones by default, the everyday model first.
        method: a name of `featherdepth.completion.METHODS`.
        depth_scale, calibration: of the points, as for `complete`.
        focal_px, fov_deg, size: as for `complete`.
        width: of each picture in pixels.
        progress: called with (photos finished, photos in all).

    Returns:
        `output`, `width`, `height` (in pixels), `method`, `models` (names), `photos` (list of
        `photo`, `points`, `near`, `far`: meters of the ends of its colors).

    Raises:
        UsageError: a model, method or option that does not exist or fit.
        InputError: a photo or points that cannot be used.
        WeightsError, BackendError: as `complete`.
        RunError: the figure cannot be written.
    """
    from featherdepth.completion.job import Measured, find_measured, measured_of
    from featherdepth.completion.model import CompletionModel, is_depth_file
    from featherdepth.data.sparse.colmap import holds_model, model_files
    from featherdepth.images.atomic import write_atomic
    from featherdepth.images.read import FoundImage, find_images, read_image
    from featherdepth.images.targets import check_targets
    from featherdepth.images.write import SUFFIXES, picture_bytes
    from featherdepth.report.completion import Style, assemble, show
    from featherdepth.runtime.outputs import OutputOptions
    from featherdepth.runtime.presets import DEFAULT as EVERYDAY
    from featherdepth.runtime.presets import depth_models

    parse_method(method)
    out = Path(output)
    if out.suffix.lower() not in SUFFIXES["color"]:
        suffixes = ", ".join(sorted(SUFFIXES["color"]))
        raise UsageError(f"{out}: unknown suffix {out.suffix!r}; expected {suffixes}")
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise UsageError(f"width {width}; expected {WIDTHS[0]} to {WIDTHS[1]} pixels")
    options = OutputOptions(size=size, focal_px=focal_px, fov_deg=fov_deg, cmap=cmap)
    found = find_images(photos)
    if len(found) > MOST_PHOTOS:
        raise UsageError(f"{len(found)} photos for one figure; expected at most {MOST_PHOTOS}")
    points = _points_of([Path(path) for path in sparse], found)
    embedded = [name for name in depth_models() if name != EVERYDAY]
    named = dict(models or {name: name for name in (EVERYDAY, *embedded)})
    if len(named) > MOST_COLUMNS:
        raise UsageError(f"{len(named)} first stages; expected at most {MOST_COLUMNS}")
    read = [photo.path for photo in found]
    for photo, path in zip(found, points, strict=True):
        read += model_files(path) or measured_of([photo], path)
    read += [Path(model) for model in named.values() if is_depth_file(model)]
    check_targets(read, [out])
    known = next((name for name, model in named.items() if is_depth_file(model)), None)
    if known is not None and len(found) > 1:
        raise UsageError(f"{named[known]}: one depth map for {len(found)} photos; expected a model")
    firsts = {
        name: CompletionModel.from_pretrained(
            model, backend=backend, precision=precision, threads=threads
        ).first
        for name, model in named.items()
    }
    style = Style(width=width, cmap=cmap)
    blocks, rows = [], []

    def measured(photo: FoundImage, path: Path) -> Measured:
        return Measured(
            path=path if holds_model(path) else find_measured(photo, path),
            depth_scale=depth_scale,
            calibration=None if calibration is None else Path(calibration),
        )

    for number, (photo, path) in enumerate(zip(found, points, strict=True), start=1):
        image = read_image(photo.path)
        camera = options.camera(image) or image.intrinsics
        known_at = measured(photo, path).read(image.size, photo, camera)
        shown = show(
            image,
            known_at,
            firsts,
            method=method,
            size=size,
            reject_outliers=reject_outliers,
            style=style,
        )
        blocks.append(shown)
        rows.append(
            {
                "photo": str(photo.path),
                "points": int(known_at.valid.sum()),
                "near": shown.near,
                "far": shown.far,
            }
        )
        if progress is not None:
            progress(number, len(found))
    pixels = assemble(blocks, list(firsts), style)
    write_atomic(out, picture_bytes(pixels, out.suffix.lower()))
    return {
        "output": str(out),
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "method": method,
        "models": list(firsts),
        "photos": rows,
    }


def _points_of(sparse: list[Path], photos: Sequence[Any]) -> list[Path]:
    """The path with the points of each photo: its own, or the one that all share."""
    missing = next((path for path in sparse if not path.exists()), None)
    if missing is not None:
        raise InputError(f"{missing}: not found; expected measured points")
    if len(sparse) == 1 and (sparse[0].is_dir() or len(photos) == 1):
        return sparse * len(photos)
    if len(sparse) != len(photos):
        raise UsageError(
            f"{len(sparse)} files of points for {len(photos)} photos; expected one for each photo"
            " in order, or a folder with a file of the same name for each"
        )
    return sparse
