"""Maps and lines of text become measured points in metres, or one line says why not."""

import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherdepth.data.sparse import read_sparse
from featherdepth.errors import InputError, UsageError
from featherdepth.images.write import save
from featherdepth.types import Depth, DepthKind, Intrinsics

SIZE = (3, 4)
CAMERA = Intrinsics(fx=5.0, fy=5.0, cx=1.5, cy=1.0, width=4, height=3, source="given")


def map_of(**points: float) -> np.ndarray:
    """Keys such as r1c2."""
    values = np.zeros(SIZE)
    for place, value in points.items():
        values[int(place[1]), int(place[3])] = value
    return values


def write_png(path: Path, values: np.ndarray, kind: str = "uint16") -> Path:
    Image.fromarray(values.astype(kind)).save(path)
    return path


def found(path: Path, **options: object) -> dict[tuple[int, int], float]:
    sparse = read_sparse(path, size=SIZE, **options)  # type: ignore[arg-type]
    assert sparse.kind is DepthKind.METRIC
    assert (sparse.values[~sparse.valid] == 0).all()
    return {(int(r), int(c)): float(sparse.values[r, c]) for r, c in np.argwhere(sparse.valid)}


def test_a_png_is_stored_over_scale_without_0_and_65535(tmp_path: Path):
    path = write_png(tmp_path / "a.png", map_of(r0c1=512, r2c3=65535, r1c1=65534))

    assert found(path, depth_scale=256) == {(0, 1): 2.0, (1, 1): 65534 / 256}


def test_a_png_of_ours_says_itself_what_it_holds(tmp_path: Path):
    values = map_of(r0c1=2.5, r2c2=3.25).astype(np.float32)
    depth = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC, intrinsics=CAMERA)
    for name in ("a.png", "a.npy"):
        save(depth, tmp_path / name)

        sparse = read_sparse(tmp_path / name, size=SIZE)

        np.testing.assert_array_equal(sparse.values, values)
        assert sparse.intrinsics == CAMERA


def test_the_camera_of_a_map_of_ours_is_surer_than_that_of_exif(tmp_path: Path):
    values = map_of(r0c1=2.5).astype(np.float32)
    depth = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC, intrinsics=CAMERA)
    save(depth, tmp_path / "a.png")
    other = replace(CAMERA, fx=7.0)

    for camera in (other, replace(other, source="exif")):
        found = read_sparse(tmp_path / "a.png", size=SIZE, intrinsics=camera).intrinsics
        assert found == (other if camera is other else CAMERA)


def test_relative_depth_is_no_measurement(tmp_path: Path):
    values = map_of(r0c1=2.5).astype(np.float32)
    depth = Depth(values=values, valid=values > 0, kind=DepthKind.AFFINE_INVARIANT)
    for name in ("a.png", "a.npy"):
        save(depth, tmp_path / name)

        with pytest.raises(InputError, match="holds affine_invariant values; expected metres"):
            read_sparse(tmp_path / name, size=SIZE)


@pytest.mark.parametrize(
    ("kind", "values", "options", "words"),
    [
        ("uint8", map_of(r0c0=200), {"depth_scale": 256}, "holds a L picture, not depth; expected"),
        ("uint16", map_of(r0c0=200), {"depth_scale": 256}, "no value above 255, as in an 8-bit"),
        ("uint16", map_of(r0c0=2000), {}, "expected a scale, such as 1000"),
        ("uint16", map_of(), {"depth_scale": 256}, "holds no measured point"),
        ("uint16", map_of(r0c0=2000), {"depth_scale": 1.0}, "the median depth would be 2000 m"),
        (
            "uint16",
            map_of(r0c0=900),
            {"depth_scale": 65535},
            "mostly millimetres (--depth-scale 1000)",
        ),
        ("uint16", np.ones((4, 4)), {"depth_scale": 1}, "4x4 pixels, but the picture has 4x3"),
    ],
)
def test_a_png_that_does_not_fit_is_one_line(
    tmp_path: Path, kind: str, values: np.ndarray, options: dict[str, float], words: str
):
    path = write_png(tmp_path / "a.png", values, kind)

    with pytest.raises(InputError) as caught:
        read_sparse(path, size=SIZE, **options)  # type: ignore[arg-type]

    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_centimetres_may_stay_below_255(tmp_path: Path):
    path = write_png(tmp_path / "a.png", map_of(r0c0=200))

    assert found(path, depth_scale=100) == {(0, 0): 2.0}


def test_an_array_holds_metres_where_it_is_finite_and_above_0(tmp_path: Path):
    values = map_of(r0c0=1.5, r1c1=np.nan, r1c2=np.inf, r2c0=65535, r2c3=4.5)
    np.save(tmp_path / "a.npy", values)

    assert found(tmp_path / "a.npy") == {(0, 0): 1.5, (2, 3): 4.5}


def test_integers_in_an_array_take_the_scale(tmp_path: Path):
    np.save(tmp_path / "a.npy", map_of(r0c0=1500, r2c3=65535).astype(np.uint16))

    assert found(tmp_path / "a.npy", depth_scale=1000) == {(0, 0): 1.5}
    with pytest.raises(InputError, match=r"would be 1500 m .* mostly millimetres"):
        read_sparse(tmp_path / "a.npy", size=SIZE)


