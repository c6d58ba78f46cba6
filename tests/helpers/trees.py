"""Tiny trees of published data sets in their true formats, all showing one street or room."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

H, W = 48, 64
KITTI_DAY = "2011_09_26"
KITTI_VAL = f"{KITTI_DAY}_drive_0002_sync"
KITTI_VAL_OTHER = "2011_09_28_drive_0037_sync"


def floor(near: float, far: float, height: int = H, width: int = W) -> np.ndarray:
    """Metres of a floor that runs away from the camera: 1/z is linear from far to near."""
    inverse = np.linspace(1 / far, 1 / near, height)
    return np.repeat(1 / inverse[:, None], width, axis=1)


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def put_photo(path: Path, height: int = H, width: int = W, exif: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = len(path.as_posix())
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    if exif is None:
        picture.save(path)
    else:
        tags = Image.Exif()
        tags[0x0112] = exif
        picture.save(path, exif=tags)


def put_codes(path: Path, metres: np.ndarray, codes_per_metre: float) -> np.ndarray:
    """16-bit PNG; gives what a reader must give back."""
    codes = np.round(metres * codes_per_metre).astype(np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(codes).save(path)
    return codes / codes_per_metre


def holes(metres: np.ndarray, every: int = 5) -> np.ndarray:
    """The map with every n-th pixel not measured."""
    flat = metres.copy().ravel()
    flat[::every] = 0
    return flat.reshape(metres.shape)


def sparse(metres: np.ndarray, every: int) -> np.ndarray:
    """Only every n-th pixel of the map."""
    kept = np.zeros(metres.size)
    kept[::every] = metres.ravel()[::every]
    return kept.reshape(metres.shape)


def put_npy(path: Path, array: np.ndarray) -> None:
    stream = io.BytesIO()
    np.save(stream, array)
    put(path, stream.getvalue())


def put_dpt(path: Path, metres: np.ndarray) -> None:
    height, width = metres.shape
    head = struct.pack("<f2i", 202021.25, width, height)
    put(path, head + metres.astype("<f4").tobytes())


def put_pfm(path: Path, values: np.ndarray, order: str = "<") -> None:
    height, width = values.shape
    scale = "-1.0" if order == "<" else "1.0"
    body = values[::-1].astype(f"{order}f4").tobytes()
    put(path, f"Pf\n{width} {height}\n{scale}\n".encode() + body)


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What a tree must read as."""

    write: Callable[[Path], np.ndarray]
    """Writes the tree; gives the metres of the first pair, 0 = not measured."""
    layout: str
    split: str | None
    count: int
    official: int | None
    camera: tuple[float, float, float, float] | None
    terms: str
    open_with: str | None = None
    """Split to ask for, where it is not the first."""


def resized(
    camera: tuple[float, ...], height: int, width: int
) -> tuple[float, float, float, float]:
    """A camera of height x width for pictures of H x W, half-pixel centres kept."""
    fx, fy, cx, cy = camera
    sx, sy = W / width, H / height
    return (fx * sx, fy * sy, (cx + 0.5) * sx - 0.5, (cy + 0.5) * sy - 0.5)


NYU = resized((518.8579, 519.46961, 324.58245, 252.73617), 480, 640)
ROOM = holes(floor(1.2, 6.0))
STREET = sparse(floor(6.0, 60.0), 5)


def nyuv2_bts(root: Path, frames: tuple[int, ...] = (45, 46), scale: float = 1000) -> np.ndarray:
    """Test frames with the list of the publishers; frame numbers count from 0."""
    folder = root / "official_splits" / "test" / "bathroom"
    lines = []
    for n in frames:
        put_photo(folder / f"rgb_{n:05d}.jpg")
        truth = put_codes(folder / f"sync_depth_{n:05d}.png", ROOM, scale)
        lines.append(f"bathroom/rgb_{n:05d}.jpg bathroom/sync_depth_{n:05d}.png 518.8579")
    (root / "nyudepthv2_test_files_with_gt.txt").write_text("\n".join(lines) + "\n")
    return truth


