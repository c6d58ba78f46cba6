"""iBims-1: 100 rooms measured by a laser scanner, one MATLAB v5 file each.

The struct `data` of a file has rgb (480, 640, 3), depth in metres, calib (the camera matrix,
transposed as MATLAB has it, counting pixels from 1), and masks that are 1 where a pixel may be
used: mask_invalid and mask_transp (glass, mirrors). Koch, Liebel, Fraundorfer, Körner, "Evaluation
of CNN-based single-image depth estimation methods", 2018.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.data.benchmark import Benchmark, Published
from featherdepth.data.matlab import array_in, load_v5
from featherdepth.data.storage import is_inside, read_text
from featherdepth.data.usual import Usual
from featherdepth.errors import InputError
from featherdepth.types import Image, Intrinsics, Sample

LIST = "imagelist.txt"
FOLDERS = ("gt_depth", "ibims1_core_mat", "")
"""Where the files lie, below the root."""
MASKS = ("mask_invalid", "mask_transp")
MAX_BYTES = 1 << 28
"""Of one struct, unpacked; a true one has 15 MB."""


class Ibims(Benchmark):
    """Scenes of `imagelist.txt`, or all files where there is none."""

    terms = "iBims-1 (class C: no license stated with the files, evaluation only)"
    published = Published(counts={"all": 100}, median=(0.3, 40.0), highest=100.0)
    usual = Usual(unit="metres", median=(1.0, 10.0), valid=(0.5, 1.0))

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: the folder. `masks`: leave out transparent and invalid pixels, as published."""

        root: Path
        split: str | None = None
        masks: bool = True

        def __post_init__(self) -> None:
            if self.split is not None:
                raise ValueError(f"iBims-1 has no splits, got {self.split!r}")

    def __init__(self, config: Config) -> None:
        """List the scenes; files are opened when asked for.

        Raises:
            InputError: no file, half of the list, or depth that cannot be metres.
        """
        super().__init__()
        self.name = f"iBims-1 ({'masks' if config.masks else 'no masks'} applied)"
        self._masks = config.masks
        folders = [config.root / folder for folder in FOLDERS]
        self._folder = next((f for f in folders if any(f.glob("*.mat"))), config.root)
        scenes = _scenes(config.root, self._folder)
        for scene in scenes:
            if not is_inside(scene):
                self._skip(scene, f"{scene!r} leads out of {config.root.name}")
            elif not (self._folder / f"{scene}.mat").is_file():
                self._skip(scene, f"{scene}.mat: not found in {self._folder.name}")
            else:
                self.keys.append(scene)
        self.groups = list(self.keys)
        self._check_found(config.root, len(scenes), f"expected {LIST} and gt_depth/SCENE.mat")
        self._check_scale()

    def _size(self, index: int) -> tuple[int, int]:
        return self[index].image.size

    def _read(self, index: int) -> Sample:
        key = self.keys[index]
        name = f"{key}.mat"
        record = load_v5(self._folder / name, ("data",), name, limit=MAX_BYTES)["data"]
        if not isinstance(record, dict):
            raise InputError(f"{name}: 'data' is not a struct; expected one with rgb and depth")
        pixels = _field(record, "rgb", 3, name)
        metres = _field(record, "depth", 2, name).astype(np.float64)
        if pixels.dtype != np.uint8 or pixels.shape != (*metres.shape, 3):
            raise InputError(
                f"{name}: rgb {pixels.dtype} {pixels.shape}, depth {metres.shape}; expected uint8"
                " of the same height and width"
            )
        valid = np.isfinite(metres) & (metres > 0)
        for mask in MASKS if self._masks else ():
            usable = _field(record, mask, 2, name)
            if usable.shape != metres.shape:
                raise InputError(f"{name}: {mask} {usable.shape}, but depth {metres.shape}")
            valid &= usable != 0
        camera = _camera(_field(record, "calib", 2, name), metres.shape, name)
        return Sample(
            key=key,
            image=Image(pixels=np.ascontiguousarray(pixels), intrinsics=camera, name=key),
            depth=self._truth(metres, valid, key, camera),
        )


def _scenes(root: Path, folder: Path) -> list[str]:
    path = next((p for p in (root / LIST, folder / LIST) if p.is_file()), None)
    if path is None:
        return sorted(p.stem for p in folder.glob("*.mat"))
    lines = read_text(path).split()
    return list(dict.fromkeys(line.removesuffix(".mat") for line in lines))


def _field(record: dict[str, Any], field: str, ndim: int, name: str) -> np.ndarray:
    if field not in record:
        raise InputError(f"{name}: no field {field!r} in 'data'")
    value = array_in(record[field], f"{name}: field {field!r}")
    if value.ndim != ndim:
        raise InputError(f"{name}: field {field!r} is {value.shape}; expected {ndim} axes")
    return value


def _camera(matrix: np.ndarray, size: tuple[int, ...], name: str) -> Intrinsics:
    if (
        matrix.shape != (3, 3)
        or not np.isfinite(matrix).all()
        or min(matrix[0, 0], matrix[1, 1]) <= 0
    ):
        raise InputError(f"{name}: calib is not a camera matrix")
    # Transposed in the published files; a copy that was turned upright is read as well.
    center = matrix[2, :2] if matrix[2, 0] != 0 else matrix[:2, 2]
    fx, fy, cx, cy = (float(value) for value in (matrix[0, 0], matrix[1, 1], *center))
    return Intrinsics.given(fx, fy, cx - 1, cy - 1, size=(size[0], size[1]))
