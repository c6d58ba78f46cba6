"""A point cloud file holds the points, their colors and what they may be trusted for."""

import json

import numpy as np
import pytest

from featherdepth.errors import InputError
from featherdepth.geometry.camera import points
from featherdepth.images.cloud import VERTEX, jumps
from featherdepth.images.colormap import colorize
from featherdepth.images.write import save
from featherdepth.types import Depth, DepthKind, Image, Intrinsics

CAMERA = Intrinsics(fx=2.0, fy=2.0, cx=0.5, cy=0.5, width=2, height=2, source="given")


def depth_of(values, kind=DepthKind.METRIC, valid=None, intrinsics=None):
    values = np.asarray(values, dtype=np.float32)
    valid = np.ones(values.shape, dtype=bool) if valid is None else np.asarray(valid)
    return Depth(values=values, valid=valid, kind=kind, intrinsics=intrinsics)


def read_ply(path):
    """Read the file by its header, as any program would."""
    header, _, body = path.read_bytes().partition(b"end_header\n")
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    types = {"float": "<f4", "uchar": "u1"}
    fields = [line.split()[1:] for line in lines if line.startswith("property")]
    count = next(int(line.split()[2]) for line in lines if line.startswith("element vertex"))
    vertices = np.frombuffer(body, dtype=[(name, types[kind]) for kind, name in fields])
    assert len(vertices) == count
    xyz = np.stack([vertices[axis] for axis in "xyz"], axis=1)
    rgb = np.stack([vertices[channel] for channel in ("red", "green", "blue")], axis=1)
    return xyz, rgb, [line.removeprefix("comment ") for line in lines if "comment" in line]


def test_the_file_holds_the_points_and_the_colors_of_the_photo(tmp_path):
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    depth = depth_of([[1.0, 2.0], [3.0, 4.0]], intrinsics=CAMERA)

    written = save(depth, tmp_path / "a.ply", image=Image(pixels=pixels), edge_jump=0)
    xyz, rgb, comments = read_ply(tmp_path / "a.ply")

    np.testing.assert_array_equal(xyz, points(depth).reshape(-1, 3))
    np.testing.assert_array_equal(rgb, pixels.reshape(-1, 3))
    assert comments[0] == "featherdepth; x right, y down, z forward (OpenCV)"
    assert comments[1] == "kind metric; unit meters; focal length given"
    assert written == [tmp_path / "a.ply", tmp_path / "a.ply.json"]
    assert VERTEX.itemsize == 15


def test_without_a_photo_points_are_colored_by_depth(tmp_path):
    depth = depth_of([[1.0, 2.0], [3.0, 4.0]])

    save(depth, tmp_path / "a.ply", edge_jump=0)
    _, rgb, comments = read_ply(tmp_path / "a.ply")

    np.testing.assert_array_equal(rgb, colorize(depth).reshape(-1, 3))
    assert comments[1].endswith("focal length assumed, 60 degrees vertical")


@pytest.mark.parametrize("kind", [DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY])
def test_an_assumed_range_is_stated_in_the_file_and_its_sidecar(tmp_path, kind):
    depth = depth_of(np.linspace(0, 1, 100).reshape(10, 10), kind)

    save(depth, tmp_path / "a.ply", near_far=(1, 10), edge_jump=0)
    xyz, _, comments = read_ply(tmp_path / "a.ply")

    assert "shape approximate, range assumed: 1 to 10" in comments
    facts = json.loads((tmp_path / "a.ply.json").read_text())
    assert facts["encoding"]["note"] == "shape approximate, range assumed"
    assert facts["encoding"]["near_far"] == [1, 10]
    assert 0.5 < xyz[:, 2].min() < 1.01
    assert 9 < xyz[:, 2].max() < 13


def test_an_affine_map_without_a_range_is_refused_and_leaves_nothing(tmp_path):
    depth = depth_of([[0.0, 1.0]], DepthKind.AFFINE_INVARIANT)

    with pytest.raises(InputError, match="--near-far 1,10"):
        save(depth, tmp_path / "a.ply")

    assert not list(tmp_path.iterdir())


def test_invalid_pixels_have_no_point(tmp_path):
    depth = depth_of([[1.0, 0.0], [1.0, 1.0]], valid=[[True, False], [True, True]])

    save(depth, tmp_path / "a.ply")

    assert len(read_ply(tmp_path / "a.ply")[0]) == 3


def test_pixels_on_both_sides_of_a_jump_are_left_out(tmp_path):
    values = np.ones((5, 6), dtype=np.float32)
    values[:, 3:] = 1.05
    values[4] = 1.02

    save(depth_of(values), tmp_path / "a.ply")
    all_but_jumps = read_ply(tmp_path / "a.ply")[0]
    save(depth_of(values), tmp_path / "b.ply", edge_jump=0.06)
    everything = read_ply(tmp_path / "b.ply")[0]

    assert len(all_but_jumps) == 30 - 2 * 4
    assert len(everything) == 30


def test_a_jump_is_a_share_of_the_nearer_depth_in_rows_and_columns():
    values = np.array(
        [[1.0, 1.03, 1.072], [1.0, 1.0, 1.072], [100.0, 103.0, 1.072]], dtype=np.float32
    )
    valid = np.ones((3, 3), dtype=bool)
    valid[2, 1] = False

    found = jumps(values, valid, 0.04)

    # 1.03 to 1.072 is 4.08 % of the nearer, 3.92 % of the farther; the first column jumps from
    # 1 to 100; the invalid pixel parts nothing.
    expected = [[False, True, True], [True, True, True], [True, False, False]]
    np.testing.assert_array_equal(found, expected)
