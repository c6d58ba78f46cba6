"""Lines of a laser scanner that stands in the camera, and lines of a real scan."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from featherdepth.data.patterns.base import keep, known, mark
from featherdepth.errors import InputError
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.types import Depth, Image, Intrinsics

PITCH_RAD = 0.5
YAW_RAD = math.pi / 2.1
REAL_LINES = 64
SIDE_RAD = math.pi / 2.1
"""What a scanner with real beams sees to each side of the camera: more than any photo shows."""

BEAMS_DEG = {
    "hdl64e": np.r_[np.linspace(2.0, 2.0 - 31 / 3, 32), np.linspace(-8.83, -24.8, 32)],
    "hdl32e": np.linspace(10.67, -30.67, 32),
    "vlp16": np.linspace(15.0, -15.0, 16),
}
"""Elevation of each beam, up is positive."""
AZIMUTH_DEG = {"hdl64e": 0.17, "hdl32e": 0.166, "vlp16": 0.2}
"""Between two shots of a beam at 10 turns a second."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A virtual scanner of LINES lines, 0.5 rad up and down, COLUMNS shots over 171 degrees.

    It stands in the camera, which is taken to have a focal length of the map's height: the same
    pixels for every map of a size. The rule of OMNI-DC's and Prior Depth Anything's tests.
    """

    lines: int
    columns: int = 200

    def __post_init__(self) -> None:
        check_scan(self.lines, self.columns)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        height, width = truth.size
        camera = Intrinsics(
            fx=float(height),
            fy=float(height),
            cx=width / 2,
            cy=height / 2,
            width=width,
            height=height,
            source="assumed",
        )
        pitch = spread(-PITCH_RAD, PITCH_RAD, self.lines)
        yaw = spread(-YAW_RAD, YAW_RAD, self.columns)
        return keep(truth, shots(pitch, yaw, camera))


@dataclass(frozen=True, slots=True)
class Sensor:
    """The beams of a MODEL (hdl64e, hdl32e or vlp16) that stands in the camera.

    By the map's own camera; without one a vertical field of view of 60 degrees is assumed. Where a
    turn begins is random. HDL-64E: 32 beams every 1/3 degree from +2.0, 32 about every 1/2 degree
    to -24.8. HDL-32E: +10.67 to -30.67. VLP-16: +15 to -15.
    """

    model: Literal["hdl64e", "hdl32e", "vlp16"]

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        camera = truth.intrinsics or assumed_intrinsics(*truth.size)
        step = math.radians(AZIMUTH_DEG[self.model])
        yaw = np.arange(-SIDE_RAD, SIDE_RAD, step) + rng.uniform(0, step)
        # Up is positive for the scanner, down for the camera.
        return keep(truth, shots(np.radians(-BEAMS_DEG[self.model]), yaw, camera))


@dataclass(frozen=True, slots=True)
class KeepLines:
    """LINES of the 64 lines of a real scan, told apart by the elevation of its points.

    64 equal steps between the lowest and the highest point; every (64 / LINES)-th is kept. The map
    must know its camera. Beams that are not evenly spaced, and the height between scanner and
    camera, make it an approximation. The rule of CompletionFormer's and OMNI-DC's tests.
    """

    lines: int

    def __post_init__(self) -> None:
        if self.lines < 1 or REAL_LINES % self.lines:
            raise ValueError(f"{self.lines} lines; expected a divisor of 64, such as 16")

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        camera = truth.intrinsics
        if camera is None:
            raise InputError(
                "lines of a scan are told apart by their elevation, but the depth map does not know"
                " its camera; give its intrinsics"
            )
        usable = known(truth)
        row, column = np.nonzero(usable)
        x, y = (column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy
        pitch = np.arcsin(y / np.sqrt(x**2 + y**2 + 1))
        step = (pitch.max() - pitch.min()) / REAL_LINES
        label = np.rint((pitch - pitch.min()) / (step if step > 0 else 1)).astype(np.int64)
        chosen = np.zeros(truth.size, dtype=bool)
        chosen[usable] = label % (REAL_LINES // self.lines) == 0
        return keep(truth, chosen)


def shots(
    pitch: Float[np.ndarray, " l"], yaw: Float[np.ndarray, " k"], camera: Intrinsics
) -> Bool[np.ndarray, "h w"]:
    """The pixels that rays from the camera hit.

    Args:
        pitch: of each line, radians, down is positive.
        yaw: of each shot of a line, radians, to the right is positive, within a right angle.
    """
    column = camera.fx * np.tan(yaw)[None, :] + camera.cx
    # (cos p sin q, sin p, cos p cos q): y / z is tan p / cos q, so a line bends away.
    row = camera.fy * np.tan(pitch)[:, None] / np.cos(yaw)[None, :] + camera.cy
    columns = np.broadcast_to(column, row.shape)
    return mark(row.ravel(), columns.ravel(), (camera.height, camera.width))


def spread(low: float, high: float, count: int) -> Float[np.ndarray, " n"]:
    """Evenly from low to high; one alone stands in the middle."""
    if count == 1:
        return np.array([(low + high) / 2])
    return np.linspace(low, high, count)


def check_scan(lines: int, columns: int) -> None:
    """A ValueError for a scan that no scanner makes."""
    if not 1 <= lines <= 1024:
        raise ValueError(f"{lines} lines; expected 1 to 1024")
    if not 1 <= columns <= 10_000:
        raise ValueError(f"{columns} columns; expected 1 to 10000")
