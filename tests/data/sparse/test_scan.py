"""A scan of KITTI and its calibration give the map that KITTI's own projection gives."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.sparse import read_sparse
from featherdepth.errors import InputError, UsageError
from featherdepth.images.read_depth import read_depth
from featherdepth.types import Intrinsics

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("FEATHERDEPTH_DATA", ROOT.parent / "shared" / "data")) / "kitti"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the development data")
SIZE = (12, 16)

# The scanner looks along x; the camera stands 0.1 m before it. 10 px focal length.
CALIBRATION = """P2: 10 0 7 0 0 10 5 0 0 0 1 0
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 -0.1
"""


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Points ahead, to the left and above, twice in one direction, and behind."""
    rows = [(2.1, 0, 0, 0.5), (2.1, 1, 0.4, 0.5), (4.1, 2, 0.8, 0.5), (-3, 0, 0, 0.5)]
    path = tmp_path / "a.bin"
    path.write_bytes(np.array(rows, dtype="<f4").tobytes())
    (tmp_path / "calib.txt").write_text(CALIBRATION)
    return path


@needs_data
def test_a_real_scan_is_the_map_that_comes_with_it():
    truth = read_depth(DATA / "lidar/obj_train_000000.png", scale=256)

    sparse = read_sparse(
        DATA / "raw/obj_train_000000.bin",
        size=truth.size,
        calibration=DATA / "raw/obj_train_000000_calib.txt",
    )

    np.testing.assert_array_equal(sparse.valid, truth.valid)
    # The map is stored in 1/256 m: half a step.
    assert np.abs(sparse.values - truth.values).max() <= 0.5 / 256 + 1e-5
    assert sparse.intrinsics is not None
    assert sparse.intrinsics.fx == pytest.approx(707.0493)


@needs_data
def test_the_map_of_a_scan_reads_back_as_measured_points():
    path = DATA / "lidar/obj_train_000000.png"
    truth = read_depth(path, scale=256)

    sparse = read_sparse(path, size=truth.size, depth_scale=256)

    np.testing.assert_array_equal(sparse.values, truth.values)
    with pytest.raises(InputError, match=r"median depth would be .* 1/256 m \(--depth-scale 256"):
        read_sparse(path, size=truth.size, depth_scale=65536)


def test_points_of_the_scanner_land_where_the_camera_sees_them(scan: Path):
    sparse = read_sparse(scan, size=SIZE, calibration=scan.with_name("calib.txt"))

    # x - 0.1 is the depth; (2.1, 1, 0.4): column 7 - 10 / 2, row 5 - 4 / 2; the farther one of
    # the two in that direction gives way.
    assert np.argwhere(sparse.valid).tolist() == [[3, 2], [5, 7]]
    np.testing.assert_allclose(sparse.values[sparse.valid], [2.0, 2.0], rtol=1e-6)


def test_a_calibration_of_the_odometry_benchmark_is_read_too(scan: Path):
    text = CALIBRATION.replace("R0_rect: 1 0 0 0 1 0 0 0 1\n", "").replace("Tr_velo_to_cam", "Tr")
    scan.with_name("calib.txt").write_text(text)

    sparse = read_sparse(scan, size=SIZE, calibration=scan.with_name("calib.txt"))

    assert np.argwhere(sparse.valid).tolist() == [[3, 2], [5, 7]]


@needs_data
def test_the_two_files_of_a_day_serve_as_calibration(tmp_path: Path):
    for name in ("cam_to_cam", "velo_to_cam"):
        shutil.copy(DATA / f"raw/2011_09_26_calib_{name}.txt", tmp_path / f"calib_{name}.txt")
    cloud = DATA / "raw/obj_train_000000.bin"

    by_folder = read_sparse(cloud, size=(375, 1242), calibration=tmp_path)
    by_file = read_sparse(
        cloud, size=(375, 1242), calibration=tmp_path / "calib_cam_to_cam.txt", camera=2
    )

    assert by_folder.valid.sum() > 15_000
    np.testing.assert_array_equal(by_folder.values, by_file.values)
    with pytest.raises(InputError, match="is for pictures of 1242x375, but this one has 1216x352"):
        read_sparse(cloud, size=(352, 1216), calibration=tmp_path)


