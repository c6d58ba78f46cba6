"""What is saved says what it is, comes back as it was, and is never half there."""

import json
import logging
import subprocess
import sys
from pathlib import PurePath

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.images.encoding import Encoding, decode, encode
from featherdepth.images.read_depth import read_depth
from featherdepth.images.write import output_path, save
from featherdepth.types import Alignment, Depth, DepthKind, Image, Provenance

METRIC, AFFINE = DepthKind.METRIC, DepthKind.AFFINE_INVARIANT
DISPARITY = DepthKind.AFFINE_INVARIANT_DISPARITY


def depth_of(values, kind=METRIC, valid=None, **facts):
    values = np.asarray(values, dtype=np.float32)
    valid = np.ones(values.shape, dtype=bool) if valid is None else np.asarray(valid)
    return Depth(values=np.where(valid, values, np.float32(0)), valid=valid, kind=kind, **facts)


def described(kind=METRIC):
    return depth_of(
        [[1.0, 2.5, 3.0], [4.0, 5.0, 6.125]],
        kind,
        valid=[[True, True, False], [True, True, True]],
        intrinsics=assumed_intrinsics(2, 3),
        provenance=Provenance(
            model="small",
            sha256="ab" * 32,
            backend="onnx",
            precision="fp32",
            version="0.1",
            input_size=(384, 512),
        ),
    )


def maps(values):
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)
    return shapes.flatmap(
        lambda shape: st.tuples(
            hnp.arrays(np.float32, shape, elements=values), hnp.arrays(np.bool_, shape)
        )
    )


@given(maps(st.floats(-1e6, 1e6, width=32)), st.sampled_from([AFFINE, DISPARITY]))
@settings(max_examples=100, deadline=None)
def test_sixteen_bits_keep_a_relative_map_to_half_a_step(content, kind):
    depth = depth_of(content[0], kind, content[1])

    stored, encoding = encode(depth)
    values, valid = decode(stored, Encoding.from_json(encoding.to_json()))

    np.testing.assert_array_equal(valid, depth.valid)
    step = (encoding.hi - encoding.lo) / 65534
    rounding = 3e-7 * max(abs(encoding.lo), abs(encoding.hi))  # float32, 3 operations
    assert np.abs(values - depth.values).max(initial=0) <= 0.51 * step + rounding


@given(maps(st.floats(0.0078125, 255.75, width=32)))
@settings(max_examples=100, deadline=None)
def test_sixteen_bits_keep_meters_to_half_a_step(content):
    depth = depth_of(content[0], METRIC, content[1])

    stored, encoding = encode(depth)
    values, valid = decode(stored, encoding)

    np.testing.assert_array_equal(valid, depth.valid)
    far = depth.values.max(initial=0) > 65
    assert encoding.scale == (256 if far else 1000)
    # 1/256 m cannot hold a millimeter: the smallest valid number is 1, which is 3.9 mm.
    assert np.abs(values - depth.values).max(initial=0) <= (1 / 256 if far else 0.00051)


def test_the_stored_integers_are_those_of_the_formula():
    metric, _ = encode(depth_of([[0.0004, 1.2344, 65.0]]))
    far, _ = encode(depth_of([[1.0, 66.0]]))
    relative, encoding = encode(depth_of([[-1.0, 0.0, 3.0]], AFFINE))

    np.testing.assert_array_equal(metric, [[1, 1234, 65000]])
    np.testing.assert_array_equal(far, [[256, 16896]])
    # 1 + round(65534 / 4) = 16384.5 rounded to even, plus 1.
    np.testing.assert_array_equal(relative, [[1, 16385, 65535]])
    assert (encoding.lo, encoding.hi) == (-1.0, 3.0)


def test_the_range_of_a_relative_map_is_that_of_its_valid_pixels():
    stored, encoding = encode(depth_of([[9.0, 5.0, 6.0]], AFFINE, [[False, True, True]]))

    np.testing.assert_array_equal(stored, [[0, 1, 65535]])
    assert (encoding.lo, encoding.hi) == (5.0, 6.0)


