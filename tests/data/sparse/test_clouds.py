"""Clouds of any honest file land in the right pixels; files that lie about their length do not."""

import struct
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.sparse import read_sparse
from featherdepth.data.sparse.lzf import decompress
from featherdepth.data.sparse.pcd import read_pcd
from featherdepth.data.sparse.ply import read_ply
from featherdepth.errors import InputError
from featherdepth.images.write import save
from featherdepth.types import Depth, DepthKind, Intrinsics

SIZE = (12, 16)
CAMERA = Intrinsics(fx=10.0, fy=10.0, cx=7.0, cy=5.0, width=16, height=12, source="given")
POINTS = np.array([[0.0, 0.0, 2.0], [0.3, -0.2, 1.0], [1.0, 1.0, 4.0]])


def ply(form: str, *, count: int = 3, before: str = "", extra: bool = True) -> bytes:
    """Points with a normal before z and a color behind it, as scanners' programs write them."""
    header = f"ply\nformat {form} 1.0\ncomment by hand\n{before}element vertex {count}\n"
    header += "property float x\nproperty double y\n"
    header += "property uchar red\n" if extra else ""
    header += "property float z\nelement face 1\nproperty list uchar int vertex_indices\n"
    header += "end_header\n"
    body = b""
    order = ">" if "big" in form else "<"
    for x, y, z in POINTS:
        if form == "ascii":
            body += f"{x} {y} {'7 ' if extra else ''}{z}\n".encode()
        else:
            body += struct.pack(order + "fd", x, y)
            body += (b"\7" if extra else b"") + struct.pack(order + "f", z)
    return header.encode() + body + (b"3 0 1 2\n" if form == "ascii" else b"\3" + bytes(12))


def pcd(form: str, *, count: int = 3, fields: str = "x y z intensity _ label") -> bytes:
    header = f"# .PCD v0.7\nVERSION 0.7\nFIELDS {fields}\nSIZE 4 4 4 8 1 2\nTYPE F F F F U U\n"
    header += f"COUNT 1 1 1 1 3 1\nWIDTH {count}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\n"
    header += f"POINTS {count}\nDATA {form}\n"
    body = b""
    for x, y, z in POINTS:
        if form == "ascii":
            body += f"{x} {y} {z} 0.5 0 0 0 3\n".encode()
        else:
            body += struct.pack("<fffd3BH", x, y, z, 0.5, 0, 0, 0, 3)
    return header.encode() + body


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("extra", [True, False])
def test_a_ply_gives_its_points_in_any_byte_order(form: str, extra: bool):
    np.testing.assert_allclose(read_ply(ply(form, extra=extra), "a.ply"), POINTS, rtol=1e-7)


def test_a_comment_may_speak_of_the_end_of_the_header():
    data = ply("ascii").replace(b"comment by hand", b"comment end_header comes last")

    np.testing.assert_allclose(read_ply(data, "a.ply"), POINTS, rtol=1e-7)


@pytest.mark.parametrize("kind", DepthKind)
def test_a_cloud_of_ours_without_a_scale_is_no_measurement(tmp_path: Path, kind: DepthKind):
    values = np.linspace(1, 1.2, 192, dtype=np.float32).reshape(SIZE)
    depth = Depth(values=values, valid=values > 0, kind=kind, intrinsics=CAMERA)
    save(depth, tmp_path / "a.ply", near_far=(1, 10) if kind.affine else None)

    if kind is DepthKind.METRIC:
        read = read_sparse(tmp_path / "a.ply", size=SIZE, intrinsics=CAMERA)
        np.testing.assert_allclose(read.known, depth.known, rtol=1e-6)
    else:
        with pytest.raises(InputError, match=rf"holds points of {kind} values; expected metres"):
            read_sparse(tmp_path / "a.ply", size=SIZE, intrinsics=CAMERA)


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian"])
def test_elements_before_the_points_are_stepped_over(form: str):
    before = "element camera 1\nproperty float f\nproperty uchar n\n"
    data = ply(form, before=before)
    own = b"1.5 2\n" if form == "ascii" else struct.pack("<fB", 1.5, 2)

    found = read_ply(data.replace(b"end_header\n", b"end_header\n" + own), "a.ply")

    np.testing.assert_allclose(found, POINTS, rtol=1e-7)


