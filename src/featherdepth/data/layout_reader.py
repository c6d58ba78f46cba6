"""Published data sets whose layout is a row of `layouts.toml`."""

import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from featherdepth.data import cameras
from featherdepth.data.benchmark import Benchmark, Published
from featherdepth.data.codes import code_size, read_codes
from featherdepth.data.edges import without_edges
from featherdepth.data.formats.dpt import read_dpt
from featherdepth.data.formats.npy import read_npy, read_npy_mask
from featherdepth.data.formats.pfm import read_pfm
from featherdepth.data.formats.raw_float import read_raw_float
from featherdepth.data.layouts import Layout, find_layout, load_layouts, official_parts
from featherdepth.data.listing import Pair, list_pairs
from featherdepth.data.reader import check_one_size
from featherdepth.data.storage import Storage
from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.parts import Box, box_within
from featherdepth.geometry.resize import resize_pixels
from featherdepth.images.decoder import open_picture
from featherdepth.images.exif import read_orientation
from featherdepth.images.read import read_image
from featherdepth.types import Depth, DepthKind, Image, Intrinsics, Sample

LOOKED_AT = 5
"""Depth maps that are read when a reader opens, to see whether the scale can be right."""


class LayoutReader(Benchmark):
    """Pairs of one row of the table; truth is METRIC z, measured points are in `Sample.sparse`."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`layout`: a name of the table; None finds it by the files.

        `lenient`: also open a data set that cannot be right, for those who want to look at it.
        """

        root: Path
        split: str | None = None
        layout: str | None = None
        lenient: bool = False

    def __init__(self, config: Config) -> None:
        """List the pairs and look at a few depth maps.

        Raises:
            InputError: no such layout there, nothing or less than half of what a list names,
                frames of another split, or depth that cannot be of this data set.
            UsageError: a layout or split that does not exist or is not there.
        """
        super().__init__()
        self.layout = row = _row(config)
        base = row.base(config.root) or ""
        self._storage = Storage(config.root)
        self.name, self.split, self.terms = row.title, row.split, row.terms
        self.usual = row.usual()
        self.unmasked: list[str] = []
        """Samples whose mask is missing."""
        low, high = row.median or (0.0, np.inf)
        # What other readers know as a class, this one knows by its row.
        self.published = Published(  # type: ignore[misc]
            counts={row.split or "all": row.count} if row.count else {},
            median=(low / 10, high * 10),  # of one map; the whole set is checked more closely
            highest=row.highest,
        )
        listing = list_pairs(config.root, self._storage, row, base)
        self.without_truth = listing.without_truth
        self.named, self.source = listing.named, listing.source
        self._pairs: list[Pair] = []
        self._known: set[str] = set()
        for pair in listing.pairs:
            self._admit(pair)
        self.keys = [pair.key for pair in self._pairs]
        self.groups = [pair.group for pair in self._pairs]
        if not config.lenient:
            self._check_found(config.root, listing.named, f"expected {listing.source}")
            self._check_parts(config.root)
            self._check_looks(config.root)

    def describe(self) -> str:
        """What this is, in one line for people."""
        lines = f", {self.without_truth} lines without truth" if self.without_truth else ""
        return super().describe() + lines

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as it is stored.

        Raises:
            InputError: it cannot be read; it is not looked at otherwise.
        """
        return self._storage.read(self._pairs[index].rgb)

    def usable(self, index: int) -> Box:
        """What shows the scene, as the row says."""
        if self.layout.usable is None or self.layout.camera_size is None:
            return super().usable(index)
        return box_within(self.layout.usable, self.layout.camera_size, self._size(index))

    def strangers(self) -> list[tuple[str, str]]:
        """Keys of frames that officially belong to another part, with that part."""
        row = self.layout
        if not row.official:
            return []
        parts = official_parts(row.official)
        found = []
        for pair in self._pairs:
            member = re.search(row.member, pair.rgb)
            if member is None:
                continue
            name = member[1]
            if name.isdecimal():
                name = str(int(name) + row.member_offset)
            other = next((p for p, names in parts.items() if p != row.part and name in names), None)
            if other or (row.part in parts and name not in parts[row.part]):
                found.append((pair.key, other or "another part"))
        return found

    def _admit(self, pair: Pair) -> None:
        if pair.key in self._known:
            # Scores, kept predictions and seeds go by key: twice it would count twice.
            self._skip(pair.key, f"{self.source}: {pair.key} is there twice")
            return
        names = (pair.rgb, pair.depth, pair.mask, pair.sparse, pair.sparse_mask, pair.camera)
        fault = next((f for name in names if name and (f := self._storage.fault(name))), None)
        if fault is None:
            self._pairs.append(pair)
            self._known.add(pair.key)
        else:
            self._skip(pair.key, fault)
            masks = (pair.mask, pair.sparse_mask)
            if any(name and self._storage.fault(name) for name in masks):
                self.unmasked.append(pair.key)

    def _check_parts(self, root: Path) -> None:
        strangers = self.strangers()
        if 2 * len(strangers) > len(self):
            key, part = strangers[0]
            raise InputError(
                f"{root}: {len(strangers)} of {len(self)} frames of split {self.split!r} are not of"
                f" the official {self.layout.part}: {key} is of {part}; the splits are swapped"
            )

    def _check_looks(self, root: Path) -> None:
        """Stop where the typical depth of a few maps cannot be of this data set."""
        medians, faults = [], []
        for index in np.unique(np.linspace(0, len(self) - 1, LOOKED_AT).round().astype(int)):
            try:
                depth = self[int(index)].depth
            except InputError as error:
                faults.append(error)
                continue
            if depth is not None:
                medians.append(float(np.median(depth.known)))
        if not medians:
            raise InputError(f"{root}: no depth map can be read; {faults[0]}") from faults[0]
        if (fault := self.layout.usual().scale_fault(float(np.median(medians)))) is not None:
            raise InputError(f"{root}: {self.name}: {fault}")

    def _size(self, index: int) -> tuple[int, int]:
        pair = self._pairs[index]
        if self.layout.resized:
            return code_size(self._storage.read(pair.depth), pair.depth)
        with open_picture(io.BytesIO(self._storage.read(pair.rgb)), pair.rgb) as picture:
            return read_orientation(picture).turned((picture.height, picture.width))

    def _read(self, index: int) -> Sample:
        pair = self._pairs[index]
        image = read_image(self._storage.read(pair.rgb), name=pair.key)
        values, valid = self._values(pair, image)
        if self.layout.resized and image.size != values.shape:
            height, width = values.shape
            image = Image(pixels=resize_pixels(image.pixels, (height, width)), name=pair.key)
        check_one_size(pair.depth, values.shape, image.size)
        camera = self._camera(pair, image.size) or image.intrinsics
        sparse = None
        if pair.sparse:
            points, measured = self._codes(pair.sparse, image.size)
            if pair.sparse_mask:
                measured &= read_codes(self._storage.read(pair.sparse_mask), pair.sparse_mask) != 0
            sparse = _depth(points, measured, camera)
        return Sample(
            key=pair.key,
            image=replace(image, intrinsics=camera),
            depth=self._truth(values, valid, pair.key, camera),
            sparse=sparse,
        )

    def _values(self, pair: Pair, image: Image) -> tuple[np.ndarray, np.ndarray]:
        """Metres and where they are measured."""
        row, data = self.layout, self._storage.read(pair.depth)
        if row.format == "png":
            return self._codes(pair.depth)
        if row.format == "dpt":
            values = read_dpt(data, pair.depth)
        elif row.format == "pfm":
            values = self._from_disparity(read_pfm(data, pair.depth), pair)
        elif row.format == "npy":
            values = read_npy(data, pair.depth)
        else:
            values = read_raw_float(data, image.size, pair.depth)
        valid = np.isfinite(values) & (values > 0) & ~np.isin(values, row.invalid)
        if pair.mask:
            mask = read_npy_mask(self._storage.read(pair.mask), pair.mask)
            if mask.shape != values.shape:
                raise InputError(f"{pair.mask}: {mask.shape}, but the depth is {values.shape}")
            valid &= mask
        values = np.where(valid, values, 0.0)
        if row.edge_jump is not None:
            valid = without_edges(values, valid, jump=row.edge_jump)
        return values, valid

    def _codes(
        self, name: str, size: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        codes = read_codes(self._storage.read(name), name)
        if size not in (None, codes.shape):
            raise InputError(f"{name}: {codes.shape}, but the photo is {size}; a pair has one size")
        if 0 < codes.max() <= 255:
            raise InputError(
                f"{name}: no code above {codes.max()}; expected 16 bits: the picture went through 8"
            )
        valid = (codes > 0) & ~np.isin(codes, self.layout.invalid)
        return codes / self.layout.codes_per_metre, valid

    def _from_disparity(self, disparity: np.ndarray, pair: Pair) -> np.ndarray:
        stereo = self._stereo(pair)
        pixels = disparity + stereo.doffs
        known = np.isfinite(disparity) & (pixels > 0)
        numerator = stereo.camera[0] * stereo.baseline_m
        return np.where(known, numerator / np.where(known, pixels, 1.0), 0.0)

    def _stereo(self, pair: Pair) -> cameras.Stereo:
        return cameras.read_middlebury(self._storage.read(pair.camera), pair.camera)

    def _camera(self, pair: Pair, size: tuple[int, int]) -> Intrinsics | None:
        row = self.layout
        stored: tuple[float, ...] | None = None
        camera_size = row.camera_size or size
        if pair.camera:
            data = self._storage.read(pair.camera)
            camera_size = size
            if row.camera_format == "middlebury":
                stored = self._stereo(pair).camera
            elif row.camera_format == "sintel":
                stored = cameras.read_sintel(data, pair.camera)
            else:
                stored = cameras.read_matrix(data, pair.camera)
        elif row.cameras:
            where = f"{self._storage.root.resolve().name}/{pair.rgb}"
            stored = next((c for part, c in row.cameras.items() if part in where), None)
        if stored is None:
            return None
        fx, fy, cx, cy = stored
        if pair.focal_px is not None:  # the list of this very frame knows best
            fx, fy = pair.focal_px, fy * pair.focal_px / fx
        return Intrinsics.given(fx, fy, cx, cy, size=camera_size).resized(*size)


def _depth(values: np.ndarray, valid: np.ndarray, camera: Intrinsics | None) -> Depth:
    metres = np.where(valid, values, 0.0).astype(np.float32)
    return Depth(values=metres, valid=valid, kind=DepthKind.METRIC, intrinsics=camera)


def _row(config: LayoutReader.Config) -> Layout:
    names = list(dict.fromkeys(row.name for row in load_layouts()))
    if config.layout is not None and config.layout not in names:
        raise UsageError(f"unknown layout {config.layout!r}; known: {', '.join(names)}")
    row = find_layout(config.root, config.split, config.layout)
    if row is None:
        wanted = [r for r in load_layouts() if config.layout in (None, r.name)]
        expected = f"; expected {' and '.join(wanted[0].markers)}" if config.layout else ""
        raise InputError(f"{config.root}: not a layout of the table{expected}")
    return row
