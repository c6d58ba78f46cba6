"""Points of a COLMAP model that one of its pictures observed.

    depth = (R(q) X + t)[2]      at the place where the picture's own keypoint lies

The places are measured in the picture as it is, so lens distortion needs no undoing. COLMAP counts
pixels from the corner of the first one: the center of it is (0.5, 0.5) there and (0, 0) here.
Schoenberger and Frahm, "Structure-from-Motion Revisited", 2016.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from featherdepth.data.sparse.colmap_binary import BINARY
from featherdepth.data.sparse.colmap_text import TEXT
from featherdepth.data.sparse.request import Request, from_pixels, read_bytes
from featherdepth.errors import InputError
from featherdepth.types import Depth

TABLES = ("cameras", "images", "points3D")
PLACES = ("", "sparse/0", "sparse", "0")
"""Where the tables may lie below the folder that was named."""


def is_model(path: Path) -> bool:
    """Whether a path is a folder, or one of a model's own files."""
    return path.is_dir() or (path.stem in TABLES and path.suffix in (".bin", ".txt"))


def read_colmap(request: Request) -> Depth:
    """The points that the picture `image_name` observed, at its size.

    A model of one picture needs no name. Metres are what the model was scaled to: COLMAP itself
    leaves the scale open.

    Raises:
        InputError: no model, no such picture, another size, or damaged.
        UsageError: several pictures and no name.
    """
    folder, suffix = _find(request.path)
    files = {table: folder / f"{table}{suffix}" for table in TABLES}
    data = {table: read_bytes(path, "a table of COLMAP") for table, path in files.items()}
    form = BINARY if suffix == ".bin" else TEXT
    picture = form.find_picture(data["images"], request.image_name, str(files["images"]))
    camera = form.find_camera(data["cameras"], picture.camera, str(files["cameras"]))
    if (camera.height, camera.width) != request.size:
        raise InputError(
            f"{request.name}: {picture.name} has {camera.width}x{camera.height} pixels in the"
            f" model, but the picture has {request.size[1]}x{request.size[0]}; expected the size"
            " that the model was made from"
        )
    observed = picture.points >= 0
    if not observed.any():
        raise InputError(f"{request.name}: {picture.name} observed no points of the model")
    points = form.find_points(data["points3D"], picture.points[observed], str(files["points3D"]))
    with np.errstate(all="ignore"):  # points that the model does not have are NaN: left out
        ahead = rotation_of(picture.turn) @ points.T + picture.move[:, None]
    pixels = picture.places[observed] - 0.5
    return from_pixels(
        request,
        pixels[:, 0],
        pixels[:, 1],
        ahead[2],
        intrinsics=camera,
        hint="expected points in front of the camera, at places inside the picture",
    )


def rotation_of(turn: Float64[np.ndarray, " 4"]) -> Float64[np.ndarray, "3 3"]:
    """The matrix of a quaternion (w, x, y, z) of any length above 0."""
    w, x, y, z = turn / np.linalg.norm(turn)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def holds_model(path: Path) -> bool:
    """Whether the tables of a model lie there: a folder may also hold a file for each photo."""
    return is_model(path) and _tables(path) is not None


def model_files(path: Path) -> list[Path]:
    """The tables of the model that lies there; none where there is no model."""
    found = _tables(path) if is_model(path) else None
    return [] if found is None else [found[0] / f"{table}{found[1]}" for table in TABLES]


def _find(path: Path) -> tuple[Path, str]:
    found = _tables(path)
    if found is None:
        raise InputError(
            f"{path}: no COLMAP model; expected cameras, images and points3D as .bin or .txt"
        )
    return found


def _tables(path: Path) -> tuple[Path, str] | None:
    top = path if path.is_dir() else path.parent
    for place in PLACES:
        for suffix in (".bin", ".txt"):
            if all((top / place / f"{table}{suffix}").is_file() for table in TABLES):
                return top / place, suffix
    return None