def test_metres_taken_for_millimetres_are_refused(tmp_path: Path):
    np.save(tmp_path / "a.npy", map_of(r0c0=1.5))

    with pytest.raises(InputError, match=r"would be 0.0015 m .* leave --depth-scale out"):
        read_sparse(tmp_path / "a.npy", size=SIZE, depth_scale=1000)


def test_rows_in_an_array_are_column_row_metres(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([[3, 0, 1.5], [0.4, 1.6, 2.5], [9, 9, 1]]))

    assert found(tmp_path / "a.npy") == {(0, 3): 1.5, (2, 0): 2.5}


def test_a_row_with_a_negative_depth_is_refused(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([[3, 0, 1.5], [0, 1, -2.5]]))

    with pytest.raises(InputError, match=r"depth down to -2\.5; expected 0 or more"):
        read_sparse(tmp_path / "a.npy", size=SIZE)


def test_an_archive_that_unpacks_to_far_more_than_the_picture_is_refused(tmp_path: Path):
    np.savez_compressed(tmp_path / "a.npz", depth=np.zeros((9000, 9000), dtype=np.uint8))

    assert (tmp_path / "a.npz").stat().st_size < 200_000
    with pytest.raises(InputError, match=r"depth\.npy unpacks to more than 67,108,864 bytes"):
        read_sparse(tmp_path / "a.npz", size=SIZE)


@pytest.mark.parametrize("name", ["depth", "values", "anything"])
def test_an_archive_holds_depth_and_perhaps_a_mask(tmp_path: Path, name: str):
    valid = map_of(r0c0=1).astype(bool)
    np.savez_compressed(tmp_path / "a.npz", **{name: map_of(r0c0=1.5, r1c1=2), "valid": valid})

    assert found(tmp_path / "a.npz") == {(0, 0): 1.5}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": map_of(r0c0=1), "b": map_of()}, "holds a, b; expected 'depth', or one array alone"),
        ({"depth": map_of(r0c0=1), "valid": np.ones((2, 2))}, "shape (3, 4) but valid of (2, 2)"),
        ({"depth": map_of(r0c0=1), "valid": map_of(r0c0=7)}, "a, valid"),
        ({"depth": map_of(r0c0=-1)}, "depth down to -1; expected 0 or more"),
        ({"depth": np.array([[{}]], dtype=object)}, "a.npz, depth"),
    ],
)
def test_an_archive_that_does_not_fit_is_one_line(
    tmp_path: Path, arrays: dict[str, np.ndarray], words: str
):
    np.savez(tmp_path / "a.npz", **arrays)

    with pytest.raises(InputError) as caught:
        read_sparse(tmp_path / "a.npz", size=SIZE)

    assert words.replace("a, valid", "a.npz, valid") in str(caught.value)


def test_a_pickle_in_an_array_is_never_opened(tmp_path: Path):
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "a.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", depth=np.array([Trap()], dtype=object))

    for name in ("a.npy", "a.npz"):
        with pytest.raises(InputError):
            read_sparse(tmp_path / name, size=SIZE)
    assert not (tmp_path / "sprung").exists()


def test_a_header_that_claims_more_than_the_file_takes_no_memory(tmp_path: Path):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**7)}
    )
    (tmp_path / "a.npy").write_bytes(stream.getvalue() + bytes(64))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("depth.npy", stream.getvalue())

    for name in ("a.npy", "a.npz"):
        with pytest.raises(InputError, match="bytes behind the header; expected 8000000"):
            read_sparse(tmp_path / name, size=SIZE)


