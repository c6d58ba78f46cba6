"""What is asked of a file with measured points, and what its numbers must be to be believed."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from featherdepth.errors import InputError
from featherdepth.geometry.splat import nearest_wins, pixels_of
from featherdepth.types import Depth, DepthKind, Intrinsics, Provenance

logger = logging.getLogger(__name__)

MAX_BYTES = 1 << 30
MISSING_CODE = 65535
"""Of 16-bit files: what some write where nothing was measured."""
SANE_MEDIAN_M = (0.05, 300.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One file, the picture that its points belong to, and what the user said of it."""

    path: Path
    size: tuple[int, int]
    """(height, width) of the picture."""
    depth_scale: float | None = None
    """Metres = stored / depth_scale."""
    intrinsics: Intrinsics | None = None
    """At `size`."""
    calibration: Path | None = None
    camera: int = 2
    image_name: str | None = None
    held: bool = False
    """By a program, not a file: there is no flag for its unit."""

    @property
    def name(self) -> str:
        """For messages."""
        return str(self.path)

    @property
    def most_bytes(self) -> int:
        """Of an array: what a map of the picture in doubles takes twice, or 64 MiB of rows."""
        return max(1 << 26, 16 * self.size[0] * self.size[1])

    @property
    def scale(self) -> float:
        return 1.0 if self.depth_scale is None else self.depth_scale


def read_bytes(path: Path, what: str, most: int = MAX_BYTES) -> bytes:
    """The content of a file.

    Raises:
        InputError: missing, unreadable, empty, or of more than `most` bytes.
    """
    if not path.is_file():  # a pipe or device would never end
        raise InputError(f"{path}: not found; expected {what}")
    try:
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}; expected {what}") from error
    if not data:
        raise InputError(f"{path}: is empty (0 bytes); expected {what}")
    if len(data) > most:
        raise InputError(f"{path}: more than {most:,} bytes; expected {what}")
    return data


def refuse_negative(request: Request, depth: Float[np.ndarray, "..."]) -> None:
    """Refuse stored depths below 0: no sensor measures them.

    Raises:
        InputError: there is one.
    """
    below = depth[np.isfinite(depth) & (depth < 0)]
    if below.size:
        raise InputError(f"{request.name}: depth down to {below.min():g}; expected 0 or more")


def from_map(
    request: Request,
    stored: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"] | None = None,
) -> Depth:
    """A map of the picture's size as it is stored; 0, 65535 and what is not finite is missing.

    Raises:
        InputError: another size, a negative depth, no point, or depths that cannot be metres.
    """
    if stored.shape != request.size:
        raise InputError(
            f"{request.name}: {stored.shape[1]}x{stored.shape[0]} pixels, but the picture has"
            f" {request.size[1]}x{request.size[0]}; expected depth at the picture's own size"
        )
    usable = np.isfinite(stored) & (stored != MISSING_CODE)
    if valid is not None:
        usable &= valid
    refuse_negative(request, stored[usable])
    values = np.where(usable, stored, 0).astype(np.float64) / request.scale
    if not (values > 0).any():
        raise InputError(f"{request.name}: holds no measured point; expected depth above 0")
    return _believed(request, values, request.intrinsics)