@pytest.mark.parametrize("form", ["ascii", "binary"])
def test_a_pcd_gives_its_points_beside_other_fields(form: str):
    np.testing.assert_allclose(read_pcd(pcd(form), "a.pcd"), POINTS, rtol=1e-7)


def literal(data: bytes) -> bytes:
    """LZF that repeats nothing."""
    runs = [data[at : at + 32] for at in range(0, len(data), 32)]
    return b"".join(bytes([len(run) - 1]) + run for run in runs)


def compressed(packed: bytes, *, count: int = 3, size: int | None = None) -> bytes:
    header = pcd("binary_compressed", count=count)
    header = header[: header.index(b"DATA")] + b"DATA binary_compressed\n"
    return header + struct.pack("<II", len(packed), 25 * count if size is None else size) + packed


def columns() -> bytes:
    """All x, all y, all z, then the other fields: 3 points of 25 bytes."""
    return POINTS.astype("<f4").T.tobytes() + bytes(3 * 13)


def test_a_compressed_pcd_holds_one_field_behind_the_other():
    found = read_pcd(compressed(literal(columns())), "a.pcd")

    np.testing.assert_allclose(found, POINTS, rtol=1e-7)


def test_what_stands_in_a_compressed_pcd_again_may_reach_into_itself():
    row = np.array([1.0, 2.0, 4.0], "<f4").tobytes()
    x = literal(row)
    y_and_z = bytes([7 << 5, 24 - 9, 11])  # 24 bytes from 12 bytes back: those twice
    others = b"\0\0" + bytes([7 << 5, 38 - 9, 0])  # a zero, and 38 times the byte before

    found = read_pcd(compressed(x + y_and_z + others), "a.pcd")

    np.testing.assert_array_equal(found, np.repeat([[1.0], [2.0], [4.0]], 3, axis=1))


def test_lzf_repeats_from_up_to_8192_bytes_back():
    start = bytes(range(1, 33)) + bytes(8160)
    packed = literal(start) + bytes([(1 << 5) + 31, 255]) + bytes([(6 << 5) + 0, 1])

    assert decompress(packed, 8192 + 3 + 8) == start + b"\1\2\3" + b"\2\3" * 4


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (compressed(b"")[:-4], "the file ends before its points"),
        (compressed(b"", size=74), "74 bytes, uncompressed, for 3 points of 25"),
        (compressed(literal(columns()))[:-1], "77 of 78 bytes; the file is cut off"),
        (compressed(literal(columns()[:-1])), "is not of the size that it says"),
        (compressed(literal(columns() + b"a")), "is not of the size that it says"),
        (compressed(literal(columns())[:-1]), "is not of the size that it says"),
        (compressed(b"\0a" + bytes([1 << 5, 1])), "points to before its start"),
        (compressed(b"\0a" + bytes([7 << 5])), "ends within"),
        (compressed(b"\0a" + bytes([7 << 5, 255, 0]) * 999), "is not of the size that it says"),
    ],
)
def test_a_damaged_compressed_pcd_is_one_line(data: bytes, words: str):
    with pytest.raises(InputError) as caught:
        read_pcd(data, "a.pcd")

    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["ply", "pcd"])
def test_points_in_the_frame_of_the_camera_land_where_it_sees_them(tmp_path: Path, suffix: str):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(ply("ascii") if suffix == "ply" else pcd("binary"))

    sparse = read_sparse(path, size=SIZE, intrinsics=CAMERA)

    # 10 * 0.3 / 1 + 7 = 10, 10 * -0.2 + 5 = 3; 10 * 1 / 4 + 7 = 9.5 is even at 10, row 7.5 at 8.
    assert np.argwhere(sparse.valid).tolist() == [[3, 10], [5, 7], [8, 10]]
    assert sparse.values[sparse.valid].tolist() == [1.0, 2.0, 4.0]
    assert sparse.intrinsics == CAMERA


