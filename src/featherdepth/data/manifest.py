"""A folder with `manifest.csv`: one row a pair of photo and depth, plain files or inside zips.

    metres = code * depth_scale + depth_offset     where code != 0; code 0 is "not measured"

Columns: id, split, rgb, depth, depth_scale, depth_offset; optional: width, height, depth_width,
depth_height, fx, fy, cx, cy (at the stored photo size; empty = unknown), group.
"""

import csv
import io
import math
from collections import Counter
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from featherdepth.data import nyu
from featherdepth.data.codes import read_codes
from featherdepth.data.layouts import official_parts
from featherdepth.data.reader import Reader
from featherdepth.data.storage import Storage, read_text
from featherdepth.data.usual import Usual
from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.parts import Box
from featherdepth.images.read import read_image
from featherdepth.types import Depth, DepthKind, Intrinsics, Sample

MANIFEST = "manifest.csv"
REQUIRED = ("id", "split", "rgb", "depth", "depth_scale", "depth_offset")

NYU_PREFIX = "nyu_"
TERMS = {
    NYU_PREFIX: nyu.TERMS,
    "kitti_": "KITTI (class C: CC BY-NC-SA 3.0, evaluation only)",
    "other_": "mixed sources (class C: tests only)",
}
"""Beginning of an id -> terms; a manifest does not say them."""
MEDIANS = {NYU_PREFIX: (1.0, 6.0), "kitti_": (4.0, 25.0)}
"""Beginning of an id -> metres of the typical image."""
NYU_TRAINING = ("labelled", "train")
"""Splits that hold frames of the official training half; all others hold the test half."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One pair of the manifest."""

    key: str
    rgb: str
    depth: str
    scale: float
    offset: float
    size: tuple[int, int] | None
    depth_size: tuple[int, int] | None
    camera: tuple[float, float, float, float] | None
    group: str
    split: str


