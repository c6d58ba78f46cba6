"""Laser points land in the pixel, and at the depth, that published evaluations give them."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherdepth.data.doctor import examine
from featherdepth.data.kitti_velodyne import KittiVelodyne
from featherdepth.data.probe import open_data, recognise
from featherdepth.data.velodyne import project, read_cloud, read_rig
from featherdepth.errors import InputError, UsageError

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("FEATHERDEPTH_DATA", ROOT.parent / "shared" / "data")) / "kitti"
DAY, DRIVE = "2011_09_26", "2011_09_26/2011_09_26_drive_0002_sync"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the development data")

# The calibration of 2011_09_26, as published.
CAM_TO_CAM = """calib_time: 09-Jan-2012 13:57:47
corner_dist: 9.950000e-02
R_rect_00: 9.999239e-01 9.837760e-03 -7.445048e-03 -9.869795e-03 9.999421e-01 -4.278459e-03 \
7.402527e-03 4.351614e-03 9.999631e-01
S_rect_02: 1.242000e+03 3.750000e+02
P_rect_02: 7.215377e+02 0.000000e+00 6.095593e+02 4.485728e+01 0.000000e+00 7.215377e+02 \
1.728540e+02 2.163791e-01 0.000000e+00 0.000000e+00 1.000000e+00 2.745884e-03
S_rect_03: 1.242000e+03 3.750000e+02
P_rect_03: 7.215377e+02 0.000000e+00 6.095593e+02 -3.395242e+02 0.000000e+00 7.215377e+02 \
1.728540e+02 2.199936e+00 0.000000e+00 0.000000e+00 1.000000e+00 2.729905e-03
"""
VELO_TO_CAM = """calib_time: 15-Mar-2012 11:37:16
R: 7.533745e-03 -9.999714e-01 -6.166020e-04 1.480249e-02 7.280733e-04 -9.998902e-01 \
9.998621e-01 7.523790e-03 1.480755e-02
T: -4.069766e-03 -7.631618e-02 -2.717806e-01
delta_f: 0.000000e+00 0.000000e+00
"""
SIZE = (375, 1242)


def cloud_of(count: int = 4000, seed: int = 0) -> np.ndarray:
    """Points before and behind the scanner; every fifth one twice, at another depth."""
    random = np.random.default_rng(seed)
    low, high = (-20, -15, -2, 0), (60, 15, 2, 1)
    points = random.uniform(low, high, (count, 4)).astype(np.float32)
    points[::5, :3] = points[1::5, :3] * 1.05
    return points


def write_frame(root: Path, number: int, *, drive: str = DRIVE, camera: int = 2) -> None:
    picture = root / drive / f"image_0{camera}/data/{number:010d}.png"
    cloud = root / drive / f"velodyne_points/data/{number:010d}.bin"
    for path in (picture, cloud):
        path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE[::-1], (number, 0, 0)).save(picture)
    cloud.write_bytes(cloud_of(seed=number).tobytes())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One day with one drive of three frames."""
    for number in (5, 69, 70):
        write_frame(tmp_path, number)
    (tmp_path / DAY / "calib_cam_to_cam.txt").write_text(CAM_TO_CAM)
    (tmp_path / DAY / "calib_velo_to_cam.txt").write_text(VELO_TO_CAM)
    return tmp_path


def open_raw(root: Path, **options: object) -> KittiVelodyne:
    return KittiVelodyne(KittiVelodyne.Config(root=root, **options))  # type: ignore[arg-type]


def direct(cloud: np.ndarray, projection: np.ndarray, first: int) -> np.ndarray:
    """Point by point, with nothing but the formula."""
    depth = np.zeros(SIZE)
    for x, y, z in cloud[:, :3].astype(np.float64):
        if x < 0:
            continue
        u, v, d = (row[0] * x + row[1] * y + row[2] * z + row[3] for row in projection)
        if d <= 0:
            continue
        column, row = round(u / d) - first, round(v / d) - first
        if 0 <= column < SIZE[1] and 0 <= row < SIZE[0]:
            old = depth[row, column]
            depth[row, column] = d if old == 0 else min(old, d)
    return depth


@pytest.mark.parametrize(("rounding", "first"), [("eigen", 1), ("nearest", 0)])
def test_the_projection_is_the_formula_point_by_point(rounding: str, first: int) -> None:
    rig = read_rig(CAM_TO_CAM, VELO_TO_CAM, 2, DAY)
    cloud = cloud_of()

    depth, valid = project(cloud[:, :3], rig.projection, SIZE, rounding)  # type: ignore[arg-type]

    expected = direct(cloud, rig.projection, first)
    assert (expected > 0).sum() > 500
    np.testing.assert_array_equal(valid, expected > 0)
    np.testing.assert_allclose(depth, expected, rtol=1e-12)