def nyuv2_bts_train(root: Path) -> np.ndarray:
    """Its paths begin with a slash."""
    folder = root / "sync" / "kitchen_0028b"
    put_photo(folder / "rgb_00045.jpg")
    truth = put_codes(folder / "sync_depth_00045.png", ROOM, 1000)
    line = "/kitchen_0028b/rgb_00045.jpg /kitchen_0028b/sync_depth_00045.png 518.8579\n"
    (root / "nyudepthv2_train_files_with_gt.txt").write_text(line)
    return truth


def nyuv2_marigold(root: Path) -> np.ndarray:
    """Raw and filled side by side; frame numbers count from 1: 9 and 21 are test, 3 is train."""
    for part, n in (("test", 9), ("test", 21), ("train", 3)):
        folder = root / part / "kitchen_0004"
        put_photo(folder / f"rgb_{n:04d}.png")
        truth = put_codes(folder / f"depth_{n:04d}.png", ROOM, 1000)
        put_codes(folder / f"filled_{n:04d}.png", floor(1.2, 6.0), 1000)
    return truth


def nyuv2_filled(root: Path) -> np.ndarray:
    nyuv2_marigold(root)
    return np.round(floor(1.2, 6.0) * 1000) / 1000


def _kitti_frame(root: Path, n: int, jpg: bool = False) -> np.ndarray:
    suffix = "jpg" if jpg else "png"
    put_photo(root / KITTI_DAY / KITTI_VAL / "image_02" / "data" / f"{n:010d}.{suffix}")
    truth = root / "data_depth_annotated" / "val" / KITTI_VAL / "proj_depth" / "groundtruth"
    return put_codes(truth / "image_02" / f"{n:010d}.png", STREET, 256)


def kitti_eigen_columns(root: Path) -> np.ndarray:
    """`rgb gt focal`, one line with None, photos kept as JPEG."""
    lines = [
        f"{KITTI_DAY}/{KITTI_VAL}/image_02/data/{n:010d}.png"
        f" {KITTI_VAL}/proj_depth/groundtruth/image_02/{n:010d}.png 721.5377"
        for n in (69, 85)
    ]
    lines.insert(0, f"{KITTI_DAY}/{KITTI_VAL}/image_02/data/0000000000.png None 721.5377")
    (root / "eigen_test_files_with_gt.txt").write_text("\n".join(lines) + "\n")
    _kitti_frame(root, 85, jpg=True)
    return _kitti_frame(root, 69, jpg=True)


def kitti_eigen_frames(root: Path) -> np.ndarray:
    """`folder frame side`; frame 0 has no improved truth, and one number is not padded."""
    folder = root / "splits" / "eigen"
    folder.mkdir(parents=True)
    drive = f"{KITTI_DAY}/{KITTI_VAL}"
    (folder / "test_files.txt").write_text(f"{drive} 0000000000 l\n{drive} 69 l\n{drive} 85 l\n")
    put_photo(root / drive / "image_02" / "data" / f"{0:010d}.png")
    _kitti_frame(root, 85)
    return _kitti_frame(root, 69)


def kitti_selection(root: Path) -> np.ndarray:
    """The 1,000 cropped validation pairs with their own intrinsics."""
    base = root / "depth_selection" / "val_selection_cropped"
    for n in (5, 8):
        stem, end = f"{KITTI_VAL}_", f"_{n:010d}_image_02"
        put_photo(base / "image" / f"{stem}image{end}.png")
        truth = put_codes(
            base / "groundtruth_depth" / f"{stem}groundtruth_depth{end}.png", STREET, 256
        )
        points = sparse(floor(6.0, 60.0), 25)
        put_codes(base / "velodyne_raw" / f"{stem}velodyne_raw{end}.png", points, 256)
        numbers = "7.2e+01 0.0 3.05e+01 0.0 7.3e+01 2.45e+01 0.0 0.0 1.0"
        put(base / "intrinsics" / f"{stem}image{end}.txt", numbers.encode())
    return truth


