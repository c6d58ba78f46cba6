"""Raw KITTI: photos with the laser points of their moment as truth ("697", Eigen's test).

    2011_09_26/calib_cam_to_cam.txt, calib_velo_to_cam.txt
    2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png (or .jpg)
    2011_09_26/2011_09_26_drive_0002_sync/velodyne_points/data/0000000069.bin

About 4 % of the pixels have truth, with background seen through the edges of objects. It is
another benchmark than the 652 frames with accumulated ("improved") truth: never one table.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from featherdepth.data.benchmark import Benchmark, Published
from featherdepth.data.storage import Storage, read_text
from featherdepth.data.usual import Usual
from featherdepth.data.velodyne import Rig, Rounding, project, read_cloud, read_rig
from featherdepth.errors import InputError
from featherdepth.images.read import read_image
from featherdepth.types import Sample

CAMERAS = {"l": 2, "r": 3, "2": 2, "3": 3}
LIST_NAMES = ("eigen_test_files_with_gt.txt", "test_files.txt")
"""Lists that are taken where they lie in the root and no other was named."""
PICTURE = re.compile(r"(.+)/image_0([23])/data/(\d+)\.(?:png|jpg)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One moment of one drive, seen by one camera; names are relative to the root."""

    drive: str
    """`2011_09_26/2011_09_26_drive_0002_sync`"""
    number: int
    camera: int

    @property
    def key(self) -> str:
        return f"{self.drive}/image_0{self.camera}/{self.number:010d}"

    @property
    def pictures(self) -> tuple[str, ...]:
        stem = f"{self.drive}/image_0{self.camera}/data/{self.number:010d}"
        return (f"{stem}.png", f"{stem}.jpg")

    @property
    def cloud(self) -> str:
        return f"{self.drive}/velodyne_points/data/{self.number:010d}.bin"


class KittiVelodyne(Benchmark):
    """Frames of a list, or all frames of the left color camera; groups are the drives."""

    terms = "KITTI (class C: CC BY-NC-SA 3.0, evaluation only)"
    published = Published(
        counts={"eigen_test_files_with_gt": 697, "test_files": 697},
        median=(2.0, 60.0),
        highest=125.0,
    )
    usual = Usual(unit="laser points, metres", median=(6.0, 25.0), valid=(0.02, 0.08))

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: the folder of the days.

        `frames`: a list with lines `DRIVE NUMBER l|r` or `PICTURE ...` (its truth and focal length
        are not read). `split`: the name of such a list in the root, without `.txt`.
        `rounding`: see `velodyne.project`.
        """

        root: Path
        split: str | None = None
        frames: Path | None = None
        rounding: Rounding = "eigen"

    def __init__(self, config: Config) -> None:
        """List the frames; pictures and clouds are opened when asked for.

        Raises:
            InputError: no list, or less than half of its frames.
            UsageError: a split that is not a list in the root.
        """
        super().__init__()
        self.name = f"KITTI raw (velodyne, {config.rounding} pixels)"
        self._storage = Storage(config.root)
        self._rounding: Rounding = config.rounding
        self._rigs: dict[tuple[str, int], Rig] = {}
        path = self._list_of(config)
        self.split = path.stem if path else None
        frames = _read_list(path) if path else _find_frames(config.root)
        self._frames: list[tuple[Frame, str]] = []
        for frame in frames:
            faults = {name: self._storage.fault(name) for name in frame.pictures}
            picture = next((name for name, fault in faults.items() if fault is None), None)
            fault = self._storage.fault(frame.cloud) if picture else faults[frame.pictures[0]]
            if picture is None or fault is not None:
                self._skip(frame.key, fault or "no picture")
            else:
                self._frames.append((frame, picture))
        self.keys = [frame.key for frame, _ in self._frames]
        self.groups = [frame.drive for frame, _ in self._frames]
        self._check_found(config.root, len(frames), "expected 2011_09_26/..._sync/image_02/data")
        self._check_scale()

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as it is stored."""
        return self._storage.read(self._frames[index][1])

    def _list_of(self, config: Config) -> Path | None:
        if config.frames is not None:
            return config.frames
        found = [config.root / name for name in LIST_NAMES if (config.root / name).is_file()]
        if config.split is None:
            return found[0] if found else None
        lists = {path.stem: path for path in sorted(config.root.glob("*.txt"))}
        self._check_split(config.split, tuple(lists))
        return lists[config.split]

    def _rig(self, frame: Frame) -> Rig:
        day = frame.drive.split("/")[0]
        if (day, frame.camera) not in self._rigs:
            cameras, scanner = (
                self._storage.read(f"{day}/calib_{name}_to_cam.txt").decode("ascii", "replace")
                for name in ("cam", "velo")
            )
            self._rigs[day, frame.camera] = read_rig(cameras, scanner, frame.camera, day)
        return self._rigs[day, frame.camera]

    def _size(self, index: int) -> tuple[int, int]:
        camera = self._rig(self._frames[index][0]).camera
        return (camera.height, camera.width)

    def _read(self, index: int) -> Sample:
        frame, picture = self._frames[index]
        rig = self._rig(frame)
        image = read_image(self._storage.read(picture), name=frame.key)
        size = (rig.camera.height, rig.camera.width)
        if image.size != size:
            raise InputError(
                f"{picture}: {image.size[1]}x{image.size[0]} pixels, but the calibration of its"
                f" day is for {size[1]}x{size[0]}"
            )
        cloud = read_cloud(self._storage.read(frame.cloud), frame.cloud)
        metres, valid = project(cloud, rig.projection, size, self._rounding)
        return Sample(
            key=frame.key,
            image=replace(image, intrinsics=rig.camera),
            depth=self._truth(np.asarray(metres), valid, frame.key, rig.camera),
        )


def _find_frames(root: Path) -> list[Frame]:
    found = sorted(root.glob("2011_*/*_sync/image_02/data/*"))
    frames = [_from_picture(path.relative_to(root).as_posix()) for path in found]
    return list(dict.fromkeys(frame for frame in frames if frame is not None))


def _read_list(path: Path) -> list[Frame]:
    lines = read_text(path).splitlines()
    frames = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if words:
            frame = _from_picture(words[0]) or _from_words(words)
            if frame is None:
                raise InputError(
                    f"{path.name}, line {number}: {line[:80]!r}; expected DRIVE NUMBER l|r or a"
                    " picture under image_02/data"
                )
            frames.append(frame)
    return list(dict.fromkeys(frames))


def _from_picture(name: str) -> Frame | None:
    match = PICTURE.fullmatch(name)
    if match is None:
        return None
    return Frame(drive=match[1].lstrip("/"), number=int(match[3]), camera=int(match[2]))


def _from_words(words: list[str]) -> Frame | None:
    if len(words) < 2 or not words[1].isdecimal() or "/" not in words[0]:
        return None
    camera = CAMERAS.get(words[2] if len(words) > 2 else "l")
    return Frame(drive=words[0], number=int(words[1]), camera=camera) if camera else None