def test_the_chain_of_matrices_is_projection_times_rectification_times_place() -> None:
    rig = read_rig(CAM_TO_CAM, VELO_TO_CAM, 2, DAY)
    lines = dict(line.split(": ") for line in (CAM_TO_CAM + VELO_TO_CAM).splitlines())
    onto = np.array(lines["P_rect_02"].split(), dtype=float).reshape(3, 4)
    rectify = np.array(lines["R_rect_00"].split(), dtype=float).reshape(3, 3)
    turn = np.array(lines["R"].split(), dtype=float).reshape(3, 3)
    shift = np.array(lines["T"].split(), dtype=float)
    point = np.array([12.0, 3.0, -1.0])

    seen = onto[:, :3] @ (rectify @ (turn @ point + shift)) + onto[:, 3]

    np.testing.assert_allclose(rig.projection @ [*point, 1.0], seen, rtol=1e-12)
    # 12 m ahead, 3 m to the left: left of the middle and 11.7 m from the camera.
    assert seen[0] / seen[2] < 621
    assert seen[2] == pytest.approx(12 - 0.27, abs=0.1)


def test_of_points_in_one_pixel_the_nearest_wins_in_any_order() -> None:
    rig = read_rig(CAM_TO_CAM, VELO_TO_CAM, 2, DAY)
    far, near = [30.0, 0.0, 0.0], [10.0, 0.0, 0.0]
    straight = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0]], dtype=float)

    for cloud in ([far, near], [near, far]):
        depth, valid = project(np.array(cloud, np.float32), straight, (4, 4), "nearest")
        assert valid.sum() == 1
        assert depth[0, 0] == 10.0
    assert rig.camera.fx == 721.5377


def test_points_behind_are_never_truth() -> None:
    straight = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, -0.3]], dtype=float)
    cloud = np.array([[-5.0, 0, 0], [0.1, 0, 0]], np.float32)  # the second: behind the camera

    assert not project(cloud, straight, (4, 4), "nearest")[1].any()
    straight[2, 3] = 0.3  # a camera behind the scanner would see a point behind the scanner
    assert not project(cloud[:1] * 0.02, straight, (4, 4), "nearest")[1].any()
    assert project(-cloud[:1] * 0.02, straight, (4, 4), "nearest")[1].sum() == 1


def test_eigen_pixels_are_one_before_the_nearest(tree: Path) -> None:
    eigen, nearest = (open_raw(tree, rounding=r)[0].depth for r in ("eigen", "nearest"))

    assert eigen is not None
    assert nearest is not None
    np.testing.assert_array_equal(eigen.values[:-1, :-1], nearest.values[1:, 1:])


@needs_data
def test_a_real_cloud_gives_the_expected_picture(tmp_path: Path) -> None:
    # The calibration of the object benchmark, written the way the raw data has it.
    text = (DATA / "raw/obj_train_000000_calib.txt").read_text()
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    place = lines["Tr_velo_to_cam"].split()
    turn, shift = [w for i, w in enumerate(place) if i % 4 != 3], place[3::4]
    cameras = f"S_rect_02: 1224 370\nP_rect_02:{lines['P2']}\nR_rect_00:{lines['R0_rect']}\n"
    (tmp_path / DRIVE / "image_02/data").mkdir(parents=True)
    (tmp_path / DRIVE / "velodyne_points/data").mkdir(parents=True)
    (tmp_path / DAY / "calib_cam_to_cam.txt").write_text(cameras)
    scanner = f"R: {' '.join(turn)}\nT: {' '.join(shift)}\n"
    (tmp_path / DAY / "calib_velo_to_cam.txt").write_text(scanner)
    photo = DATA / "rgb/obj_train_000000.jpg"
    (tmp_path / DRIVE / "image_02/data/0000000000.jpg").symlink_to(photo)
    cloud = DATA / "raw/obj_train_000000.bin"
    (tmp_path / DRIVE / "velodyne_points/data/0000000000.bin").symlink_to(cloud)
    stored = np.asarray(Image.open(DATA / "lidar/obj_train_000000.png")).astype(np.int64)

    depth = open_raw(tmp_path, rounding="nearest")[0].depth

    assert depth is not None
    np.testing.assert_array_equal(depth.valid, stored > 0)
    assert depth.valid.sum() == 20209
    # Codes of 1/256 m: half a code of rounding, and float32 at the borders between two codes.
    np.testing.assert_allclose(depth.values, stored / 256, atol=0.5 / 256 + 1e-5)
    found = examine(tmp_path)
    assert (found["layout"], found["count"]) == ("kitti_velodyne", 1)
    assert found["stored"] == "laser points, metres"
    assert found["faults"] == []


