"""Points in space: PLY and PCD in the camera's or a scanner's frame, scans of KITTI."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from featherdepth.data.sparse.pcd import read_pcd
from featherdepth.data.sparse.ply import read_ply
from featherdepth.data.sparse.request import Request, from_points, read_bytes
from featherdepth.data.velodyne import Rig, read_cloud, read_one_file_rig, read_rig
from featherdepth.errors import InputError
from featherdepth.types import Depth, Intrinsics

CAMERAS, SCANNER = "calib_cam_to_cam.txt", "calib_velo_to_cam.txt"
MAX_CALIBRATION = 1 << 20


def read_scan(request: Request) -> Depth:
    """A .ply, .pcd or .bin cloud, seen by the camera of the picture.

    With a calibration the cloud is in the scanner's frame, else in the camera's (a .bin needs
    one).

    Raises:
        InputError: damaged, no camera or one that is only assumed, a calibration of another camera
            than was given, or as `from_points`.
    """
    suffix = request.path.suffix.lower()
    data = read_bytes(request.path, f"a {suffix} cloud")
    read = {".ply": read_ply, ".pcd": read_pcd, ".bin": read_cloud}[suffix]
    points: Float[np.ndarray, "n 3"] = read(data, request.name)
    if request.calibration is not None:
        rig = _rig(request, request.calibration)
        _refuse_other_camera(request, rig.camera)
        return from_points(request, points, rig.projection, rig.camera)
    if suffix == ".bin":
        raise InputError(
            f"{request.name}: a scan is in the scanner's frame; expected its calibration file too"
            " (--calibration calib.txt)"
        )
    camera = request.intrinsics
    if camera is None or camera.source == "assumed":  # a guess would put points on other pixels
        raise InputError(
            f"{request.name}: which pixels see a point hangs on the camera; expected intrinsics"
            " (--intrinsics fx,fy,cx,cy, or --fov) for points in its frame, or a --calibration"
        )
    return from_points(request, points, _matrix(camera), camera)


def _refuse_other_camera(request: Request, calibrated: Intrinsics) -> None:
    """Points seen by one camera and a depth map noted with another would be two places in space."""
    given = request.intrinsics
    if given is None or given.source != "given":
        return
    said, measured = ((one.fx, one.fy, one.cx, one.cy) for one in (given, calibrated))
    if not np.allclose(said, measured, rtol=1e-3, atol=0.5):
        raise InputError(
            f"{request.name}: the camera was given as {_numbers(said)}, but its calibration says"
            f" {_numbers(measured)}; leave one of them out"
        )


def _numbers(camera: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in camera)


def _matrix(camera: Intrinsics) -> Float[np.ndarray, "3 4"]:
    return np.array(
        [[camera.fx, 0, camera.cx, 0], [0, camera.fy, camera.cy, 0], [0, 0, 1, 0]], dtype=float
    )


def _rig(request: Request, path: Path) -> Rig:
    """From the one file of a frame, or from the two files of a day in one folder."""
    folder = path if path.is_dir() else path.parent
    if not path.is_dir() and path.name != CAMERAS:
        return read_one_file_rig(_text(path), request.camera, request.size, path.name)
    both = _text(folder / CAMERAS), _text(folder / SCANNER)
    rig = read_rig(*both, request.camera, folder.name)
    size = (rig.camera.height, rig.camera.width)
    if size != request.size:
        raise InputError(
            f"{folder / CAMERAS}: is for pictures of {size[1]}x{size[0]}, but this one has"
            f" {request.size[1]}x{request.size[0]}; expected the picture as it was taken"
        )
    return rig


def _text(path: Path) -> str:
    data = read_bytes(path, "a calibration file of KITTI")
    if len(data) > MAX_CALIBRATION:
        raise InputError(f"{path}: {len(data):,} bytes are too many; expected a calibration file")
    return data.decode("ascii", "replace")
