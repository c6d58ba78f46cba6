"""Depth maps to files of sparse measurements, as a sensor would have made them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.data.patterns import draw
from featherdepth.data.patterns.grammar import parse
from featherdepth.errors import InputError, UsageError
from featherdepth.images.atomic import make_folder, write_together
from featherdepth.images.find import FoundImage, Wanted
from featherdepth.images.read import read_image
from featherdepth.images.read_depth import read_depth
from featherdepth.images.sidecar import COLORS, describe, sidecar_path, to_text
from featherdepth.images.targets import check_targets, with_sidecars
from featherdepth.images.write import save
from featherdepth.rng import generator
from featherdepth.types import Depth, DepthKind, Image, Intrinsics

DEPTH_MAPS = Wanted(
    one="a depth map",
    many="depth maps",
    suffixes=frozenset({".png", ".npy"}),
    usual=".png (16-bit) or .npy",
    leave_out=COLORS,
    results=True,
)
"""The color pictures that `predict` writes beside its maps are for people."""
SUFFIXES = {"png16": ".png", "npy": ".npy", "csv": ".csv"}
"""Formats and how their files are called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorOptions:
    """How maps are read and measured."""

    pattern: str
    seed: int = 0
    depth_scale: float | None = None
    """Of a map that does not say itself what it holds: metres = stored / depth_scale."""
    focal_px: tuple[float, float, float, float] | None = None
    """fx, fy, cx, cy of every map, at its own size."""

    def __post_init__(self) -> None:
        parse(self.pattern)
        if self.depth_scale is not None and not 0 < self.depth_scale < np.inf:
            raise UsageError(f"depth scale {self.depth_scale:g}; expected a number above 0")
        if self.focal_px is not None and not min(self.focal_px[:2]) > 0:
            raise UsageError(f"focal lengths {self.focal_px[:2]} px; expected them above 0")


@dataclass(slots=True)
class SparsifyResult:
    """What became of the maps."""

    points: list[int] = field(default_factory=list)
    """Of each map that was measured, in order."""
    failed: list[dict[str, str]] = field(default_factory=list)
    """`depth` (as it was found) and `error`, in order."""


def sparsify_files(
    maps: Sequence[FoundImage],
    targets: Callable[[FoundImage], Mapping[str, Path]],
    options: SensorOptions,
    *,
    photo_of: Callable[[FoundImage], Path] | None = None,
    photos: Iterable[Path] = (),
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> SparsifyResult:
    """Measure maps and write what was measured, each file whole or not at all.

    The random numbers of a map hang on the seed, the pattern and its name below the folder it was
    found in: other maps beside it change nothing. A map that cannot be read or measured is listed,
    and the rest go on.

    Args:
        targets: format -> file, for each map; see `SUFFIXES`.
        photo_of: the photo of a map, for patterns that look at it.
        photos: all that `photo_of` may name.
        overwrite: also replace files that are no results; a result is replaced anyway.
        progress: called with (maps finished, maps in all).

    Raises:
        UsageError: a target that is one of the maps or photos, or no result; or a pattern that
            needs photos without any.
        BackendError: a pattern of OpenCV without it.
        RunError: a file cannot be written; what was written stays.
    """
    check_targets(
        [*(found.path for found in maps), *photos],
        with_sidecars(path for found in maps for path in targets(found).values()),
        replace_others=overwrite,
    )
    result = SparsifyResult()
    for number, found in enumerate(maps, start=1):
        try:
            truth = _read_one(found.path, options, alone=len(maps) == 1)
            result.points.append(_sparsify(found, truth, targets(found), options, photo_of))
        except InputError as error:
            result.failed.append({"depth": str(found.path), "error": str(error)})
        if progress is not None:
            progress(number, len(maps))
    return result


def csv_bytes(sparse: Depth) -> bytes:
    """Lines of column, row, metres under a header, in reading order; exact to the last digit."""
    row, column = np.nonzero(sparse.valid)
    places = zip(column.tolist(), row.tolist(), sparse.values[sparse.valid], strict=True)
    return "".join(["u,v,metres\n", *(f"{u},{v},{depth!s}\n" for u, v, depth in places)]).encode()


def _sparsify(
    found: FoundImage,
    truth: Depth,
    targets: Mapping[str, Path],
    options: SensorOptions,
    photo_of: Callable[[FoundImage], Path] | None,
) -> int:
    image = None if photo_of is None else read_image(photo_of(found))
    key = found.relative.as_posix()
    rng = generator(options.seed, "sparsify", options.pattern, key)
    try:
        sparse = draw(truth, options.pattern, rng, image=image)
    except InputError as error:
        raise InputError(f"{found.path}: {error}") from error
    count = int(sparse.valid.sum())
    if count == 0:
        raise InputError(
            f"{found.path}: {options.pattern} measures nothing of it; expected depth in its reach"
        )
    facts = {
        "source": {"path": key, "bytes": found.path.stat().st_size},
        "sparse": {"pattern": options.pattern, "seed": options.seed, "points": count},
    }
    for file_format, path in targets.items():
        make_folder(path.parent)
        _write(sparse, path, file_format, image, facts)
    return count


def _read_one(path: Path, options: SensorOptions, *, alone: bool) -> Depth:
    """A map; among others an option that does not fit it is a fault of this one."""
    try:
        return _read(path, options)
    except UsageError as error:
        if alone:
            raise
        raise InputError(str(error)) from error


def _read(path: Path, options: SensorOptions) -> Depth:
    if path.suffix.lower() == ".npy":
        truth = _read_npy(path, options.depth_scale)
    else:
        truth = read_depth(path, scale=options.depth_scale)
    if truth.kind is DepthKind.METRIC and (truth.known < 0).any():
        raise InputError(f"{path}: negative depth; expected metres above 0")
    if options.focal_px is None:
        return truth
    return replace(truth, intrinsics=Intrinsics.given(*options.focal_px, size=truth.size))


def _read_npy(path: Path, depth_scale: float | None) -> Depth:
    if not sidecar_path(path).is_file():
        # Metres, or a multiple of them: nothing else can be measured.
        stored = read_depth(path, kind=DepthKind.METRIC)
        return replace(stored, values=stored.values / np.float32(depth_scale or 1))
    if depth_scale is not None:
        raise UsageError(f"{path}: says itself what its numbers are; leave the scale out")
    return read_depth(path)


def _write(
    sparse: Depth, path: Path, file_format: str, image: Image | None, facts: Mapping[str, Any]
) -> None:
    if file_format == "csv":
        said = describe(sparse, {"format": "csv"}, image=image, extra=facts)
        write_together({path: csv_bytes(sparse), sidecar_path(path): to_text(said).encode()})
    else:
        save(sparse, path, format=file_format, image=image, extra=facts)