def test_what_lies_beyond_the_format_is_clipped_counted_and_told(tmp_path, caplog):
    path = tmp_path / "far.png"

    with caplog.at_level(logging.WARNING):
        save(depth_of([[1.0, 300.0, 400.0]]), path)

    assert "2 pixels beyond 256 m" in caplog.text
    assert json.loads((tmp_path / "far.png.json").read_text())["encoding"]["clipped"] == 2
    assert read_depth(path).values.max() == pytest.approx(255.996, abs=1e-3)


@pytest.mark.parametrize("kind", list(DepthKind))
@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_a_map_comes_back_with_all_that_was_known_of_it(tmp_path, kind, name):
    depth = described(kind)

    written = save(depth, tmp_path / name)
    back = read_depth(tmp_path / name)

    assert written == [tmp_path / name, tmp_path / f"{name}.json"]
    np.testing.assert_allclose(back.values, depth.values, atol=5e-4 if name == "a.png" else 0)
    np.testing.assert_array_equal(back.valid, depth.valid)
    assert back.kind is kind
    assert back.intrinsics == depth.intrinsics
    assert back.provenance == depth.provenance


@pytest.mark.parametrize("kind", list(DepthKind))
def test_a_map_without_any_valid_pixel_and_a_flat_one_come_back(tmp_path, kind):
    nothing = depth_of(np.ones((2, 3)), kind, np.zeros((2, 3), dtype=bool))
    flat = depth_of(np.full((2, 3), 1.5), kind)

    for depth in (nothing, flat):
        save(depth, tmp_path / "a.png")
        back = read_depth(tmp_path / "a.png")
        np.testing.assert_array_equal(back.values, depth.values)
        np.testing.assert_array_equal(back.valid, depth.valid)


def test_the_png_explains_itself_without_its_sidecar(tmp_path):
    save(described(AFFINE), tmp_path / "a.png")
    (tmp_path / "a.png.json").unlink()

    assert read_depth(tmp_path / "a.png").kind is AFFINE


def test_the_sidecar_says_what_the_numbers_are(tmp_path):
    photo = Image(pixels=np.zeros((2, 3, 3), dtype=np.uint8), name="room.jpg")
    fit = Alignment(scale=2.0, shift=0.5, space="depth", method="scale", count=3, residual=0.0)

    save(
        described(),
        tmp_path / "a.png",
        image=photo,
        alignment=fit,
        extra={"source": {"sha256": "cd"}, "runtime": {"ms": 12}, "note": "mine"},
    )

    facts = json.loads((tmp_path / "a.png.json").read_text())
    assert (facts["kind"], facts["unit"], facts["larger_is"]) == ("metric", "m", "farther")
    assert facts["encoding"] == {
        "format": "png16",
        "invalid": 0,
        "scale": 1000.0,
        "offset": 0.0,
        "clipped": 0,
    }
    assert facts["source"] == {"name": "room.jpg", "height": 2, "width": 3, "sha256": "cd"}
    assert facts["stats"] | {"p02": 0, "p98": 0} == {
        "min": 1.0,
        "max": 6.125,
        "p02": 0,
        "p98": 0,
        "valid_fraction": 0.833333,
    }
    assert facts["intrinsics"]["source"] == "assumed"
    assert facts["alignment"]["scale"] == 2.0
    assert facts["runtime"] == {
        "backend": "onnx",
        "precision": "fp32",
        "size": [384, 512],
        "ms": 12,
    }
    assert facts["model"]["id"] == "small"
    assert facts["note"] == "mine"


def test_an_npy_holds_nan_where_nothing_is_known(tmp_path):
    save(described(), tmp_path / "a.npy")

    values = np.load(tmp_path / "a.npy")

    np.testing.assert_array_equal(values, [[1.0, 2.5, np.nan], [4.0, 5.0, 6.125]])
    assert values.dtype == np.float32