def kitti_annotated(root: Path) -> np.ndarray:
    """The raw tree beside data_depth_annotated and data_depth_velodyne."""
    for n in (5, 6):
        truth = _kitti_frame(root, n)
        points = root / "data_depth_velodyne" / "val" / KITTI_VAL / "proj_depth" / "velodyne_raw"
        put_codes(points / "image_02" / f"{n:010d}.png", sparse(floor(6.0, 60.0), 25), 256)
    return truth


def scannet(root: Path) -> np.ndarray:
    """Color of another size than the depth; 4x4 matrices."""
    scene = root / "scene0406_02"
    for n in (0, 300):
        put_photo(scene / "color" / f"{n:06d}.jpg", 97, 130)
        truth = put_codes(scene / "depth" / f"{n:06d}.png", ROOM * 0.5, 1000)
    rows = ["57.7 0 31.5 0", "0 57.9 23.5 0", "0 0 1 0", "0 0 0 1"]
    put(scene / "intrinsic" / "intrinsic_depth.txt", "\n".join(rows).encode())
    return truth


def vkitti2(root: Path) -> np.ndarray:
    """Centimetres; the sky is the largest code."""
    metres = floor(6.0, 80.0)
    metres[:4] = 655.35
    for n in range(2):
        for camera in (0, 1):
            base = root / "Scene01" / "clone" / "frames"
            put_photo(base / "rgb" / f"Camera_{camera}" / f"rgb_{n:05d}.jpg")
            truth = put_codes(
                base / "depth" / f"Camera_{camera}" / f"depth_{n:05d}.png", metres, 100
            )
    truth[:4] = 0
    return truth


def void(root: Path) -> np.ndarray:
    """Lists side by side; names begin above the folder of the density."""
    kinds: dict[str, list[str]] = {
        "image": [],
        "sparse_depth": [],
        "validity_map": [],
        "ground_truth": [],
    }
    intrinsics = []
    base = root / "void_1500"
    for n in (1, 2):
        for kind, names in kinds.items():
            name = f"data/classroom2/{kind}/{n}.5217.png"
            names.append(f"void_1500/{name}")
            if kind == "image":
                put_photo(base / name)
            elif kind == "ground_truth":
                truth = put_codes(base / name, holes(floor(0.8, 3.0)), 256)
            elif kind == "sparse_depth":
                put_codes(base / name, sparse(floor(0.8, 3.0), 20), 256)
            else:  # half of the points are not to be trusted
                good = (sparse(floor(0.8, 3.0), 40) > 0).astype(np.uint8)
                (base / name).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(good).save(base / name)
        intrinsics.append("void_1500/data/classroom2/K.txt")
    put(base / "data/classroom2/K.txt", b"51.4 0.0 31.1\n0.0 51.6 23.9\n0.0 0.0 1.0\n")
    for kind, names in kinds.items():
        (base / f"test_{kind}.txt").write_text("\n".join(names) + "\n")
    (base / "test_intrinsics.txt").write_text("\n".join(intrinsics) + "\n")
    return truth


def diode(root: Path) -> np.ndarray:
    """Depth (h, w, 1), masks of float and of uint8; a jump in depth at half height."""
    for place, scene, kind in (("indoors", "00019", np.float32), ("outdoor", "00022", np.uint8)):
        base = root / "val" / place / f"scene_{scene}" / "scan_00183"
        stem = f"{scene}_00183_{place}_000_010"
        put_photo(base / f"{stem}.png")
        metres = floor(2.0, 9.0).astype(np.float32)
        metres[:24] *= 2
        mask = np.ones((H, W), dtype=kind)
        mask[0, :3] = 0
        put_npy(base / f"{stem}_depth.npy", metres[..., None])
        put_npy(base / f"{stem}_depth_mask.npy", mask)
    return np.where(mask, metres, 0)


def diode_filtered(root: Path) -> np.ndarray:
    metres = diode(root)
    metres[23:25] = 0  # both sides of the jump; the ramp itself has steps below 10 %
    return metres


