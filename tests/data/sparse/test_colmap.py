"""A picture of a COLMAP model gives the points it observed, in the pixels where it saw them."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featherdepth.data.sparse import read_sparse
from featherdepth.data.sparse.colmap import rotation_of
from featherdepth.errors import InputError, UsageError
from featherdepth.types import DepthKind

SIZE = (12, 16)
# The files are written byte by byte, as COLMAP's documentation lays them out.
CAMERA = (7, 1, "PINHOLE", 16, 12, [10.0, 11.0, 8.0, 6.0])
"""Number, number of the model, its name, width, height, parameters."""
TURN = (0.0, 0.0, 0.0, 1.0)
"""Half a turn about z: x and y change their sign."""
MOVE = (0.5, -0.25, 1.0)
POINTS = {3: (1.0, 2.0, 4.0), 5: (0.0, 0.0, 1.5), 9: (0.0, 0.0, -3.0), 11: (2.0, 2.0, 2.0)}
KEYPOINTS = [(3.5, 2.5, 3), (8.9, 6.2, 5), (1.0, 1.0, 9), (15.9, 11.9, -1), (4.1, 2.9, 77)]
"""Column, row (from the corner of the first pixel), point: 9 lies behind, 77 is not there."""


def pictures() -> list[dict[str, Any]]:
    first = {"number": 1, "name": "other/a.jpg", "keypoints": [(2.0, 2.0, 11)]}
    second = {"number": 2, "name": "room/b 1.jpg", "keypoints": KEYPOINTS}
    third = {"number": 4, "name": "empty.jpg", "keypoints": []}
    return [first, second, third]


def write_binary(folder: Path, rows: list[dict[str, Any]] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    number, model, _, width, height, params = CAMERA
    other = struct.pack("<iiQQ3d", 1, 0, 640, 480, 500.0, 320.0, 240.0)
    own = struct.pack(f"<iiQQ{len(params)}d", number, model, width, height, *params)
    (folder / "cameras.bin").write_bytes(struct.pack("<Q", 2) + other + own)
    rows = pictures() if rows is None else rows
    images = struct.pack("<Q", len(rows))
    for row in rows:
        images += struct.pack("<i7di", row["number"], *TURN, *MOVE, number)
        images += row["name"].encode() + b"\0" + struct.pack("<Q", len(row["keypoints"]))
        for u, v, point in row["keypoints"]:
            images += struct.pack("<ddq", u, v, point)
    (folder / "images.bin").write_bytes(images)
    points = struct.pack("<Q", len(POINTS))
    for point, place in POINTS.items():
        points += struct.pack("<Q3d3BdQ", point, *place, 1, 2, 3, 0.5, 2)
        points += struct.pack("<4i", 1, 0, 2, 0)
    (folder / "points3D.bin").write_bytes(points)
    return folder


def write_text(folder: Path, rows: list[dict[str, Any]] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    number, _, name, width, height, params = CAMERA
    numbers = " ".join(map(str, params))
    (folder / "cameras.txt").write_text(
        "# Camera list with one line of data per camera:\n"
        "1 SIMPLE_PINHOLE 640 480 500 320 240\n"
        f"{number} {name} {width} {height} {numbers}\n"
    )
    lines = ["# Image list with two lines of data per image:"]
    for row in pictures() if rows is None else rows:
        pose = " ".join(map(str, (*TURN, *MOVE)))
        lines.append(f"{row['number']} {pose} {number} {row['name']}")
        lines.append(" ".join(f"{u} {v} {point}" for u, v, point in row["keypoints"]))
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    points = ["# 3D point list"]
    for point, (x, y, z) in POINTS.items():
        points.append(f"{point} {x} {y} {z} 1 2 3 0.5 1 0 2 0")
    (folder / "points3D.txt").write_text("\n".join(points) + "\n")
    return folder


FORMS = [write_binary, write_text]


@pytest.mark.parametrize("write", FORMS)
def test_depth_is_z_in_the_camera_at_the_keypoint(write: Callable[..., Path], tmp_path: Path):
    sparse = read_sparse(write(tmp_path), size=SIZE, image_name="room/b 1.jpg")

    # Half a turn about z leaves z: 4 + 1 at (3.5, 2.5) - 0.5, and 1.5 + 1 at (8.4, 5.7).
    assert sparse.kind is DepthKind.METRIC
    assert np.argwhere(sparse.valid).tolist() == [[2, 3], [6, 8]]
    assert sparse.values[sparse.valid].tolist() == [5.0, 2.5]


@pytest.mark.parametrize("write", FORMS)
def test_the_camera_counts_from_the_center_of_the_first_pixel(
    write: Callable[..., Path], tmp_path: Path
):
    camera = read_sparse(write(tmp_path), size=SIZE, image_name="b 1.jpg").intrinsics

    assert camera is not None
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (10, 11, 7.5, 5.5)
    assert (camera.height, camera.width) == SIZE


def test_a_quaternion_turns_as_the_formula_says():
    # A quarter turn about y takes z to x.
    half = np.sqrt(0.5)

    turned = rotation_of(np.array([half, 0, half, 0]) * 3) @ np.array([0.0, 0.0, 1.0])

    np.testing.assert_allclose(turned, [1, 0, 0], atol=1e-15)


def test_a_model_is_found_below_the_folder_or_by_one_of_its_files(tmp_path: Path):
    folder = write_binary(tmp_path / "sparse" / "0")

    whole = read_sparse(tmp_path, size=SIZE, image_name="b 1.jpg")
    by_file = read_sparse(folder / "points3D.bin", size=SIZE, image_name="b 1.jpg")

    assert whole.valid.sum() == 2
    np.testing.assert_array_equal(whole.values, by_file.values)


@pytest.mark.parametrize("write", FORMS)
def test_a_model_of_one_picture_needs_no_name(write: Callable[..., Path], tmp_path: Path):
    write(tmp_path, [pictures()[1]])

    assert read_sparse(tmp_path, size=SIZE).valid.sum() == 2


def test_units_of_the_model_become_metres_by_the_scale(tmp_path: Path):
    sparse = read_sparse(write_text(tmp_path), size=SIZE, image_name="b 1.jpg", depth_scale=10)

    assert sorted(sparse.values[sparse.valid].tolist()) == [0.25, 0.5]


@pytest.mark.parametrize("write", FORMS)
@pytest.mark.parametrize(
    ("name", "size", "error", "words"),
    [
        (None, SIZE, UsageError, "3 pictures (other/a.jpg, room/b 1.jpg, empty.jpg); say which"),
        ("c.jpg", SIZE, InputError, "no picture 'c.jpg'; the model has other/a.jpg, room/b 1.jpg"),
        ("empty.jpg", SIZE, InputError, "empty.jpg observed no points"),
        ("b 1.jpg", (24, 32), InputError, "has 16x12 pixels in the model, but the picture has 32x"),
    ],
)
def test_what_does_not_fit_is_one_line(
    write: Callable[..., Path],
    tmp_path: Path,
    name: str | None,
    size: tuple[int, int],
    error: type[Exception],
    words: str,
):
    with pytest.raises(error) as caught:
        read_sparse(write(tmp_path), size=size, image_name=name)

    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_the_last_part_of_a_name_must_be_of_one_picture(tmp_path: Path):
    rows = pictures()
    rows[0]["name"] = "left/b 1.jpg"
    write_text(tmp_path, rows)

    with pytest.raises(UsageError, match=r"2 pictures are called 'b 1\.jpg'"):
        read_sparse(tmp_path, size=SIZE, image_name="b 1.jpg")


@pytest.mark.parametrize("write", FORMS)
def test_of_cameras_that_count_alike_the_path_tells_which(
    write: Callable[..., Path], tmp_path: Path
):
    rows = pictures()
    rows[0]["name"], rows[1]["name"] = "cam1/1.jpg", "cam2/1.jpg"
    write(tmp_path, rows)

    for name in ("cam2/1.jpg", "photos/cam2/1.jpg"):
        assert read_sparse(tmp_path, size=SIZE, image_name=name).valid.sum() == 2
    with pytest.raises(InputError, match=r"no picture 'cam3/1\.jpg'"):
        read_sparse(tmp_path, size=SIZE, image_name="cam3/1.jpg")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("cameras", "cut"),
        ("images", "cut"),
        ("images", "count"),
        ("points3D", "cut"),
        ("points3D", "count"),
    ],
)
def test_a_binary_table_shorter_than_its_counts_is_refused(tmp_path: Path, table: str, change: str):
    path = write_binary(tmp_path) / f"{table}.bin"
    data = path.read_bytes()
    path.write_bytes(data[:-60] if change == "cut" else struct.pack("<Q", 2**62) + data[8:])

    with pytest.raises(InputError, match=f"{table}.bin: shorter than its own counts"):
        read_sparse(tmp_path, size=SIZE, image_name="empty.jpg" if table == "images" else "a.jpg")


def test_a_count_of_keypoints_beyond_the_file_takes_no_memory(tmp_path: Path):
    path = write_binary(tmp_path, [pictures()[2]]) / "images.bin"
    data = path.read_bytes()
    path.write_bytes(data[:-8] + struct.pack("<Q", 2**60))

    with pytest.raises(InputError, match="shorter than its own counts"):
        read_sparse(tmp_path, size=SIZE)


@pytest.mark.parametrize(
    ("table", "line", "words"),
    [
        (
            "cameras.txt",
            "7 PINHOLE 16 12 10 11 8\n",
            "3 parameters of a PINHOLE camera; exp",
        ),
        ("cameras.txt", "7 PINHOLE 16 12 10 0 8 6\n", "parameters 10, 0, 8, 6 are no camera"),
        ("cameras.txt", "7 EYE 16 12 10\n", "camera model 'EYE'; known: SIMPLE_PINHOLE"),
        ("cameras.txt", "7 PINHOLE wide\n", "expected a camera"),
        ("cameras.txt", "8 PINHOLE 16 12 10 11 8 6\n", "no camera 7, which the picture names"),
        ("images.txt", "1 0 0 0\n\n", "expected a picture of COLMAP"),
        ("images.txt", "1 0 0 0 0 0 0 0 7 b.jpg\n1 1 3\n", "the pose of 'b.jpg' is not one"),
        ("images.txt", "1 1 0 0 0 0 0 0 7 b.jpg\n1 1\n", "b.jpg: cannot reshape"),
        ("images.txt", "1 1e200 0 0 0 0 0 0 7 b.jpg\n1 1 3\n", "the pose of 'b.jpg' is not one"),
        ("points3D.txt", "3 1 2\n", "expected a point"),
    ],
)
def test_a_damaged_text_table_is_one_line(tmp_path: Path, table: str, line: str, words: str):
    write_text(tmp_path, [pictures()[1]])
    (tmp_path / table).write_text(line)

    with pytest.raises(InputError) as caught:
        read_sparse(tmp_path, size=SIZE)

    assert f"{table}: " in str(caught.value) and words in str(caught.value)


def test_a_folder_without_a_model_says_what_was_expected(tmp_path: Path):
    with pytest.raises(InputError, match="no COLMAP model; expected cameras, images and points3D"):
        read_sparse(tmp_path, size=SIZE)