@needs_data
def test_the_real_calibration_files_are_read() -> None:
    texts = [(DATA / f"raw/{DAY}_calib_{n}_to_cam.txt").read_text() for n in ("cam", "velo")]

    for camera, column in ((2, 44.85728), (3, -339.5242)):
        rig = read_rig(texts[0], texts[1], camera, DAY)
        assert (rig.camera.width, rig.camera.height) == (1242, 375)
        assert (rig.camera.fx, rig.camera.cx, rig.camera.cy) == (721.5377, 609.5593, 172.854)
        # The last column moves by what lies between the two cameras.
        reference = read_rig(texts[0], texts[1], 2, DAY)
        shift = rig.projection[0, 3] - reference.projection[0, 3]
        assert shift == pytest.approx(column - 44.85728, abs=1e-3)


def test_all_frames_are_found_without_a_list(tree: Path) -> None:
    reader = open_raw(tree)

    assert reader.keys == [f"{DRIVE}/image_02/{n:010d}" for n in (5, 69, 70)]
    assert reader.groups == [DRIVE] * 3
    assert reader.name == "KITTI raw (velodyne, eigen pixels)"
    camera = reader[0].image.intrinsics
    assert camera is not None
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (721.5377, 721.5377, 609.5593, 172.854)
    assert reader.usable(0) == (0, 0, *SIZE)


@pytest.mark.parametrize(
    "lines",
    [
        [f"{DRIVE} 0000000069 l", f"{DRIVE} 5 l"],
        [f"{DRIVE}/image_02/data/{n:010d}.png None 721.5377" for n in (69, 5)],
        [f"/{DRIVE}/image_02/data/{n:010d}.jpg x/y.png 721.5377" for n in (69, 5)],
    ],
)
def test_both_forms_of_lists_name_the_same_frames(tree: Path, lines: list[str]) -> None:
    # The 697 list holds 45 lines without improved truth: here every line has laser points.
    (tree / "eigen_test_files_with_gt.txt").write_text("\n".join(lines) + "\n")

    reader = open_raw(tree)

    assert reader.keys == [f"{DRIVE}/image_02/{n:010d}" for n in (69, 5)]
    assert "split eigen_test_files_with_gt: 2 pairs" in reader.describe()
    assert reader.describe().endswith("(officially 697)")


def test_a_list_of_697_frames_is_the_official_one(tree: Path) -> None:
    for number in range(100, 798):
        for kind, suffix in (("image_02", "png"), ("velodyne_points", "bin")):
            source = tree / DRIVE / kind / f"data/{5:010d}.{suffix}"
            (source.parent / f"{number:010d}.{suffix}").symlink_to(source)
    (tree / "mine.txt").write_text("".join(f"{DRIVE} {n} l\n" for n in range(100, 797)))
    (tree / "test_files.txt").write_text((tree / "mine.txt").read_text())
    (tree / "few.txt").write_text(f"{DRIVE} 5 l\n")

    assert len(open_raw(tree, split="mine")) == 697
    assert len(open_raw(tree, split="few")) == 1
    assert "officially" not in open_raw(tree, split="test_files").describe()
    with pytest.raises(UsageError, match="no split 'eigen'; known: few, mine, test_files"):
        open_raw(tree, split="eigen")


def test_the_right_camera_is_read_where_a_list_asks_for_it(tree: Path) -> None:
    write_frame(tree, 69, camera=3)
    (tree / "right.txt").write_text(f"{DRIVE} 69 r\n")

    right = open_raw(tree, frames=tree / "right.txt")
    depth, left = right[0].depth, open_raw(tree)[1].depth

    assert right.keys == [f"{DRIVE}/image_03/0000000069"]
    assert depth is not None
    assert left is not None
    assert (depth.valid != left.valid).any()


def test_missing_frames_are_listed_and_half_of_them_stop(tree: Path) -> None:
    lines = [f"{DRIVE} {n} l" for n in (5, 69, 177)]
    (tree / "a.txt").write_text("\n".join(lines))

    reader = open_raw(tree, frames=tree / "a.txt")

    assert len(reader) == 2
    assert [s.key for s in reader.skipped] == [f"{DRIVE}/image_02/0000000177"]

    (tree / "a.txt").write_text("\n".join([*lines, *(f"{DRIVE} {n} l" for n in (178, 179))]))
    with pytest.raises(InputError, match="2 of 5 listed pairs are there"):
        open_raw(tree, frames=tree / "a.txt")