def test_a_color_picture_is_written_by_its_suffix_and_holds_no_depth(tmp_path):
    photo = Image(pixels=np.full((40, 60, 3), 9, dtype=np.uint8))
    depth = depth_of(np.linspace(1, 2, 40 * 60).reshape(40, 60), AFFINE)

    for name in ("a.jpg", "a.webp", "a.color.png"):
        assert save(depth, tmp_path / name, format="color", image=photo, side_by_side=True) == [
            tmp_path / name
        ]

    with PIL.Image.open(tmp_path / "a.color.png") as picture:
        assert picture.height == 40
        assert picture.width > 120  # photo, map and legend
        assert picture.getpixel((5, 5)) == (9, 9, 9)
    with pytest.raises(InputError, match="holds a RGB picture, not depth; expected 16-bit gray"):
        read_depth(tmp_path / "a.color.png")


def test_the_ending_that_colors_have_makes_a_color_picture(tmp_path):
    for name, mode in (("a.color.png", "RGB"), ("color.png", "I;16")):
        written = save(described(), tmp_path / name)
        with PIL.Image.open(written[0]) as picture:
            assert picture.mode == mode
    assert not (tmp_path / "a.color.png.json").exists()


def test_every_format_has_its_own_file_name():
    stem = PurePath("sub/IMG_1.2")

    paths = [output_path(stem, f).as_posix() for f in ("png16", "npy", "ply", "color")]

    assert paths == [
        "sub/IMG_1.2.png",
        "sub/IMG_1.2.npy",
        "sub/IMG_1.2.ply",
        "sub/IMG_1.2.color.png",
    ]


@pytest.mark.parametrize(
    ("name", "file_format", "message"),
    [
        ("a.exr", None, "unknown suffix '.exr'; expected .*, .ply"),
        ("a", None, "unknown suffix ''"),
        ("a.png", "npy", "suffix '.png' does not fit format npy; expected .npy"),
        ("a.png", "tiff", "unknown format 'tiff'; known: png16, npy, ply, color"),
    ],
)
def test_a_format_that_does_not_fit_is_refused(tmp_path, name, file_format, message):
    with pytest.raises(UsageError, match=message):
        save(described(), tmp_path / name, format=file_format)

    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_told_in_one_line(tmp_path):
    with pytest.raises(RunError, match=r"cannot write .*gone/a\.png: No such file or directory"):
        save(described(), tmp_path / "gone" / "a.png")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are a POSIX matter")
@pytest.mark.parametrize("name", ["a.png", "a.npy", "a.ply", "a.jpg"])
def test_a_full_disk_leaves_neither_data_nor_sidecar(tmp_path, name):
    code = (
        "import resource, sys; import numpy as np; from pathlib import Path\n"
        "from featherdepth.errors import RunError; from featherdepth.images.write import save\n"
        "from featherdepth.types import Depth, DepthKind\n"
        "values = np.random.default_rng(0).uniform(1, 60, (200, 200)).astype(np.float32)\n"
        "depth = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "try: save(depth, sys.argv[1], edge_jump=0.0)\n"
        "except RunError as error: print(error)\n"
    )
    path = tmp_path / name

    result = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )

    assert result.stdout == f"cannot write {path}: File too large\n"
    assert not list(tmp_path.iterdir())


def test_maps_of_others_are_read_when_their_scale_or_kind_is_told(tmp_path):
    stored = np.array([[0, 500, 2000]], dtype=np.uint16)
    PIL.Image.fromarray(stored).save(tmp_path / "mm.png")
    np.save(tmp_path / "plain.npy", np.array([[0.0, 2.0, np.inf]]))

    meters = read_depth(tmp_path / "mm.png", scale=1000)
    plain = read_depth(tmp_path / "plain.npy", kind=DISPARITY)

    np.testing.assert_allclose(meters.values, [[0, 0.5, 2.0]])
    np.testing.assert_array_equal(meters.valid, [[False, True, True]])
    assert meters.kind is METRIC
    np.testing.assert_array_equal(plain.values, [[0, 2.0, 0]])
    np.testing.assert_array_equal(plain.valid, [[False, True, False]])