def test_a_cloud_in_the_frame_of_the_scanner_may_be_a_ply(scan: Path):
    points = np.frombuffer(scan.read_bytes(), "<f4").reshape(-1, 4)[:, :3]
    rows = "".join(f"{x} {y} {z}\n" for x, y, z in points)
    axes = "property float x\nproperty float y\nproperty float z\n"
    path = scan.with_name("a.ply")
    path.write_text(f"ply\nformat ascii 1.0\nelement vertex 4\n{axes}end_header\n{rows}")

    np.testing.assert_array_equal(
        read_sparse(path, size=SIZE, calibration=scan.with_name("calib.txt")).values,
        read_sparse(scan, size=SIZE, calibration=scan.with_name("calib.txt")).values,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P2: 1 2 3\n", "P2 has 3 numbers; expected 12"),
        (CALIBRATION.replace("P2: 10", "P2: nan"), "P2 has numbers that are not finite"),
        (CALIBRATION.replace("P2", "P0"), "no line 'P2'"),
        (CALIBRATION.replace("Tr_velo_to_cam", "Elsewhere"), "no line 'Tr_velo_to_cam'"),
        (CALIBRATION.replace("0 -1 0 0 0", "0 -2 0 0 0"), "Tr_velo_to_cam is not a rotation"),
        (CALIBRATION.replace("P2: 10", "P2: -10"), "is not a camera"),
    ],
)
def test_a_damaged_calibration_is_one_line(scan: Path, text: str, words: str):
    scan.with_name("calib.txt").write_text(text)

    with pytest.raises(InputError) as caught:
        read_sparse(scan, size=SIZE, calibration=scan.with_name("calib.txt"))

    assert "calib.txt: " in str(caught.value) and words in str(caught.value)


def test_a_scan_without_calibration_or_not_of_whole_points_is_one_line(scan: Path):
    with pytest.raises(InputError, match="expected its calibration file too"):
        read_sparse(scan, size=SIZE)

    with pytest.raises(InputError, match=r"none\.txt: not found; expected a calibration file"):
        read_sparse(scan, size=SIZE, calibration=scan.with_name("none.txt"))
    scan.write_bytes(scan.read_bytes()[:-3])
    with pytest.raises(InputError, match="61 bytes; expected 16 for each point"):
        read_sparse(scan, size=SIZE, calibration=scan.with_name("calib.txt"))


def test_a_calibration_is_not_passed_over_beside_points_that_know_their_pixels(tmp_path: Path):
    (tmp_path / "calib.txt").write_text(CALIBRATION)
    (tmp_path / "a.csv").write_text("1,2,3\n")
    (tmp_path / "model").mkdir()

    for name in ("a.csv", "model"):
        with pytest.raises(UsageError, match=r"a calibration is for points in space \(.ply, .pcd"):
            read_sparse(tmp_path / name, size=SIZE, calibration=tmp_path / "calib.txt")


def test_depth_that_cannot_be_meters_is_told_with_the_scale_that_was_given(scan: Path):
    for scale in (0.001, 0.004):
        with pytest.raises(InputError, match=rf"\(with scale {scale:g}\)"):
            read_sparse(scan, size=SIZE, calibration=scan.parent / "calib.txt", depth_scale=scale)


def test_a_camera_that_is_given_beside_a_calibration_of_another_is_refused(scan: Path):
    def read(fx: float) -> int:
        camera = Intrinsics.given(fx, 10.0, 7.0, 5.0, size=SIZE)
        calibration = scan.with_name("calib.txt")
        return int(
            read_sparse(scan, size=SIZE, calibration=calibration, intrinsics=camera).valid.sum()
        )

    assert read(10.0) == 2
    with pytest.raises(InputError, match=r"given as 20,10,7,5, but its calibration says 10,10,7,5"):
        read(20.0)


def test_points_that_the_calibrated_camera_does_not_see_name_the_frame_of_the_scanner(scan: Path):
    words = "lie behind the camera; expected the frame of the calibration's scanner"
    with pytest.raises(InputError, match=words):
        read_sparse(scan, size=SIZE, calibration=scan.with_name("calib.txt"), depth_scale=1000)