@pytest.mark.parametrize(
    "text",
    [
        "3,0,1.5\n0.4,1.6,2.5\n",
        "\ufeffu,v,metres\r\n3,0,1.5\r\n0.4,1.6,2.5\r\n",
        '"u","v","depth (m)"\n"3","0","1.5"\n"0.4","1.6","2.5"\n',
        "# by hand\n3 0 1.5   # door\n\n0.4\t1.6 2.5",
        "x;y;depth\n3;0;1.5\n0.4;1.6;2.5\n",
        "id,depth,row,col\n1,1.5,0,3\n2,2.5,1.6,0.4\n",
        "3, 0, 1.5\n0.4, 1.6, 2.5\n5, 0, 1\n0, 0, nan\n1, 1, inf\n1, 1, 0\n-0.6, 0, 1\n",
        "3,0,1.5\n0.4,1.6,2.5\n0.2,2.1,9\n",
        "# by hand\n# row col depth\n0 3 1.5\n1.6 0.4 2.5\n",
        "# row, col, depth [m], point id\n0,3,1.5,7\n1.6,0.4,2.5,8\n",
        "# row col depth\n# as x is, the column\n3 0 1.5\n0.4 1.6 2.5\n",
        "# row col depth\nu,v,m\n3,0,1.5\n0.4,1.6,2.5\n",
        "u [px],v [px],depth (m)\n3,0,1.5\n0.4,1.6,2.5\n",
        "point id;v;u;depth (m)\n1;0;3;1.5\n2;1.6;0.4;2.5\n",
        "x,y,z\n3,0,1.5\n0.4,1.6,2.5\n",
    ],
)
def test_lines_of_column_row_metres_in_any_usual_dress(tmp_path: Path, text: str):
    (tmp_path / "a.csv").write_text(text, newline="")

    assert found(tmp_path / "a.csv") == {(0, 3): 1.5, (2, 0): 2.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty (0 bytes)"),
        ("# nothing\n", "holds no points"),
        ("u,v,metres\n", "holds no points"),
        ("a,b,c\n1,2,3\n", "line 1: 'a,b,c'; expected the names u,v,metres"),
        ("1,2,3\n1,2\n", "line 2: '1,2'; expected lines of column,row,metres"),
        ("1,2,3\n\n1,2,x\n", "line 3: '1,2,x'; expected lines of column,row,metres"),
        ("1,2,3,4\n", "line 1: '1,2,3,4'; expected lines of column,row,metres"),
        ("1,2,-3\n", "depth down to -3; expected 0 or more"),
        ("x,y,z\n1,2,3\n-0.7,0,3\n", "x or y down to -0.7 are points in space, not pixels"),
        ("# x y z\n0.1 -1.2 3\n", "or a .ply of the points with the camera's --intrinsics"),
        ("9,9,3\n", "none of 1 points lies inside the picture of 4x3 with a depth above 0"),
        ("1,2,3000\n", "the median depth would be 3000 m (with no depth scale); expected 0.05"),
        ("1,2,0.003\n", "the median depth would be 0.003 m"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(tmp_path: Path, text: str, words: str):
    (tmp_path / "a.csv").write_text(text)

    with pytest.raises(InputError) as caught:
        read_sparse(tmp_path / "a.csv", size=SIZE)

    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "header", ["u,v,depth (cm)", "# u v z [cm]", '"u";"v";"Depth [ CM ]"', "id u v d (cm)"]
)
def test_a_header_in_centimeters_is_not_taken_for_meters(tmp_path: Path, header: str):
    first = "7," if header.startswith("id") else ""
    (tmp_path / "a.csv").write_text(f"{header}\n{first}3,0,150\n{first}0,2,250\n")

    with pytest.raises(InputError, match=r"depth in cm, says its header; .*--depth-scale 100"):
        read_sparse(tmp_path / "a.csv", size=SIZE)
    assert found(tmp_path / "a.csv", depth_scale=100) == {(0, 3): 1.5, (2, 0): 2.5}


def test_what_is_no_text_is_one_line(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InputError, match="is not text; expected lines of"):
        read_sparse(tmp_path / "a.csv", size=SIZE)


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("a.csv", {"depth_scale": 0}, UsageError, "depth scale 0; expected a number above 0"),
        ("a.csv", {"depth_scale": np.inf}, UsageError, "depth scale inf; expected a number"),
        ("a.xyz", {}, UsageError, "'.xyz' is not read as measured points; expected .png, .npy"),
        ("b.csv", {}, InputError, "b.csv: not found; expected measured points"),
    ],
)
def test_a_request_that_does_not_fit_is_one_line(
    tmp_path: Path, name: str, options: dict[str, float], error: type[Exception], words: str
):
    (tmp_path / "a.csv").write_text("1,2,3\n")
    (tmp_path / "a.xyz").write_text("1,2,3\n")

    with pytest.raises(error) as caught:
        read_sparse(tmp_path / name, size=SIZE, **options)  # type: ignore[arg-type]

    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_numbers_beyond_float32_are_no_depth(tmp_path: Path):
    (tmp_path / "a.csv").write_text("0,0,2\n1,0,1e39\n2,0,1e-60\n")
    np.save(tmp_path / "a.npy", map_of(r0c0=2, r1c1=1e300))

    assert found(tmp_path / "a.csv") == {(0, 0): 2.0}
    assert found(tmp_path / "a.npy") == {(0, 0): 2.0}


@pytest.mark.parametrize("text", [",\n", "1,2,3\n;;\n"])
def test_a_line_of_separators_is_no_point(tmp_path: Path, text: str):
    (tmp_path / "a.csv").write_text(text)

    with pytest.raises(InputError, match="expected lines of column,row,metres"):
        read_sparse(tmp_path / "a.csv", size=SIZE)


def test_an_array_whose_header_never_ends_is_one_line(tmp_path: Path):
    np.save(tmp_path / "a.npy", map_of(r0c0=2))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data.replace(b"(3, 4), }", b"(3, 4, { "))

    with pytest.raises(InputError, match=r"a\.npy: not a readable"):
        read_sparse(tmp_path / "a.npy", size=SIZE)


def test_points_beside_the_picture_are_counted_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "p.csv"
    path.write_text("1,2,3.0\n4,0,2.0\n0,3,2.0\n")

    assert found(path) == {(2, 1): 3.0}
    assert "2 of 3 points lie outside the picture of 4x3 and are left out" in caplog.text
    caplog.clear()
    path.write_text("1,2,3.0\n")
    found(path)
    assert not caplog.text