def test_numbers_that_nobody_explains_are_refused(tmp_path):
    PIL.Image.fromarray(np.ones((2, 2), dtype=np.uint16)).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", np.ones((2, 2), dtype=np.float32))

    with pytest.raises(InputError, match=r"a\.png: has no sidecar .*expected a scale, such as"):
        read_depth(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.npy: has no sidecar a\.npy\.json; expected a kind"):
        read_depth(tmp_path / "a.npy")


def test_numbers_beyond_float32_are_not_known(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1.0, 1e300]]))

    depth = read_depth(tmp_path / "a.npy", kind=METRIC)  # a warning would fail here

    assert depth.valid.tolist() == [[True, False]]


def test_what_explains_itself_takes_no_other_explanation(tmp_path):
    save(described(), tmp_path / "a.png")
    save(described(), tmp_path / "a.npy")

    with pytest.raises(UsageError, match="leave the scale out"):
        read_depth(tmp_path / "a.png", scale=1000)
    with pytest.raises(UsageError, match="leave the kind out"):
        read_depth(tmp_path / "a.npy", kind=METRIC)
    with pytest.raises(UsageError, match=r"a \.png takes a scale"):
        read_depth(tmp_path / "a.png", kind=METRIC)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"", "is empty"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", "damaged PNG"),
        ("a.png", b"GIF89a" + b"\0" * 20, "is not a photo"),
        ("a.npy", b"\x93NUMPY\x01\0v\0{'descr': '<f4'", "damaged .npy"),
        ("a.npy", b"", "damaged .npy"),
        ("a.exr", b"x", "is not read as depth; expected .png or .npy"),
    ],
)
def test_a_damaged_map_is_refused_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InputError, match=message) as caught:
        read_depth(tmp_path / name)

    assert "\n" not in str(caught.value)


def test_a_file_that_would_run_code_or_claims_more_than_it_holds_is_refused(tmp_path):
    np.save(tmp_path / "object.npy", np.array([{"a": 1}], dtype=object))
    with (tmp_path / "archive.npy").open("wb") as renamed:
        np.savez(renamed, np.ones((2, 2), np.float32))
    (tmp_path / "cut_archive.npy").write_bytes(b"PK\x03\x04 and no more")
    for name, edge in (("huge.npy", 9_000_000), ("huger.npy", 10**24)):
        header = {"descr": "<f4", "fortran_order": False, "shape": (edge, edge)}
        with (tmp_path / name).open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, header)

    for name in ("object.npy", "archive.npy", "cut_archive.npy", "huge.npy", "huger.npy"):
        with pytest.raises(InputError, match=r"damaged \.npy"):
            read_depth(tmp_path / name, kind=METRIC)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "depthy"}, "damaged sidecar"),
        ({"schema": "other"}, "is not a depth sidecar"),
        ({"intrinsics": {"fx": 1}}, "damaged sidecar"),
        ({"runtime": [1]}, "damaged sidecar"),
        (
            {
                "intrinsics": {
                    **dict.fromkeys(("fx", "fy", "cx", "cy"), 1.0),
                    "width": 9,
                    "height": 9,
                    "source": "given",
                }
            },
            "intrinsics are of 9x9 but the map is 2x3",
        ),
    ],
)
def test_a_damaged_sidecar_is_refused(tmp_path, change, message):
    save(described(), tmp_path / "a.npy")
    sidecar = tmp_path / "a.npy.json"
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | change))

    with pytest.raises(InputError, match=message):
        read_depth(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "encoding", [{}, {"scale": 0}, {"lo": 1}, {"lo": 2, "hi": 1}, {"scale": []}]
)
def test_an_encoding_that_cannot_be_undone_is_refused(encoding):
    with pytest.raises(InputError, match="expected a scale, or lo and hi"):
        Encoding.from_json(encoding)
