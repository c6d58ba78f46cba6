"""What the binary and the text form of a COLMAP model have in common."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from featherdepth.errors import InputError, UsageError
from featherdepth.types import Intrinsics

SHOWN = 3
LARGEST_PX = 1 << 16
FARTHEST = 1e100
"""Of any number of a pose: beyond it squares overflow."""

CAMERA_MODELS = (
    ("SIMPLE_PINHOLE", 3, 1),
    ("PINHOLE", 4, 2),
    ("SIMPLE_RADIAL", 4, 1),
    ("RADIAL", 5, 1),
    ("OPENCV", 8, 2),
    ("OPENCV_FISHEYE", 8, 2),
    ("FULL_OPENCV", 12, 2),
    ("FOV", 5, 2),
    ("SIMPLE_RADIAL_FISHEYE", 4, 1),
    ("RADIAL_FISHEYE", 5, 1),
    ("THIN_PRISM_FISHEYE", 12, 2),
    ("RAD_TAN_THIN_PRISM_FISHEYE", 16, 2),
)
"""Name, parameters, and how many of them are focal lengths, by the number of the model.

The principal point comes next. Distortion is not kept: depth stands where the picture has it.
"""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """One picture of the model: from the world to its camera, and what it observed."""

    name: str
    camera: int
    turn: Float64[np.ndarray, " 4"]
    """Quaternion (w, x, y, z)."""
    move: Float64[np.ndarray, " 3"]
    places: Float64[np.ndarray, "n 2"]
    """Column and row of each keypoint, counted from the corner of the first pixel."""
    points: Int64[np.ndarray, " n"]
    """Number of the point of each keypoint; -1 for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """How one of the two forms is read; each takes the content of a table and its name."""

    find_picture: Callable[[bytes, str | None, str], Picture]
    find_camera: Callable[[bytes, int, str], Intrinsics]
    find_points: Callable[[bytes, np.ndarray, str], np.ndarray]


def make_picture(
    name: str, camera: int, pose: list[float], keypoints: Float64[np.ndarray, "n 3"], where: str
) -> Picture:
    """A picture from qw, qx, qy, qz, tx, ty, tz and rows of column, row, number of the point.

    Raises:
        InputError: a pose or keypoints that are not finite numbers.
    """
    numbers = np.array(pose, dtype=np.float64)
    largest = np.abs(numbers).max()
    if not np.isfinite(largest) or largest > FARTHEST or not np.any(numbers[:4]):
        raise InputError(f"{where}: the pose of {name!r} is not one; expected a quaternion")
    if not np.isfinite(keypoints).all() or (np.abs(keypoints[:, 2]) > 2**53).any():
        raise InputError(f"{where}: keypoints of {name!r} that are not numbers")
    return Picture(
        name=name,
        camera=camera,
        turn=numbers[:4],
        move=numbers[4:],
        places=keypoints[:, :2],
        points=keypoints[:, 2].astype(np.int64),
    )


def choose(names: list[str], wanted: str | None, where: str) -> int:
    """Which of the pictures is meant: by its whole name, or by the end of its path.

    One of both paths must end in the other whole: of two cameras that count alike, cam1/0001.jpg is
    never taken for cam2/0001.jpg. Of several names that fit the longest end counts.

    Raises:
        InputError: no such picture, or none at all.
        UsageError: no name, or one that fits several.
    """
    # A name may hold anything, but a message is one line.
    shown = ", ".join(" ".join(name.split()) for name in names[:SHOWN]) + (
        ", ..." if len(names) > SHOWN else ""
    )
    if not names:
        raise InputError(f"{where}: a model without pictures")
    if wanted is None:
        if len(names) == 1:
            return 0
        raise UsageError(
            f"{where}: {len(names):,} pictures ({shown}); say which one with --image-name"
        )
    if wanted in names:
        return names.index(wanted)
    ends = [_common_end(name, wanted) for name in names]
    fitting = [i for i, end in enumerate(ends) if end and end == max(ends)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(
            f"{where}: {len(fitting)} pictures are called {wanted!r}; give the whole name, or the"
            " folder above those of the cameras"
        )
    raise InputError(f"{where}: no picture {wanted!r}; the model has {shown}")


def _common_end(name: str, wanted: str) -> int:
    """Parts of the shorter path where the longer one ends in it; else 0."""
    shorter, longer = sorted((name.split("/"), wanted.split("/")), key=len)
    return len(shorter) if longer[-len(shorter) :] == shorter else 0


def camera_of(model: str, width: int, height: int, params: list[float], where: str) -> Intrinsics:
    """The pinhole part of a camera, with the center of the first pixel at 0.

    Raises:
        InputError: an unknown model, or numbers that are no camera.
    """
    known = {name: (count, focals) for name, count, focals in CAMERA_MODELS}
    if model not in known:
        raise InputError(f"{where}: camera model {model!r}; known: {', '.join(known)}")
    count, focals = known[model]
    if len(params) != count:
        raise InputError(f"{where}: {len(params)} parameters of a {model} camera; expected {count}")
    if not np.isfinite(params).all() or min(params[:focals]) <= 0:
        told = ", ".join(f"{value:g}" for value in params)
        raise InputError(
            f"{where}: parameters {told} are no camera; expected focal lengths above 0"
        )
    if not (0 < width <= LARGEST_PX and 0 < height <= LARGEST_PX):
        raise InputError(f"{where}: a camera of {width}x{height} pixels")
    fx, fy = params[0], params[focals - 1]
    cx, cy = params[focals : focals + 2]
    return Intrinsics.given(fx, fy, cx - 0.5, cy - 0.5, size=(height, width))


class Wanted:
    """Positions of the points that a picture observed, found one after the other."""

    def __init__(self, numbers: Int64[np.ndarray, " n"]) -> None:
        self._rows: dict[int, list[int]] = {}
        for row, number in enumerate(numbers.tolist()):
            self._rows.setdefault(number, []).append(row)
        self.positions = np.full((len(numbers), 3), np.nan)
        """NaN where a point is not in the model: it is left out later."""

    def found(self, number: int, x: float, y: float, z: float) -> None:
        for row in self._rows.get(number, ()):
            self.positions[row] = x, y, z
