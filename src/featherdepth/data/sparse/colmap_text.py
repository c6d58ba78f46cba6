"""The text form of a COLMAP model: `#` begins a comment, pictures take two lines."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64, Int64

from featherdepth.data.sparse.colmap_model import (
    Form,
    Picture,
    Wanted,
    camera_of,
    choose,
    make_picture,
)
from featherdepth.errors import InputError
from featherdepth.types import Intrinsics


def find_picture(data: bytes, wanted: str | None, where: str) -> Picture:
    """The picture of that name in `images.txt`.

    Two lines each: number, quaternion, translation, camera, name; then column, row and number of
    the point of each keypoint. The second line may be empty.

    Raises:
        InputError, UsageError: as `choose`; or a line of another form.
    """
    lines = [line for line in _text(data, where).splitlines() if not line.startswith("#")]
    heads = lines[::2]
    while heads and not heads[-1].strip():
        heads.pop()
    words = [line.split(maxsplit=9) for line in heads]
    for row in words:
        if len(row) != 10:
            raise InputError(f"{where}: {' '.join(row)[:60]!r}; expected a picture of COLMAP")
    index = choose([row[9].strip() for row in words], wanted, where)
    second = lines[2 * index + 1].split() if 2 * index + 1 < len(lines) else []
    try:
        pose, camera = [float(word) for word in words[index][1:8]], int(words[index][8])
        keypoints = np.array([float(word) for word in second]).reshape(-1, 3)
    except ValueError as error:
        raise InputError(f"{where}: {words[index][9]}: {error}") from error
    return make_picture(words[index][9].strip(), camera, pose, keypoints, where)


def find_camera(data: bytes, number: int, where: str) -> Intrinsics:
    """The camera of that number in `cameras.txt`: number, model, width, height, parameters.

    Raises:
        InputError: there is none, it is of an unknown model, or a line of another form.
    """
    for row in _rows(data, where):
        try:
            if int(row[0]) == number:
                width, height, *params = (float(word) for word in row[2:])
                return camera_of(row[1], int(width), int(height), params, where)
        except (ValueError, IndexError, OverflowError) as error:
            raise InputError(f"{where}: {' '.join(row)[:60]!r}; expected a camera") from error
    raise InputError(f"{where}: no camera {number}, which the picture names")


def find_points(
    data: bytes, numbers: Int64[np.ndarray, " n"], where: str
) -> Float64[np.ndarray, "n 3"]:
    """Positions in `points3D.txt`; NaN for those that are not there.

    Raises:
        InputError: a line of another form.
    """
    wanted = Wanted(numbers)
    for row in _rows(data, where):
        try:
            number, x, y, z = int(row[0]), *(float(word) for word in row[1:4])
        except ValueError as error:
            raise InputError(f"{where}: {' '.join(row)[:60]!r}; expected a point") from error
        wanted.found(number, x, y, z)
    return wanted.positions


def _rows(data: bytes, where: str) -> Iterator[list[str]]:
    for line in _text(data, where).splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split()


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: is not text; expected a table of COLMAP") from error


TEXT = Form(find_picture=find_picture, find_camera=find_camera, find_points=find_points)