class Manifest(Reader):
    """Pairs listed in `manifest.csv`; truth is METRIC."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`split`: a name, several joined by commas, or a list; None takes all.

        `inside`: only photos in these folders, each with a slash at the end.
        """

        root: Path
        split: str | tuple[str, ...] | None = None
        inside: tuple[str, ...] = ()

    def __init__(self, config: Config) -> None:
        """Read the list; pictures are opened when asked for.

        Raises:
            InputError: no readable manifest, or no usable row.
            UsageError: a split that the manifest does not have.
        """
        super().__init__()
        self._storage = Storage(config.root)
        table = _read_table(config.root / MANIFEST)
        wanted = _wanted_splits(config, sorted({row["split"] for row in table}))
        self.split = ",".join(wanted) if wanted else None
        self.name = "/".join([config.root.resolve().name, *(i.rstrip("/") for i in config.inside)])
        self._rows: list[Row] = []
        self._ids: set[str] = set()
        for fields in table:
            here = not config.inside or fields["rgb"].startswith(config.inside)
            if here and (not wanted or fields["split"] in wanted):
                self._admit(fields)
        if not self._rows:
            reason = next(iter(self._faults.values()), "it has no rows")
            raise InputError(f"{config.root / MANIFEST}: no usable pair; the first fault: {reason}")
        self.keys = [row.key for row in self._rows]
        self.groups = [row.group for row in self._rows]
        prefixes = [p for p in TERMS if any(key.startswith(p) for key in self.keys)]
        self.terms = "; ".join(TERMS[p] for p in prefixes) or "not stated"

    def usable(self, index: int) -> Box:
        """Of NYUv2 Eigen's crop: photos have a white frame, and depth there is extrapolated."""
        if not self.keys[index].startswith(NYU_PREFIX):
            return super().usable(index)
        return nyu.eigen_box(self._size(index))

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as it is stored.

        Raises:
            InputError: it cannot be read; it is not looked at otherwise.
        """
        return self._storage.read(self._rows[index].rgb)

    def part(self, index: int) -> tuple[str, Usual | None]:
        """The beginning of an id says the data set."""
        row = self._rows[index]
        unit = (
            f"picture codes, metres = code * {row.scale:.4g} + {row.offset:.4g}, 0 = not measured"
        )
        prefix = next((p for p in TERMS if row.key.startswith(p)), "")
        name = prefix.rstrip("_") or self.name
        return name, Usual(unit=unit, median=MEDIANS.get(prefix), codes_per_metre=1 / row.scale)

    def split_counts(self) -> dict[str, int]:
        """Split -> usable pairs."""
        return dict(sorted(Counter(row.split for row in self._rows).items()))

    def strangers(self) -> list[tuple[str, str]]:
        """Keys of frames that belong to another split, with that split.

        NYUv2 by its official halves (numbers of ids count from 0); all sets by groups, of which
        one half would give away the other.
        """
        splits: dict[str, set[str]] = {}
        for row in self._rows:
            splits.setdefault(row.group, set()).add(row.split)
        found = []
        official = official_parts("nyuv2")
        for row in self._rows:
            others = sorted(splits[row.group] - {row.split})
            number = row.key.removeprefix(NYU_PREFIX)
            right = "train" if row.split in NYU_TRAINING else "test"
            if row.key.startswith(NYU_PREFIX) and number.isdecimal():
                number = str(int(number))
                if number not in official[right] and any(number in n for n in official.values()):
                    others = ["test" if right == "train" else "train"]
            if others:
                found.append((row.key, others[0]))
        return found

    def _admit(self, fields: dict[str, str]) -> None:
        if fields["id"] in self._ids:
            # Scores, kept predictions and seeds go by id: twice it would count twice.
            self._skip(fields["id"], f"{MANIFEST}: id {fields['id']!r} is there twice")
            return
        try:
            row = _parse(fields)
        except ValueError as error:
            self._skip(fields["id"], f"{MANIFEST}: {error}")
            return
        fault = self._storage.fault(row.rgb) or self._storage.fault(row.depth)
        if fault is None:
            self._rows.append(row)
            self._ids.add(row.key)
        else:
            self._skip(row.key, fault)

    def _size(self, index: int) -> tuple[int, int]:
        return self._rows[index].size or self[index].image.size

    def _read(self, index: int) -> Sample:
        row = self._rows[index]
        image = read_image(self._storage.read(row.rgb), name=row.key)
        codes = read_codes(self._storage.read(row.depth), row.depth)
        for name, size, said in (
            (row.rgb, image.size, row.size),
            (row.depth, codes.shape, row.depth_size),
        ):
            if said is not None and size != said:
                raise InputError(
                    f"{name}: {size[1]}x{size[0]} pixels, but {MANIFEST} says {said[1]}x{said[0]}"
                )
        with np.errstate(over="ignore"):  # what float32 cannot hold is not measured
            metres = np.where(codes != 0, codes * row.scale + row.offset, 0.0).astype(np.float32)
        valid = (codes != 0) & (metres > 0) & np.isfinite(metres)
        camera = image.intrinsics
        if row.camera is not None:
            camera = Intrinsics.given(*row.camera, size=image.size)
        depth = Depth(
            values=np.where(valid, metres, np.float32(0)),
            valid=valid,
            kind=DepthKind.METRIC,
            intrinsics=camera.resized(*codes.shape) if camera else None,
        )
        return Sample(key=row.key, image=replace(image, intrinsics=camera), depth=depth)


def _read_table(path: Path) -> list[dict[str, str]]:
    text = read_text(path)
    table = csv.DictReader(io.StringIO(text), strict=True)
    try:
        missing = [name for name in REQUIRED if name not in (table.fieldnames or [])]
        if missing:
            raise InputError(f"{path}: no column {', '.join(missing)}; found {table.fieldnames}")
        # A short row has None in its last columns; a missing name is a fault of that row alone.
        return [{k: v or "" for k, v in row.items() if isinstance(k, str)} for row in table]
    except csv.Error as error:  # a quote that nothing closes makes one field of the rest
        raise InputError(f"{path}: line {table.line_num}: {error}; expected a CSV table") from error


def _wanted_splits(config: Manifest.Config, known: list[str]) -> list[str]:
    split = config.split
    names = [] if split is None else list(split.split(",") if isinstance(split, str) else split)
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"{config.root}: no split {name!r}; {hint}known: {', '.join(known)}")
    return names


def _parse(fields: dict[str, str]) -> Row:
    scale = _number(fields, "depth_scale")
    if scale <= 0:
        raise ValueError(f"depth_scale {scale} is not above 0")
    camera = None
    if all(fields.get(name) for name in ("fx", "fy", "cx", "cy")):
        fx, fy, cx, cy = (_number(fields, name) for name in ("fx", "fy", "cx", "cy"))
        camera = (fx, fy, cx, cy)
        if min(fx, fy) <= 0:
            raise ValueError(f"fx, fy, cx, cy = {camera}; expected focal lengths above 0")
    return Row(
        key=fields["id"],
        rgb=fields["rgb"],
        depth=fields["depth"],
        scale=scale,
        offset=_number(fields, "depth_offset"),
        size=_size(fields, "height", "width"),
        depth_size=_size(fields, "depth_height", "depth_width"),
        camera=camera,
        group=fields.get("group") or fields["id"],
        split=fields["split"],
    )


def _size(fields: dict[str, str], height: str, width: str) -> tuple[int, int] | None:
    if fields.get(height) and fields.get(width):
        # Tables with empty cells come with 480.0 for 480.
        return (int(_number(fields, height)), int(_number(fields, width)))
    return None


def _number(fields: dict[str, str], name: str) -> float:
    try:
        value = float(fields[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} {fields[name]!r} is not a number")
    return value
