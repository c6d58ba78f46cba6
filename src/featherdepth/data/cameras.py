"""Cameras that data sets write beside their pictures, as (fx, fy, cx, cy) in pixels."""

import math
import re
from dataclasses import dataclass

import numpy as np

from featherdepth.data.formats.dpt import read_cam
from featherdepth.errors import InputError

Camera = tuple[float, float, float, float]
"""(fx, fy, cx, cy)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stereo:
    """A rectified pair: z = fx * baseline_m / (disparity + doffs)."""

    camera: Camera
    baseline_m: float
    doffs: float


def read_matrix(data: bytes, name: str) -> Camera:
    """Nine numbers (a 3x3 matrix by rows) or sixteen (4x4), with any white space between.

    KITTI completion has them in one line; VOID (K.txt), ScanNet (intrinsic_depth.txt) in rows.

    Raises:
        InputError: another count, or focal lengths that are not above 0.
    """
    try:
        numbers = [float(word) for word in data.decode("ascii").split()]
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{name}: not a matrix of numbers: {error}") from error
    side = math.isqrt(len(numbers))
    if len(numbers) not in (9, 16):
        raise InputError(f"{name}: {len(numbers)} numbers; expected 9 or 16 of a camera matrix")
    return _camera(np.reshape(numbers, (side, side)), name)


def read_sintel(data: bytes, name: str) -> Camera:
    """The camera of a `.cam` file.

    Raises:
        InputError: not such a file.
    """
    return _camera(read_cam(data, name), name)


def read_middlebury(data: bytes, name: str) -> Stereo:
    """`calib.txt` of Middlebury 2014: cam0=[f 0 cx; 0 f cy; 0 0 1], doffs, baseline in mm.

    Raises:
        InputError: an entry is missing or not a number.
    """
    text = data.decode("ascii", errors="replace")
    entries = dict(re.findall(r"^(\w+)=(.*?)\s*$", text, re.MULTILINE))
    try:
        rows = [[float(w) for w in r.split()] for r in entries["cam0"].strip("[] ").split(";")]
        matrix = np.array(rows, dtype=np.float64).reshape(3, 3)
        baseline, doffs = float(entries["baseline"]) / 1000, float(entries["doffs"])
    except (KeyError, ValueError) as error:
        found = ", ".join(sorted(entries)) or "nothing"
        raise InputError(
            f"{name}: needs cam0, doffs and baseline in numbers, found {found}: {error}"
        ) from error
    if not (baseline > 0 and math.isfinite(doffs)):
        raise InputError(f"{name}: baseline {baseline * 1000:g} mm and doffs {doffs:g} px")
    return Stereo(camera=_camera(matrix, name), baseline_m=baseline, doffs=doffs)


def _camera(matrix: np.ndarray, name: str) -> Camera:
    camera = (
        float(matrix[0, 0]),
        float(matrix[1, 1]),
        float(matrix[0, 2]),
        float(matrix[1, 2]),
    )
    if not all(math.isfinite(x) for x in camera) or min(camera[:2]) <= 0:
        raise InputError(f"{name}: fx, fy, cx, cy = {camera}; expected focal lengths above 0")
    return camera
