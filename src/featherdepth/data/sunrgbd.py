"""SUN RGB-D: 10,335 frames of four depth cameras, one folder each.

    kv1/NYUdata/NYU0001/{image/*.jpg, depth/*.png, depth_bfx/*.png, intrinsics.txt}

A depth picture holds millimetres with the bits turned left by three:
metres = ((v >> 3) | (v << 13) in 16 bits) / 1000; 0 is not measured, beyond 8 m nothing is
trusted. Song, Lichtenberg, Xiao, "SUN RGB-D: a RGB-D scene understanding benchmark suite", 2015.
`kv1/NYUdata` are frames of NYU Depth V2.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int32

from featherdepth.data.benchmark import Benchmark, Published, ScaleError
from featherdepth.data.codes import code_size, read_codes
from featherdepth.data.matlab import load_v5
from featherdepth.data.reader import check_one_size
from featherdepth.data.storage import Storage
from featherdepth.data.usual import Usual
from featherdepth.errors import InputError
from featherdepth.images.read import IMAGE_SUFFIXES, read_image
from featherdepth.types import Intrinsics, Sample

SENSORS = ("kv1", "kv2", "realsense", "xtion")
FOLDER = "SUNRGBD"
SPLITS = ("SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat", "allsplit.mat")
"""Where the official split lies, beside the sensors or beside their folder."""
FOLDERS = {"raw": "depth", "filled": "depth_bfx"}
NYU = "kv1/NYUdata/"
TRUSTED_M = 8.0


class SunRgbd(Benchmark):
    """Frames in the order of their folders; groups are the sets of a sensor."""

    terms = "SUN RGB-D (class B: research, no redistribution of the images)"
    published = Published(
        counts={"all": 10335, "test": 5050, "train": 5285},
        median=(0.2, TRUSTED_M),
        highest=TRUSTED_M,
    )
    usual = Usual(unit="millimetres, bits turned by three", median=(1.0, 4.0), valid=(0.3, 1.0))

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: the folder of the sensors, or the one above.

        `split`: train or test, which needs `allsplit.mat`. `truth`: `raw` as measured, `filled`
        with holes painted in. `nyu`: false leaves out the frames of NYU Depth V2, which models
        that were trained on NYU have seen.
        """

        root: Path
        split: str | None = None
        truth: Literal["raw", "filled"] = "raw"
        nyu: bool = True

    def __init__(self, config: Config) -> None:
        """List the frames; pictures are opened when asked for.

        Raises:
            InputError: no frame, no split file, or depth that is not turned by three bits.
            UsageError: a split that does not exist.
        """
        super().__init__()
        without = "" if config.nyu else ", without NYUv2"
        self.name = f"SUN RGB-D ({config.truth} depth{without})"
        self._check_split(config.split, ("train", "test"))
        self.split = config.split
        nested = config.root / FOLDER
        root = nested if nested.is_dir() else config.root
        self._storage = Storage(root)
        wanted = None if config.split is None else _read_split(root, config.split)
        self._frames: list[tuple[str, str, str]] = []
        listed = 0
        for folder in _frame_folders(root):
            key = folder.relative_to(root).as_posix()
            if (wanted is None or key in wanted) and (config.nyu or not key.startswith(NYU)):
                listed += 1
                self._admit(key, folder, FOLDERS[config.truth])
        self.groups = ["/".join(key.split("/")[:2]) for key in self.keys]
        listed = listed if wanted is None or not config.nyu else len(wanted)
        self._check_found(config.root, listed, "expected kv1, kv2, realsense, xtion")
        self._check_scale()

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as it is stored."""
        return self._storage.read(self._frames[index][0])

    def _admit(self, key: str, folder: Path, depth_folder: str) -> None:
        photos = _files(folder / "image", IMAGE_SUFFIXES)
        depths = _files(folder / depth_folder, {".png"})
        if len(photos) != 1 or len(depths) != 1:
            self._skip(
                key, f"{key}: {len(photos)} photos and {len(depths)} depths; expected one of each"
            )
            return
        self.keys.append(key)
        self._frames.append(
            (
                f"{key}/image/{photos[0]}",
                f"{key}/{depth_folder}/{depths[0]}",
                f"{key}/intrinsics.txt",
            )
        )

    def _size(self, index: int) -> tuple[int, int]:
        name = self._frames[index][1]  # a pair has one size
        return code_size(self._storage.read(name), name)

    def _read(self, index: int) -> Sample:
        key = self.keys[index]
        photo, depth, calibration = self._frames[index]
        image = read_image(self._storage.read(photo), name=key)
        codes = read_codes(self._storage.read(depth), depth)
        check_one_size(depth, codes.shape, image.size)
        if 0 < codes.max() <= 255:
            raise ScaleError(f"{depth}: no number above 255: 8 bits of 16; get the original file")
        camera = _camera(self._storage.read(calibration), image.size, calibration)
        metres = turn_back(codes) / 1000.0
        measured = metres > 0
        trusted = measured & (metres <= TRUSTED_M)
        # Turned bits of numbers that were not turned land beyond 8 m seven times of eight.
        if measured.any() and 2 * np.count_nonzero(trusted) < np.count_nonzero(measured):
            raise ScaleError(
                f"{depth}: {1 - trusted.sum() / measured.sum():.0%} of the depth is beyond"
                f" {TRUSTED_M:g} m; expected bits turned left by three, as published"
            )
        return Sample(
            key=key,
            image=replace(image, intrinsics=camera),
            depth=self._truth(metres, trusted, key, camera),
        )


def turn_back(codes: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    """Millimetres of the stored 16-bit numbers: bits turned right by three."""
    millimetres: Int32[np.ndarray, "h w"] = ((codes >> 3) | (codes << 13)) & 0xFFFF
    return millimetres


def _frame_folders(root: Path) -> list[Path]:
    """Folders with a camera and pictures; a camera alone belongs to a copy at another size."""
    found = (path.parent for s in SENSORS for path in (root / s).rglob("intrinsics.txt"))
    return sorted(f for f in found if (f / "image").is_dir() or (f / "depth").is_dir())


def _files(folder: Path, suffixes: frozenset[str] | set[str] | tuple[str, ...]) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.suffix.lower() in suffixes)


def _camera(data: bytes, size: tuple[int, int], name: str) -> Intrinsics:
    try:
        matrix = np.array([float(word) for word in data.split()])
    except ValueError as error:
        raise InputError(f"{name}: {error}; expected nine numbers") from error
    if matrix.size != 9 or not np.isfinite(matrix).all() or min(matrix[0], matrix[4]) <= 0:
        raise InputError(f"{name}: not a camera matrix; expected nine numbers, row by row")
    fx, fy, cx, cy = matrix[[0, 4, 2, 5]].tolist()
    return Intrinsics.given(fx, fy, cx - 1, cy - 1, size=size)  # the toolbox counts pixels from 1


def _read_split(root: Path, split: str) -> set[str]:
    places = [folder / name for folder in (root, root.parent) for name in SPLITS]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise InputError(f"{root}: split {split!r} needs {SPLITS[0]}; put it beside the sensors")
    variable = f"all{split}"
    cells = load_v5(path, (variable,), path.name)[variable]
    keys = set()
    for cell in cells if isinstance(cells, list) else []:
        text = cell if isinstance(cell, str) else ""
        _, found, key = text.replace("\\", "/").rpartition(f"{FOLDER}/")
        if not found:
            raise InputError(f"{path.name}: {text[:80]!r} in {variable!r} is no folder of {FOLDER}")
        keys.add(key.strip("/"))
    return keys
