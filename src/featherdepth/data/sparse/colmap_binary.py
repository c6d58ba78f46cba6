"""The binary form of a COLMAP model: little-endian, counts before what they count."""

import struct

import numpy as np
from jaxtyping import Float64, Int64

from featherdepth.data.sparse.colmap_model import (
    CAMERA_MODELS,
    Form,
    Picture,
    Wanted,
    camera_of,
    choose,
    make_picture,
)
from featherdepth.errors import InputError
from featherdepth.types import Intrinsics

COUNT = struct.Struct("<Q")
CAMERA = struct.Struct("<iiQQ")
"""Number, model, width, height; then the parameters."""
POSE = struct.Struct("<i7di")
"""Number, quaternion, translation, camera; then the name, closed by a zero byte."""
KEYPOINT = np.dtype([("place", "<f8", 2), ("point", "<i8")])
POINT = struct.Struct("<Q3d3BdQ")
"""Number, position, color, error, length of the track; then the track, 8 bytes each."""


def find_picture(data: bytes, wanted: str | None, where: str) -> Picture:
    """The picture of that name in `images.bin`.

    Raises:
        InputError, UsageError: as `choose`; or the file is cut short.
    """
    names, starts = list[str](), list[int]()
    try:
        (count,), place = COUNT.unpack_from(data), COUNT.size
        for _ in range(count):
            starts.append(place)
            end = data.index(b"\0", place + POSE.size)
            names.append(data[place + POSE.size : end].decode("utf-8", "replace"))
            (keypoints,) = COUNT.unpack_from(data, end + 1)
            place = end + 1 + COUNT.size + keypoints * KEYPOINT.itemsize
            if place > len(data):
                raise _cut_short(where)
        start = starts[choose(names, wanted, where)]
        _, *pose, camera = POSE.unpack_from(data, start)
        end = data.index(b"\0", start + POSE.size)
        (count,) = COUNT.unpack_from(data, end + 1)
    except (struct.error, ValueError) as error:
        raise _cut_short(where) from error
    table = np.frombuffer(data, KEYPOINT, count, end + 1 + COUNT.size)
    keypoints_of = np.column_stack([table["place"], table["point"].astype(np.float64)])
    name = data[start + POSE.size : end].decode("utf-8", "replace")
    return make_picture(name, camera, list(pose), keypoints_of, where)


def find_camera(data: bytes, number: int, where: str) -> Intrinsics:
    """The camera of that number in `cameras.bin`.

    Raises:
        InputError: there is none, it is of an unknown model, or the file is cut short.
    """
    try:
        (count,), place = COUNT.unpack_from(data), COUNT.size
        for _ in range(count):
            found, model, width, height = CAMERA.unpack_from(data, place)
            if not 0 <= model < len(CAMERA_MODELS):
                raise InputError(f"{where}: camera model {model}; expected 0 to 11")
            name, params, _ = CAMERA_MODELS[model]
            values = struct.unpack_from(f"<{params}d", data, place + CAMERA.size)
            if found == number:
                return camera_of(name, width, height, list(values), where)
            place += CAMERA.size + 8 * params
    except struct.error as error:
        raise _cut_short(where) from error
    raise InputError(f"{where}: no camera {number}, which the picture names")


def find_points(
    data: bytes, numbers: Int64[np.ndarray, " n"], where: str
) -> Float64[np.ndarray, "n 3"]:
    """Positions in `points3D.bin`; NaN for those that are not there.

    Raises:
        InputError: the file is cut short.
    """
    wanted = Wanted(numbers)
    try:
        (count,), place = COUNT.unpack_from(data), COUNT.size
        for _ in range(count):
            number, x, y, z, _, _, _, _, track = POINT.unpack_from(data, place)
            wanted.found(number, x, y, z)
            place += POINT.size + 8 * track
            if place > len(data):
                raise _cut_short(where)
    except struct.error as error:
        raise _cut_short(where) from error
    return wanted.positions


def _cut_short(where: str) -> InputError:
    return InputError(f"{where}: shorter than its own counts say; expected a whole file")


BINARY = Form(find_picture=find_picture, find_camera=find_camera, find_points=find_points)
