"""Hypersim: rendered rooms; its files hold the distance to the camera, not z.

    ai_001_001/images/scene_cam_00_geometry_hdf5/frame.0000.depth_meters.hdf5
    ai_001_001/images/scene_cam_00_final_preview/frame.0000.tonemap.jpg
    ai_001_001/images/scene_cam_00_final_hdf5/frame.0000.color.hdf5     (where there is no preview)

    z = distance / sqrt(1 + ((u - cx) / f)^2 + ((v - cy) / f)^2)      f = 886.81 at 1024x768

Roberts, Ramapuram, Ranjan, Kumar, Bautista, Paczan, Webb, Susskind, "Hypersim", 2021. The few
scenes with a tilted or shifted lens are read with the same camera.
"""

import csv
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from featherdepth.data.benchmark import Benchmark, Published
from featherdepth.data.hdf5 import array_of, open_hdf5, take
from featherdepth.data.usual import Usual
from featherdepth.errors import InputError
from featherdepth.geometry.camera import pixel_rays
from featherdepth.images.read import read_image
from featherdepth.types import Image, Intrinsics, Sample

SPLIT_FILE = "metadata_images_split_scene_v1.csv"
GEOMETRY = "ai_*_*/images/scene_cam_*_geometry_hdf5/frame.*.depth_meters.hdf5"
NAME = re.compile(r"(ai_\d+_\d+)/images/scene_(cam_\d+)_geometry_hdf5/frame\.(\d+)\..*")
FOCAL_PX, WIDTH = 886.81, 1024
BRIGHT_QUANTILE, BRIGHT_LEVEL, GAMMA = 0.90, 0.8, 2.2
"""Tone mapping: nine tenths of the pixels are darker than 0.8 after the gamma."""


class Hypersim(Benchmark):
    """Frames in the order of their folders; groups are the scenes."""

    name = "Hypersim (z from distance)"
    terms = "Hypersim (class C: CC BY-SA 3.0, evaluation only)"
    published = Published(
        counts={"train": 59543, "val": 7386, "test": 7690}, median=(0.05, 500.0), highest=70000.0
    )
    usual = Usual(unit="metres along the ray", median=(0.5, 30.0), valid=(0.5, 1.0))

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: the folder of the scenes. `split`: train, val or test, which needs the table."""

        root: Path
        split: str | None = None

    def __init__(self, config: Config) -> None:
        """List the frames; files are opened when asked for.

        Raises:
            InputError: no frame, or a split without its table.
            UsageError: a split that does not exist.
            BackendError: h5py is not installed.
        """
        super().__init__()
        self._check_split(config.split, ("train", "val", "test"))
        self.split, self._root = config.split, config.root
        wanted = None if config.split is None else _read_split(config.root, config.split)
        listed = 0
        self._names: list[str] = []
        for path in sorted(config.root.glob(GEOMETRY)):
            name = path.relative_to(config.root).as_posix()
            match = NAME.fullmatch(name)
            if match is None or (wanted is not None and match.groups() not in wanted):
                continue
            listed += 1
            key = "/".join(match.groups())
            if not any(place.is_file() for place in self._pictures(name)):
                self._skip(key, f"{key}: no picture; expected {self._pictures(name)[0].name}")
                continue
            self.keys.append(key)
            self._names.append(name)
        self.groups = [key.split("/")[0] for key in self.keys]
        listed = listed if wanted is None else len(wanted)
        self._check_found(config.root, listed, f"expected {GEOMETRY}")
        self._check_scale()

    def _pictures(self, name: str) -> tuple[Path, Path]:
        folder = self._root / Path(name).parent.parent
        camera = Path(name).parent.name.removesuffix("_geometry_hdf5")
        frame = Path(name).name.removesuffix(".depth_meters.hdf5")
        return (
            folder / f"{camera}_final_preview" / f"{frame}.tonemap.jpg",
            folder / f"{camera}_final_hdf5" / f"{frame}.color.hdf5",
        )

    def _size(self, index: int) -> tuple[int, int]:
        name = self._names[index]
        with open_hdf5(self._root / name, name) as file:
            height, width = array_of(file, "dataset", ndim=2, kinds="f", name=name).shape
        return (height, width)

    def _read(self, index: int) -> Sample:
        key, name = self.keys[index], self._names[index]
        with open_hdf5(self._root / name, name) as file:
            item = array_of(file, "dataset", ndim=2, kinds="f", name=name)
            distance = take(item).astype(np.float64)
        image = self._picture(name, key)
        if image.size != distance.shape:
            raise InputError(f"{key}: picture {image.size}, but depth {distance.shape} pixels")
        camera = camera_of(*image.size)
        metres = z_of_distance(distance, camera)
        valid = np.isfinite(metres) & (metres > 0)
        return Sample(
            key=key,
            image=replace(image, intrinsics=camera),
            depth=self._truth(metres, valid, key, camera),
        )

    def _picture(self, name: str, key: str) -> Image:
        preview, linear = self._pictures(name)
        if preview.is_file():
            return read_image(preview, name=key)
        with open_hdf5(linear, linear.name) as file:
            item = array_of(file, "dataset", ndim=3, kinds="f", name=linear.name)
            color = take(item).astype(np.float64)
        if color.shape[2] != 3:
            raise InputError(f"{linear.name}: {color.shape}; expected (height, width, 3)")
        return Image(pixels=tone_map(color), name=key)


def camera_of(height: int, width: int) -> Intrinsics:
    """The camera of nearly all scenes: square pixels, looking through the middle."""
    focal = FOCAL_PX * width / WIDTH
    return Intrinsics.given(focal, focal, (width - 1) / 2, (height - 1) / 2, size=(height, width))


def z_of_distance(
    distance: Float[np.ndarray, "h w"], camera: Intrinsics
) -> Float[np.ndarray, "h w"]:
    """Z along the optical axis of distances along the rays: a frontal wall becomes flat."""
    rays = pixel_rays(camera).astype(np.float64)
    z: Float[np.ndarray, "h w"] = distance / np.sqrt((rays**2).sum(axis=2))
    return z


def tone_map(color: Float[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Linear light to 8 bits: scaled so that the bright quantile lands at 0.8, gamma 2.2."""
    light = np.where(np.isfinite(color), np.maximum(color, 0.0), 0.0)
    brightness = light @ np.array([0.3, 0.59, 0.11])
    bright = float(np.quantile(brightness, BRIGHT_QUANTILE))
    scale = BRIGHT_LEVEL**GAMMA / bright if bright > 1e-4 else 0.0
    shown = np.minimum(scale * light, 1.0) ** (1 / GAMMA)
    pixels: UInt8[np.ndarray, "h w 3"] = np.rint(255 * shown).astype(np.uint8)
    return pixels


def _read_split(root: Path, split: str) -> set[tuple[str, ...]]:
    path = root / SPLIT_FILE
    try:
        table = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
        return {
            (row["scene_name"], row["camera_name"], f"{int(row['frame_id']):04d}")
            for row in table
            if row["split_partition_name"] == split
            and row["included_in_public_release"].lower() == "true"
        }
    except OSError as error:
        raise InputError(f"{path}: split {split!r} needs it: {error.strerror}") from error
    except (KeyError, ValueError, AttributeError, TypeError, csv.Error) as error:
        raise InputError(f"{path}: not the published table: {error!r}") from error