def sintel(root: Path) -> np.ndarray:
    """Both passes; one camera a frame."""
    metres = floor(1.0, 30.0).astype(np.float32)
    for n in (1, 2):
        for render in ("clean", "final"):
            put_photo(root / "training" / render / "alley_1" / f"frame_{n:04d}.png")
        put_dpt(root / "training" / "depth" / "alley_1" / f"frame_{n:04d}.dpt", metres)
        matrix = np.array([[70.0, 0, 31.5], [0, 71.0, 23.5], [0, 0, 1]])
        data = struct.pack("<f", 202021.25) + matrix.tobytes() + np.eye(3, 4).tobytes()
        put(root / "training" / "camdata_left" / "alley_1" / f"frame_{n:04d}.cam", data)
    return metres


def eth3d(root: Path, marigold: bool = False) -> np.ndarray:
    """Depth without a header under the name of the photo, infinite where there is none."""
    metres = floor(2.0, 20.0).astype("<f4")
    metres[:, :5] = np.inf
    for name in ("DSC_0286.JPG", "DSC_0287.JPG"):
        photo = Path("rgb/kicker") if marigold else Path("kicker")
        truth = Path("depth/kicker_dslr_depth/kicker") if marigold else Path("kicker")
        put_photo(root / photo / "images" / "dslr_images" / name)
        put(root / truth / "ground_truth_depth" / "dslr_images" / name, metres.tobytes())
    return np.where(np.isfinite(metres), metres, 0)


def eth3d_marigold(root: Path) -> np.ndarray:
    return eth3d(root, marigold=True)


def middlebury(root: Path) -> np.ndarray:
    """Disparity in PFM, infinite where unknown; calib.txt with a baseline in millimetres."""
    metres = floor(1.5, 4.0)
    disparity = 99.4978 * 0.193001 / metres - 3.1086
    disparity[:, :4] = np.inf
    for scene, order in (("Adirondack", "<"), ("Motorcycle", ">")):
        put_photo(root / scene / "im0.png")
        put_photo(root / scene / "im1.png")
        put_pfm(root / scene / "disp0.pfm", disparity, order)
        calib = (
            "cam0=[99.4978 0 31.1193; 0 99.4978 24.877; 0 0 1]\n"
            "cam1=[99.4978 0 34.2279; 0 99.4978 24.877; 0 0 1]\n"
            f"doffs=3.1086\nbaseline=193.001\nwidth={W}\nheight={H}\nndisp=28\n"
        )
        put(root / scene / "calib.txt", calib.encode())
    return np.where(np.isfinite(disparity), metres, 0)


def tum(root: Path) -> np.ndarray:
    """Two clocks; the third photo has no depth within 20 ms."""
    photos, depths = (1.000, 1.033, 1.066), (1.012, 1.040, 1.095)
    base = root / "rgbd_dataset_freiburg1_desk"
    for t in photos:
        put_photo(base / "rgb" / f"{t:.6f}.png")
    for t in depths:
        truth = put_codes(base / "depth" / f"{t:.6f}.png", ROOM * 0.6, 5000)
    for kind, times in (("rgb", photos), ("depth", depths)):
        lines = [f"{t:.6f} {kind}/{t:.6f}.png" for t in times]
        text = f"# {kind} images\n# file: x.bag\n# timestamp filename\n" + "\n".join(lines) + "\n"
        (base / f"{kind}.txt").write_text(text)
    return truth