def from_pixels(
    request: Request,
    columns: Float[np.ndarray, " n"],
    rows: Float[np.ndarray, " n"],
    depth: Float[np.ndarray, " n"],
    *,
    intrinsics: Intrinsics | None = None,
    hint: str = "expected pixels counted from 0 at the top left",
) -> Depth:
    """Points that know their pixel; of several in one pixel the nearest counts.

    Args:
        depth: as stored; what is not above 0 and finite is left out.
        hint: what to look at where all points lie outside.

    Raises:
        InputError: no point, none inside the picture, or depths that cannot be metres.
    """
    if depth.size == 0:
        raise InputError(f"{request.name}: holds no points; expected at least one")
    usable = np.isfinite(depth) & (depth > 0) & (depth != MISSING_CODE)
    row, column, inside = pixels_of(rows[usable], columns[usable], request.size)
    if not inside.any():
        height, width = request.size
        raise InputError(
            f"{request.name}: none of {depth.size:,} points lies inside the picture of"
            f" {width}x{height} with a depth above 0; {hint}"
        )
    if intrinsics is None and (beside := int((~inside).sum())):
        # Who names pixels means the picture; of a cloud most lies beside it.
        height, width = request.size
        logger.warning(
            "%s: %d of %d points lie outside the picture of %dx%d and are left out",
            request.name,
            beside,
            inside.size,
            width,
            height,
        )
    metres = depth[usable][inside].astype(np.float64) / request.scale
    values = nearest_wins(row[inside], column[inside], metres, request.size)
    return _believed(request, values, intrinsics or request.intrinsics)


def from_points(
    request: Request,
    points: Float[np.ndarray, "n 3"],
    projection: Float[np.ndarray, "3 4"],
    intrinsics: Intrinsics,
) -> Depth:
    """Points in space, seen by the camera.

    Args:
        points: as stored; those with a part that is not finite are left out.
        projection: from points in metres to (column * depth, row * depth, depth).

    Raises:
        InputError: as `from_pixels`.
    """
    hint = _axes(request)
    finite = points[np.isfinite(points).all(axis=1)].astype(np.float64) / request.scale
    if finite.shape[0] == 0:
        raise InputError(f"{request.name}: holds no points; expected at least one")
    with np.errstate(all="ignore"):  # the farthest float is still far outside
        x, y, depth = projection[:, :3] @ finite.T + projection[:, 3:]
        front = depth > 0
        columns, rows = x[front] / depth[front], y[front] / depth[front]
    if not front.any():
        raise InputError(
            f"{request.name}: all {finite.shape[0]:,} points lie behind the camera; {hint}"
        )
    return from_pixels(
        request,
        columns,
        rows,
        depth[front] * request.scale,  # as stored
        intrinsics=intrinsics,
        hint=hint,
    )


def _axes(request: Request) -> str:
    """What to look at where no point is seen."""
    if request.calibration is None:
        return (
            "expected the camera's frame (x right, y down, z forward) and its intrinsics, or a"
            " calibration"
        )
    return (
        "expected the frame of the calibration's scanner (x forward, y left, z up), in metres"
        " unless --depth-scale says otherwise"
    )


def _believed(
    request: Request, values: Float[np.ndarray, "h w"], intrinsics: Intrinsics | None
) -> Depth:
    # Beyond float32, or lost in it: not a depth.
    valid = (values >= np.finfo(np.float32).tiny) & (values <= np.finfo(np.float32).max)
    values = np.where(valid, values, 0.0)
    if not valid.any():
        raise InputError(f"{request.name}: holds no measured point; expected depth above 0")
    median = float(np.median(values[valid]))
    low, high = SANE_MEDIAN_M
    if not low <= median <= high:
        scale = "no depth scale" if request.depth_scale is None else f"scale {request.scale:g}"
        said = "" if request.held else f" (with {scale})"
        raise InputError(
            f"{request.name}: the median depth would be {median:.4g} m{said}; expected {low:g} to"
            f" {high:g} m; {_advice(median * request.scale, request.held)}"
        )
    return Depth(
        values=values.astype(np.float32),
        valid=valid,
        kind=DepthKind.METRIC,
        intrinsics=intrinsics,
        provenance=Provenance(),
    )


def _advice(stored: float, held: bool) -> str:
    """What the stored numbers may be, by their median."""
    if stored > SANE_MEDIAN_M[1]:
        first, second = (
            ("divide by 1000", "divide by 256")
            if held
            else ("--depth-scale 1000", "--depth-scale 256")
        )
        return f"stored numbers like these are mostly millimetres ({first}) or 1/256 m ({second})"
    if held:
        return "numbers this small are no metres of a photo"
    return "numbers this small are mostly metres already: leave --depth-scale out"
