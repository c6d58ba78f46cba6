"""Laser points of raw KITTI into the picture: calibration files, clouds, projection.

    x = P_rect_0k * R_rect_00 * [R T; 0 1] * X      depth = x[2], column = x[0] / depth

X are points of the scanner (x forward, y left, z up, metres). Geiger, Lenz, Stiller, Urtasun,
"Vision meets robotics: the KITTI dataset", 2013.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32

from featherdepth.errors import InputError
from featherdepth.geometry.splat import nearest_wins, pixels_of
from featherdepth.types import Intrinsics

Rounding = Literal["eigen", "nearest"]
MAX_BYTES = 1 << 28
"""Of a cloud: 16.8 million points; a true one has 0.13 million."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rig:
    """A camera of one recording day, and where the scanner stands."""

    camera: Intrinsics
    projection: Float[np.ndarray, "3 4"]
    """From points of the scanner to (column * depth, row * depth, depth)."""


def read_rig(cam_to_cam: str, velo_to_cam: str, camera: int, name: str) -> Rig:
    """The rig from the texts of `calib_cam_to_cam.txt` and `calib_velo_to_cam.txt`.

    Args:
        camera: 2 is the left color camera, 3 the right one.
        name: of the day, for messages.

    Raises:
        InputError: a line is missing, or is no rotation where one must be.
    """
    cameras, scanner = _lines(cam_to_cam), _lines(velo_to_cam)
    where = f"{name}/calib_cam_to_cam.txt"
    width, height = (round(v) for v in _numbers(cameras, f"S_rect_0{camera}", 2, where))
    onto = _numbers(cameras, f"P_rect_0{camera}", 12, where).reshape(3, 4)
    rectify, place = np.eye(4), np.eye(4)
    rectify[:3, :3] = _rotation(cameras, "R_rect_00", where)
    where = f"{name}/calib_velo_to_cam.txt"
    place[:3, :3] = _rotation(scanner, "R", where)
    place[:3, 3] = _numbers(scanner, "T", 3, where)
    return _rig(onto, rectify @ place, (height, width), f"{name}: camera 0{camera}")


def read_one_file_rig(calibration: str, camera: int, size: tuple[int, int], name: str) -> Rig:
    """The rig from the one file of a frame of the object benchmark, or of the odometry's.

    Lines `P2: ...` (12 numbers), `R0_rect:` (9; absent in odometry) and `Tr_velo_to_cam:` or `Tr:`
    (12). The size is not in such a file.

    Raises:
        InputError: a line is missing, or is no rotation where one must be.
    """
    table = _lines(calibration)
    onto = _numbers(table, f"P{camera}", 12, name).reshape(3, 4)
    rectify, place = np.eye(4), np.eye(4)
    rectification = next((key for key in ("R0_rect", "R_rect") if key in table), None)
    if rectification is not None:
        rectify[:3, :3] = _rotation(table, rectification, name)
    keys = ("Tr_velo_to_cam", "Tr_velo_cam", "Tr")
    placed = next((key for key in keys if key in table), keys[0])
    place[:3] = _numbers(table, placed, 12, name).reshape(3, 4)
    if not np.allclose(place[:3, :3] @ place[:3, :3].T, np.eye(3), atol=1e-3):
        raise InputError(f"{name}: {placed} is not a rotation")
    return _rig(onto, rectify @ place, size, f"{name}: P{camera}")


def read_cloud(data: bytes, name: str) -> Float32[np.ndarray, "n 3"]:
    """Points of a `.bin` file: little-endian float32 x, y, z, reflectance.

    Raises:
        InputError: empty, or not a whole number of points.
    """
    if not data or len(data) % 16 or len(data) > MAX_BYTES:
        raise InputError(f"{name}: {len(data)} bytes; expected 16 for each point")
    cloud = np.frombuffer(data, dtype="<f4").reshape(-1, 4)[:, :3].astype(np.float32)
    finite: Float32[np.ndarray, "n 3"] = cloud[np.isfinite(cloud).all(axis=1)]
    return finite


def project(
    cloud: Float32[np.ndarray, "n 3"],
    projection: Float[np.ndarray, "3 4"],
    size: tuple[int, int],
    rounding: Rounding = "eigen",
) -> tuple[Float[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Depth in metres and where there is any; of points in one pixel the nearest wins.

    Points behind the scanner are left out first, as all published evaluations do. On a real cloud
    the code of Monodepth2 gives the same map but for single pixels of the first column, where it
    takes the last column of the row above for the same pixel; no crop in use scores them.

    Args:
        size: (height, width) of the picture.
        rounding: `nearest` is the pixel whose center is nearest. `eigen` is one column and one
            row before that: published evaluations subtract 1, after MATLAB code that counts from
            1, and their numbers belong to this.
    """
    ahead = cloud[cloud[:, 0] >= 0].astype(np.float64)
    x, y, depth = projection[:, :3] @ ahead.T + projection[:, 3:]
    front = depth > 0
    x, y, depth = x[front], y[front], depth[front]
    first = 1 if rounding == "eigen" else 0
    rows, columns = np.rint(y / depth) - first, np.rint(x / depth) - first
    row, column, inside = pixels_of(rows, columns, size)
    values = nearest_wins(row[inside], column[inside], depth[inside], size)
    return values, values > 0


def _rig(
    onto: Float[np.ndarray, "3 4"],
    place: Float[np.ndarray, "4 4"],
    size: tuple[int, int],
    where: str,
) -> Rig:
    height, width = size
    if not (0 < width < 1 << 14 and 0 < height < 1 << 14 and onto[0, 0] > 0 and onto[1, 1] > 0):
        raise InputError(f"{where} of {width}x{height} pixels is not a camera")
    fx, fy, cx, cy = (float(onto[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return Rig(camera=Intrinsics.given(fx, fy, cx, cy, size=size), projection=onto @ place)


def _lines(text: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key.strip(): value for key, value in pairs}


def _numbers(table: dict[str, str], key: str, count: int, where: str) -> np.ndarray:
    if key not in table:
        raise InputError(f"{where}: no line {key!r}")
    try:
        values = np.array([float(word) for word in table[key].split()])
    except ValueError as error:
        raise InputError(f"{where}: {key}: {error}") from error
    if values.size != count:
        raise InputError(f"{where}: {key} has {values.size} numbers; expected {count}")
    if not np.isfinite(values).all():
        raise InputError(f"{where}: {key} has numbers that are not finite")
    return values


def _rotation(table: dict[str, str], key: str, where: str) -> np.ndarray:
    matrix = _numbers(table, key, 9, where).reshape(3, 3)
    if not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-3):
        raise InputError(f"{where}: {key} is not a rotation")
    return matrix