@pytest.mark.parametrize(
    "line", ["../../secret 5 l", f"{DRIVE} x l", f"{DRIVE} 5 q", "word", f"{DRIVE}/other/5.png"]
)
def test_lines_that_are_no_frames_or_lead_out_are_refused(tree: Path, line: str) -> None:
    (tree / "a.txt").write_text(line + "\n")

    with pytest.raises(InputError, match=r"expected DRIVE NUMBER|names must stay inside"):
        open_raw(tree, frames=tree / "a.txt")


def test_a_cut_cloud_and_a_photo_of_another_day_are_faults(tree: Path) -> None:
    cloud = tree / DRIVE / f"velodyne_points/data/{69:010d}.bin"
    cloud.write_bytes(cloud.read_bytes()[:-3])
    Image.new("RGB", (1224, 370)).save(tree / DRIVE / f"image_02/data/{70:010d}.png")
    reader = open_raw(tree)

    with pytest.raises(InputError, match="63997 bytes; expected 16 for each point"):
        reader[1]
    with pytest.raises(InputError, match=r"1224x370 pixels, but the calibration .* for 1242x375"):
        reader[2]
    assert [s.key[-2:] for s in reader.skipped] == ["69", "70"]


def test_points_that_are_no_numbers_are_dropped() -> None:
    points = np.ones((3, 4), np.float32)
    points[1, 2] = np.nan

    assert read_cloud(points.tobytes(), "a").tolist() == [[1, 1, 1], [1, 1, 1]]
    with pytest.raises(InputError, match="0 bytes"):
        read_cloud(b"", "a")


def test_clouds_in_another_type_or_unit_stop(tree: Path) -> None:
    for path in (tree / DRIVE / "velodyne_points/data").iterdir():
        path.write_bytes((cloud_of() * 100).tobytes())  # centimetres

    with pytest.raises(InputError, match=r"expected a median of 2 to 60 m and at most 125 m"):
        open_raw(tree)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("R_rect_00: 9.999", "R_rect_00: 19.999", "calib_cam_to_cam.txt: R_rect_00 is not a rota"),
        ("P_rect_02: 7.215377e+02", "P_rect_02:", "P_rect_02 has 11 numbers; expected 12"),
        ("P_rect_02:", "P_rect_05:", "no line 'P_rect_02'"),
        ("S_rect_02: 1.242", "S_rect_02: x.242", "S_rect_02: could not convert"),
        ("S_rect_02: 1.242", "S_rect_02: -1.242", "is not a camera"),
    ],
)
def test_a_wrong_calibration_is_named(tree: Path, old: str, new: str, reason: str) -> None:
    path = tree / DAY / "calib_cam_to_cam.txt"
    path.write_text(CAM_TO_CAM.replace(old, new))

    with pytest.raises(InputError, match=reason):
        open_raw(tree)[0]


def test_calibration_files_that_were_exchanged_are_named(tree: Path) -> None:
    (tree / DAY / "calib_cam_to_cam.txt").write_text(VELO_TO_CAM)

    with pytest.raises(InputError, match=r"2011_09_26/calib_cam_to_cam\.txt: no line 'S_rect_02'"):
        open_raw(tree)[0]


def test_the_folder_of_the_days_is_recognised(tree: Path) -> None:
    assert recognise(tree) == "kitti_velodyne"
    assert len(open_data(tree, rounding="nearest")) == 3


def test_laser_points_are_read_beside_improved_truth_where_they_are_asked_for(tree: Path) -> None:
    # Trap 2: 697 frames with laser points and 652 with improved truth are two benchmarks.
    drive = DRIVE.split("/")[1]
    truth = tree / f"data_depth_annotated/val/{drive}/proj_depth/groundtruth/image_02"
    truth.mkdir(parents=True)
    codes = np.full(SIZE, 256 * 15, np.uint16)
    codes[::3] = 0
    Image.fromarray(codes).save(truth / "0000000069.png")
    (tree / "eigen_test_files_with_gt.txt").write_text(
        f"{DRIVE}/image_02/data/0000000069.png {drive}/proj_depth/groundtruth/image_02/"
        f"0000000069.png 721.5377\n{DRIVE}/image_02/data/0000000005.png None 721.5377\n"
    )

    assert recognise(tree) == "layout"
    assert open_data(tree, reader="kitti_velodyne").keys == [
        f"{DRIVE}/image_02/{n:010d}" for n in (69, 5)
    ]
    with pytest.raises(UsageError, match="unknown reader 'kitti_velo'; did you mean"):
        open_data(tree, reader="kitti_velo")