def write_points(path: Path, points: np.ndarray) -> Path:
    rows = "".join(f"{x} {y} {z}\n" for x, y, z in points)
    path.write_text(
        f"ply\nformat ascii 1.0\nelement vertex {len(points)}\nproperty float x\nproperty float y\n"
        f"property float z\nend_header\n{rows}"
    )
    return path


def test_the_nearest_of_several_points_in_a_pixel_counts(tmp_path: Path):
    points = np.array([[0, 0, 3.0], [0, 0, 2.0], [0, 0, 5.0]])

    sparse = read_sparse(write_points(tmp_path / "a.ply", points), size=SIZE, intrinsics=CAMERA)

    assert (sparse.valid.sum(), sparse.values[5, 7]) == (1, 2.0)


def test_the_nearest_pixel_counts_not_the_one_before(tmp_path: Path):
    points = np.array([[0.08, -0.08, 1.0]])  # (7.8, 4.2)

    sparse = read_sparse(write_points(tmp_path / "a.ply", points), size=SIZE, intrinsics=CAMERA)

    assert np.argwhere(sparse.valid).tolist() == [[4, 8]]


def test_points_behind_outside_or_not_finite_are_left_out(tmp_path: Path):
    nan, inf = float("nan"), float("inf")
    points = np.array(
        [[0, 0, 2.0], [0, 0, -1.0], [0, 0, 0.0], [9, 0, 1.0], [nan, 0, 1.0], [0, 0, inf]]
    )

    sparse = read_sparse(write_points(tmp_path / "a.ply", points), size=SIZE, intrinsics=CAMERA)

    assert np.argwhere(sparse.valid).tolist() == [[5, 7]]


def test_a_camera_of_another_size_is_the_same_camera_at_this_one(tmp_path: Path):
    twice = CAMERA.resized(24, 32)

    path = write_points(tmp_path / "a.ply", POINTS)

    np.testing.assert_array_equal(
        read_sparse(path, size=SIZE, intrinsics=twice).values,
        read_sparse(path, size=SIZE, intrinsics=CAMERA).values,
    )


def test_millimetres_become_metres_by_the_scale(tmp_path: Path):
    path = write_points(tmp_path / "a.ply", POINTS * 1000)

    sparse = read_sparse(path, size=SIZE, intrinsics=CAMERA, depth_scale=1000)

    assert sorted(sparse.values[sparse.valid].tolist()) == [1.0, 2.0, 4.0]
    with pytest.raises(InputError, match=r"would be 2000 m .* mostly millimetres \(--depth-scale"):
        read_sparse(path, size=SIZE, intrinsics=CAMERA)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.empty((0, 3)), "holds no points"),
        (np.array([[0, 0, -2.0]]), "all 1 points lie behind the camera; expected the camera's"),
        (np.array([[50, 0, 2.0]]), "none of 1 points lies inside the picture of 16x12"),
    ],
)
def test_nothing_in_the_picture_is_one_line(tmp_path: Path, points: np.ndarray, words: str):
    path = write_points(tmp_path / "a.ply", points)

    with pytest.raises(InputError) as caught:
        read_sparse(path, size=SIZE, intrinsics=CAMERA)

    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.ply", "a.pcd"])
