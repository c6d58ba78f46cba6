"""Folders with `dataset.toml`: rgb/NAME.jpg beside depth/NAME.png, one source or a folder of them.

    value = code * scale [unit]      code 0 = not measured
    disparity with focal length and baseline: depth = fx * baseline_m / (disparity + doffs)

Keys of `dataset.toml`: kind, unit, scale; optional: class, terms, intrinsics [fx, fy, cx, cy] (an
empty list = unknown), baseline_m, doffs, and `[[frame]]` tables with file, size [width, height],
intrinsics. Without frames all pictures of rgb/ are taken.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from featherdepth.config import read_toml
from featherdepth.data.codes import code_size, read_codes
from featherdepth.data.reader import Reader, check_one_size
from featherdepth.data.storage import Storage
from featherdepth.data.usual import Usual
from featherdepth.errors import InputError, UsageError, suggestion
from featherdepth.images.read import IMAGE_SUFFIXES, read_image
from featherdepth.types import Depth, DepthKind, Intrinsics, Sample

DESCRIPTION = "dataset.toml"
KINDS = {
    "metric depth": DepthKind.METRIC,
    "relative depth": DepthKind.SCALE_INVARIANT,
    "disparity": DepthKind.AFFINE_INVARIANT_DISPARITY,
}
"""How a `kind` begins -> what the numbers mean (before a known camera makes disparity metric)."""
METRES = {"metre": 1.0, "meter": 1.0, "millimetre": 1e-3, "millimeter": 1e-3}
MEDIANS = {"indoor": (0.15, 15.0), "outdoor": (2.0, 100.0)}
"""How `place` begins -> metres of the typical image."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What one `dataset.toml` says about all of its frames."""

    folder: str
    kind: DepthKind
    scale: float
    """Metres, pixels of disparity or relative units of one code."""
    camera: tuple[float, ...] | None
    baseline: float | None
    """Metres between the cameras."""
    doffs: float
    """Pixels to add to a disparity: difference of the principal points."""
    klass: str
    terms: str
    place: str

    @property
    def stored(self) -> str:
        """What the codes are, in words."""
        if self.kind is DepthKind.METRIC:
            return f"metric depth, 1 code = {self.scale:.4g} m"
        if self.kind.larger_is == "nearer":
            return f"disparity, 1 code = {self.scale:.4g} pixels"
        return f"relative depth, 1 code = {self.scale:.4g} of an unknown unit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One pair of a source; names are relative to the root of the reader."""

    key: str
    rgb: str
    depth: str
    camera: tuple[float, ...] | None


