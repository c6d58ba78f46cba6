"""Files of measured points as sensors' programs write them, all of the same points."""

import struct
from pathlib import Path

import numpy as np
import PIL.Image

Camera = tuple[float, float, float, float]
"""fx, fy, cx, cy in pixels."""
CALIBRATION = "P2: {fx} 0 {cx} 0 0 {fy} {cy} 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\n"
CALIBRATION += "Tr_velo_to_cam: 0 -1 0 0.2 0 0 -1 0.1 1 0 0 -0.3\n"
"""The scanner looks along x; the camera stands 0.3 m before it."""


def write_sensor_files(
    folder: Path,
    photo: str,
    meters: np.ndarray,
    places: tuple[np.ndarray, np.ndarray],
    camera: Camera,
) -> None:
    """points.csv, sparse.png (millimeters), .npy, .npz, cloud.ply, cloud.pcd, scan.bin with
    calib.txt, colmap (binary) and colmap-text, of the depth at some pixels."""
    rows, columns = places
    fx, fy, cx, cy = camera
    depth = meters[rows, columns]
    table = [f"{u},{v},{z:.6f}" for u, v, z in zip(columns, rows, depth, strict=True)]
    (folder / "points.csv").write_text("\n".join(["u,v,meters", *table]) + "\n")
    sparse = np.zeros(meters.shape)
    sparse[rows, columns] = depth
    PIL.Image.fromarray(np.rint(1000 * sparse).astype(np.uint16)).save(folder / "sparse.png")
    np.save(folder / "sparse.npy", sparse.astype(np.float32))
    np.savez(folder / "sparse.npz", depth=sparse.astype(np.float32))
    x = (columns - cx) / fx * depth
    y = (rows - cy) / fy * depth
    cloud = np.stack([x, y, depth], axis=1)
    names = "".join(f"property float {name}\n" for name in "xyz")
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(cloud)}\n{names}end_header\n"
    (folder / "cloud.ply").write_bytes(head.encode() + cloud.astype("<f4").tobytes())
    lines = "".join(f"{x} {y} {z}\n" for x, y, z in cloud)
    (folder / "cloud.pcd").write_text(
        "VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\n"
        f"WIDTH {len(cloud)}\nHEIGHT 1\nPOINTS {len(cloud)}\nDATA ascii\n{lines}"
    )
    # The inverse of the calibration: x = z + 0.3, y = 0.2 - x, z = 0.1 - y of the camera.
    scan = np.stack([depth + 0.3, 0.2 - x, 0.1 - y, np.full(len(depth), 0.5)], axis=1)
    (folder / "scan.bin").write_bytes(scan.astype("<f4").tobytes())
    (folder / "calib.txt").write_text(CALIBRATION.format(fx=fx, fy=fy, cx=cx, cy=cy))
    corners = (fx, fy, cx + 0.5, cy + 0.5)
    keypoints = np.stack([columns, rows], axis=1) + 0.5
    _write_colmap(folder, (photo, *meters.shape), cloud, keypoints, corners)


def _write_colmap(
    folder: Path,
    picture: tuple[str, int, int],
    cloud: np.ndarray,
    places: np.ndarray,
    model: Camera,
) -> None:
    """A camera half a turn about z and moved along it: world = (-x, -y, z - 2)."""
    pose = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0)
    photo, height, width = picture
    world = cloud * [-1, -1, 1] - [0, 0, 2]
    binary, text = folder / "colmap", folder / "colmap-text"
    binary.mkdir()
    text.mkdir()
    count = struct.pack("<Q", 1)
    own = struct.pack("<iiQQ4d", 1, 1, width, height, *model)
    (binary / "cameras.bin").write_bytes(count + own)
    row = struct.pack("<i7di", 1, *pose, 1) + photo.encode() + b"\0"
    row += struct.pack("<Q", len(places))
    for number, (u, v) in enumerate(places, start=1):
        row += struct.pack("<ddq", u, v, number)
    (binary / "images.bin").write_bytes(count + row)
    points = struct.pack("<Q", len(world))
    for number, place in enumerate(world, start=1):
        points += struct.pack("<Q3d3BdQ2i", number, *place, 1, 2, 3, 0.5, 1, 1, number - 1)
    (binary / "points3D.bin").write_bytes(points)
    numbers = " ".join(map(str, model))
    (text / "cameras.txt").write_text(f"1 PINHOLE {width} {height} {numbers}\n")
    observed = " ".join(f"{u} {v} {i}" for i, (u, v) in enumerate(places, start=1))
    turned = " ".join(map(str, pose))
    (text / "images.txt").write_text(f"1 {turned} 1 {photo}\n{observed}\n")
    listed = (f"{i} {x} {y} {z} 1 2 3 0.5 1 {i - 1}" for i, (x, y, z) in enumerate(world, start=1))
    (text / "points3D.txt").write_text("\n".join(listed) + "\n")