KITTI_K = (721.5377, 721.5377, 609.5593, 172.854)
TREES = {
    "nyuv2-bts": Tree(
        write=nyuv2_bts,
        layout="nyuv2-bts",
        split="test",
        count=2,
        official=654,
        camera=NYU,
        terms="class B",
    ),
    "nyuv2-bts-train": Tree(
        write=nyuv2_bts_train,
        layout="nyuv2-bts",
        split="train",
        count=1,
        official=24231,
        camera=NYU,
        terms="class B",
    ),
    "nyuv2-marigold": Tree(
        write=nyuv2_marigold,
        layout="nyuv2-marigold",
        split="test",
        count=2,
        official=654,
        camera=NYU,
        terms="class B",
    ),
    "nyuv2-marigold-filled": Tree(
        write=nyuv2_filled,
        layout="nyuv2-marigold",
        split="test-filled",
        count=2,
        official=654,
        camera=NYU,
        terms="class B",
        open_with="test-filled",
    ),
    "kitti-eigen-columns": Tree(
        write=kitti_eigen_columns,
        layout="kitti-eigen",
        split="test",
        count=2,
        official=652,
        camera=KITTI_K,
        terms="class C",
    ),
    "kitti-eigen-frames": Tree(
        write=kitti_eigen_frames,
        layout="kitti-eigen",
        split="test",
        count=2,
        official=652,
        camera=KITTI_K,
        terms="class C",
    ),
    "kitti-selection": Tree(
        write=kitti_selection,
        layout="kitti-completion",
        split="val-selection",
        count=2,
        official=1000,
        camera=(72, 73, 30.5, 24.5),
        terms="class C",
    ),
    "kitti-annotated": Tree(
        write=kitti_annotated,
        layout="kitti-completion",
        split="val",
        count=2,
        official=6852,
        camera=KITTI_K,
        terms="class C",
    ),
    "scannet": Tree(
        write=scannet,
        layout="scannet",
        split=None,
        count=2,
        official=800,
        camera=(57.7, 57.9, 31.5, 23.5),
        terms="class C",
    ),
    "vkitti2": Tree(
        write=vkitti2,
        layout="vkitti2",
        split=None,
        count=2,
        official=21260,
        camera=resized((725.0087, 725.0087, 620.5, 187.0), 375, 1242),
        terms="class C",
    ),
    "void": Tree(
        write=void,
        layout="void",
        split="test-1500",
        count=2,
        official=800,
        camera=(51.4, 51.6, 31.1, 23.9),
        terms="class C",
    ),
    "diode": Tree(
        write=diode,
        layout="diode",
        split="val",
        count=2,
        official=771,
        camera=resized((886.81, 927.06, 512, 384), 768, 1024),
        terms="class A",
    ),
    "diode-outdoor": Tree(
        write=diode,
        layout="diode",
        split="outdoor",
        count=1,
        official=446,
        camera=resized((886.81, 927.06, 512, 384), 768, 1024),
        terms="class A",
        open_with="outdoor",
    ),
    "diode-filtered": Tree(
        write=diode_filtered,
        layout="diode",
        split="val-filtered",
        count=2,
        official=771,
        camera=resized((886.81, 927.06, 512, 384), 768, 1024),
        terms="class A",
        open_with="val-filtered",
    ),
    "sintel": Tree(
        write=sintel,
        layout="sintel",
        split="clean",
        count=2,
        official=1064,
        camera=(70, 71, 31.5, 23.5),
        terms="class B",
    ),
    "sintel-final": Tree(
        write=sintel,
        layout="sintel",
        split="final",
        count=2,
        official=1064,
        camera=(70, 71, 31.5, 23.5),
        terms="class B",
        open_with="final",
    ),
    "eth3d": Tree(
        write=eth3d,
        layout="eth3d",
        split=None,
        count=2,
        official=454,
        camera=None,
        terms="class C",
    ),
    "eth3d-marigold": Tree(
        write=eth3d_marigold,
        layout="eth3d-marigold",
        split=None,
        count=2,
        official=454,
        camera=None,
        terms="class C",
    ),
    "middlebury": Tree(
        write=middlebury,
        layout="middlebury2014",
        split=None,
        count=2,
        official=23,
        camera=(99.4978, 99.4978, 31.1193, 24.877),
        terms="class B",
    ),
    "tum": Tree(
        write=tum,
        layout="tum-rgbd",
        split=None,
        count=2,
        official=None,
        camera=resized((517.3, 516.5, 318.6, 255.3), 480, 640),
        terms="class A",
    ),
}
"""Name of a tree -> how it is written and what it must read as."""