class Paired(Reader):
    """Pairs of rgb/ and depth/; truth is of the kind that the description says."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Which sources of a folder of sources to take.

        `classes`: only sources whose `class` is listed; `sources`: only these folders; `skip`: not
        these folders.
        """

        root: Path
        split: str | None = None
        classes: tuple[str, ...] = ()
        sources: tuple[str, ...] = ()
        skip: tuple[str, ...] = ()
        portion: tuple[int, int] = (1, 1)

        def __post_init__(self) -> None:
            i, n = self.portion
            if not 1 <= i <= n:
                raise ValueError(f"portion {i}/{n} is not there; expected i of n, i from 1 to n")
            if self.split is not None:
                raise ValueError(f"paired folders have no splits, got {self.split!r}; use sources")

    def __init__(self, config: Config) -> None:
        """Read the descriptions; pictures are opened when asked for.

        Raises:
            InputError: no readable source, or none that was asked for.
            UsageError: a name in `sources` or `skip` that is not there.
        """
        super().__init__()
        root = config.root.resolve()
        alone = (root / DESCRIPTION).is_file()
        # A key always begins with the folder of its source, however the source was reached.
        self._storage = Storage(root.parent if alone else root)
        folders = [root.name] if alone else _source_folders(root)
        _check_names(config, folders)
        self.name = root.name
        self._frames: list[tuple[Source, Frame]] = []
        found: dict[str, str] = {}
        terms: dict[str, None] = {}
        for folder in folders:
            if folder in config.skip or (config.sources and folder not in config.sources):
                continue
            try:
                source, frames = _read_source(self._storage, folder)
            except (InputError, UsageError) as error:
                self._skip(folder, str(error))
                continue
            found[folder] = source.klass
            if not config.classes or source.klass in config.classes:
                terms[f"{source.terms} (class {source.klass or 'not stated'})"] = None
                i, n = config.portion
                frames = self._once(frames)
                run = slice(len(frames) * (i - 1) // n, len(frames) * i // n)
                self._admit(source, frames[run])
        if not self._frames:
            reason = next(iter(self._faults.values()), None)
            reason = reason or f"classes found: {', '.join(sorted(set(found.values())))}"
            raise InputError(f"{config.root}: no usable pair; {reason}")
        self.keys = [frame.key for _, frame in self._frames]
        self.groups = [source.folder for source, _ in self._frames]
        self.terms = "; ".join(terms)

    def source(self, index: int) -> Source:
        """The description that a sample belongs to."""
        return self._frames[index][0]

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as it is stored.

        Raises:
            InputError: it cannot be read; it is not looked at otherwise.
        """
        return self._storage.read(self._frames[index][1].rgb)

    def part(self, index: int) -> tuple[str, Usual | None]:
        """A source, with the depth that is usual indoors or outdoors."""
        source = self._frames[index][0]
        return source.folder, Usual(
            unit=source.stored,
            median=next((m for word, m in MEDIANS.items() if source.place.startswith(word)), None),
            codes_per_metre=1 / source.scale,
        )

    def _once(self, frames: list[Frame]) -> list[Frame]:
        found: dict[str, Frame] = {}
        for frame in frames:
            if frame.key in found:
                # Scores, kept predictions and seeds go by key: twice it would count twice.
                self._skip(frame.key, f"{DESCRIPTION}: frame {frame.key!r} is there twice")
            found.setdefault(frame.key, frame)
        return list(found.values())

    def _admit(self, source: Source, frames: list[Frame]) -> None:
        for frame in frames:
            fault = self._storage.fault(frame.rgb) or self._storage.fault(frame.depth)
            if fault is None:
                self._frames.append((source, frame))
            else:
                self._skip(frame.key, fault)

    def _size(self, index: int) -> tuple[int, int]:
        name = self._frames[index][1].depth  # a pair has one size
        return code_size(self._storage.read(name), name)

    def _read(self, index: int) -> Sample:
        source, frame = self._frames[index]
        image = read_image(self._storage.read(frame.rgb), name=frame.key)
        codes = read_codes(self._storage.read(frame.depth), frame.depth)
        check_one_size(frame.depth, codes.shape, image.size)
        camera = image.intrinsics
        if frame.camera is not None:
            camera = Intrinsics.given(*frame.camera, size=image.size)
        depth = _truth(source, frame, codes)
        return Sample(
            key=frame.key,
            image=replace(image, intrinsics=camera),
            depth=replace(depth, intrinsics=camera),
        )


def _truth(source: Source, frame: Frame, codes: np.ndarray) -> Depth:
    kind, valid = source.kind, codes != 0
    with np.errstate(over="ignore"):  # what float32 cannot hold is not measured
        values = codes * source.scale
        if kind is DepthKind.AFFINE_INVARIANT_DISPARITY and source.baseline and frame.camera:
            kind = DepthKind.METRIC
            disparity = values + source.doffs
            valid &= disparity > 0
            values = frame.camera[0] * source.baseline / np.where(valid, disparity, 1.0)
        values = values.astype(np.float32)
    valid &= np.isfinite(values)
    return Depth(values=np.where(valid, values, np.float32(0)), valid=valid, kind=kind)


def _source_folders(root: Path) -> list[str]:
    folders = sorted(path.parent.name for path in root.glob(f"*/{DESCRIPTION}"))
    if not folders:
        raise InputError(f"{root}: no {DESCRIPTION} in it or in its folders")
    return folders


def _check_names(config: Paired.Config, folders: list[str]) -> None:
    for name in (*config.sources, *config.skip):
        if name not in folders:
            raise UsageError(f"{config.root}: no source {name!r}; {suggestion(name, folders)}")


def _read_source(storage: Storage, folder: str) -> tuple[Source, list[Frame]]:
    where = f"{folder}/{DESCRIPTION}"
    table = read_toml(storage.root / folder / DESCRIPTION)
    said = str(table.get("kind", ""))
    kind = next((k for start, k in KINDS.items() if said.startswith(start)), None)
    if kind is None:
        raise InputError(f"{where}: kind {said!r} is not one of {', '.join(map(repr, KINDS))}")
    unit = 1.0
    if kind is DepthKind.METRIC:
        name = table.get("unit")
        if not isinstance(name, str) or name not in METRES:
            raise InputError(f"{where}: unit {name!r} is not one of {list(METRES)}")
        unit = METRES[name]
    camera = _camera(table, where)
    source = Source(
        folder=folder,
        kind=kind,
        scale=unit * _number(table, "scale", where),
        camera=camera,
        baseline=_number(table, "baseline_m", where) if "baseline_m" in table else None,
        doffs=_number(table, "doffs", where) if "doffs" in table else 0.0,
        klass=str(table.get("class", "")),
        terms=str(table.get("terms", "not stated")),
        place=str(table.get("place", "")),
    )
    photos = _photos(storage.root / folder / "rgb")
    frames = table.get("frame") or [{"file": stem} for stem in photos]
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise InputError(f"{where}: frame {frames!r}; expected [[frame]] tables")
    return source, [_frame(source, frame, photos, where) for frame in frames]


def _photos(folder: Path) -> dict[str, str]:
    """File name without its ending -> file name, for all pictures of a folder, sorted."""
    if not folder.is_dir():
        return {}
    try:
        found = [p.name for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES]
    except OSError as error:
        raise InputError(f"{folder}: cannot look into it: {error.strerror}") from error
    names = sorted(name for name in found if not name.startswith("."))  # ._a.jpg of macOS
    return {Path(name).stem: name for name in names}


def _frame(
    source: Source, table: Mapping[str, Any], photos: Mapping[str, str], where: str
) -> Frame:
    name = table.get("file")
    if not isinstance(name, str):
        raise InputError(f"{where}: a frame without a file name: {dict(table)}")
    return Frame(
        key=f"{source.folder}/{name}",
        rgb=f"{source.folder}/rgb/{photos.get(name, name + '.jpg')}",
        depth=f"{source.folder}/depth/{name}.png",
        camera=_camera(table, where) or source.camera,
    )


def _camera(table: Mapping[str, Any], where: str) -> tuple[float, ...] | None:
    values = table.get("intrinsics") or None
    if values is None:
        return None
    numbers = isinstance(values, list) and len(values) == 4 and all(map(_is_number, values))
    if not numbers or min(values[:2]) <= 0:
        raise InputError(
            f"{where}: intrinsics {values}; expected [fx, fy, cx, cy], focal lengths above 0, or []"
        )
    return tuple(float(v) for v in values)


def _number(table: Mapping[str, Any], name: str, where: str) -> float:
    value = table.get(name)
    signed = name == "doffs"
    if not _is_number(value) or (value <= 0 and not signed):
        wanted = "a finite number" if signed else "a finite number above 0"
        raise InputError(f"{where}: {name} {value!r} is not {wanted}")
    return float(value)


def _is_number(value: Any) -> TypeGuard[float]:
    # bool is an int in Python; `scale = true` is a mistake.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