def test_a_cloud_without_a_camera_says_what_is_missing(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(ply("ascii") if name == "a.ply" else pcd("ascii"))

    with pytest.raises(InputError, match="expected intrinsics"):
        read_sparse(tmp_path / name, size=SIZE)


@pytest.mark.parametrize("count", [4, 10**6, 10**14])
@pytest.mark.parametrize(
    "data", [ply("ascii"), ply("binary_little_endian"), pcd("ascii"), pcd("binary")]
)
def test_a_count_beyond_the_file_is_refused_before_memory_is_taken(data: bytes, count: int):
    for key in ("vertex", "WIDTH", "POINTS"):
        data = data.replace(f"{key} 3\n".encode(), f"{key} {count}\n".encode())
    read = read_ply if data.startswith(b"ply") else read_pcd

    # The face of an ASCII file is a fourth line, but not of four numbers: damaged, not a point.
    with pytest.raises(InputError, match=r"shorter than|cut short|damaged points"):
        read(data.replace(b"3 0 1 2\n", b"").removesuffix(b"\3" + bytes(12)), "a")


@pytest.mark.parametrize("data", [ply("binary_little_endian"), pcd("binary")])
def test_one_byte_less_is_too_few(data: bytes):
    whole = data.removesuffix(b"\3" + bytes(12))
    read = read_ply if data.startswith(b"ply") else read_pcd

    assert len(read(whole, "a")) == 3
    with pytest.raises(InputError, match="shorter than its header says"):
        read(whole[:-1], "a")


def test_blank_lines_between_points_do_not_count():
    assert len(read_pcd(pcd("ascii").replace(b"3\n0.3", b"3\n\n \n0.3"), "a.pcd")) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"solid cube", "not a PLY file"),
        (b"ply\nformat ascii 1.0\n", "not a PLY file: no header"),
        (b"ply\nformat ascii 2 1.0\nend_header\n", "header line 'format ascii 2 1.0'"),
        (b"ply\nelement vertex 1\nend_header\n", "header without a format"),
        (b"ply\nformat ascii 1.0\nend_header\n", "no element vertex"),
        (b"ply\nformat ascii 1.0\nelement vertex -1\nend_header\n", "header line 'element"),
        (b"ply\nformat ascii 1.0\nelement a 9\nend_header\n", "element 'a' without properties"),
        (ply("ascii").replace(b"float z", b"float w"), "points of x, y, red, w; expected x, y, z"),
        (ply("ascii").replace(b"float z", b"list uchar float z"), "points with lists"),
        (ply("ascii", before="element f 1\nproperty list uchar int i\n"), "lists in 'f' stand"),
        (ply("ascii").replace(b"0.3", b"x.3"), "damaged points"),
        (ply("ascii").replace(b"float x", b"quad x"), "header line 'property quad x'"),
    ],
)
def test_a_damaged_ply_is_one_line(data: bytes, words: str):
    with pytest.raises(InputError) as caught:
        read_ply(data, "a.ply")

    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"nothing", "not a PCD file: no line DATA"),
        (b"GIF89a\nDATA ascii\n", "header line 'GIF89a' is not one of PCD"),
        (b"VERSION 0.7\nDATA ascii\n", "header without FIELDS"),
        (pcd("ascii", fields="x y w intensity _ label"), "points of x, y, w"),
        (pcd("ascii", fields="x y z"), "FIELDS, SIZE, TYPE and COUNT differ"),
        (pcd("packed"), "DATA packed; expected ascii, binary or binary_compressed"),
        (pcd("ascii").replace(b"SIZE 4", b"SIZE 3"), "TYPE F F F F U U, SIZE 3 4 4 8 1 2"),
        (pcd("ascii").replace(b"SIZE 4", b"SIZE four"), "SIZE 'four 4 4"),
        (pcd("ascii").replace(b"COUNT 1 1 1 1 3", b"COUNT 2 1 1 1 2"), "COUNT 2 1 1 1 2"),
        (pcd("ascii").replace(b"POINTS 3\n", b"").replace(b"WIDTH 3\n", b""), "without POINTS"),
        (pcd("ascii").replace(b"0.3", b"x.3"), "damaged points"),
    ],
)
def test_a_damaged_pcd_is_one_line(data: bytes, words: str):
    with pytest.raises(InputError) as caught:
        read_pcd(data, "a.pcd")

    assert words in str(caught.value) and "\n" not in str(caught.value)
