"""Whatever holds a photo is read upright, in RGB and 8 bits; whatever does not is refused."""

import io
import struct
import subprocess
import sys
import zlib
from importlib.util import find_spec

import numpy as np
import PIL.Image
import PIL.ImageChops
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from featherdepth.errors import InputError
from featherdepth.images.decoder import open_picture
from featherdepth.images.read import read_image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def corners(height=24, width=32):
    """White, but red at the top left, green at the top right, blue at the bottom left."""
    pixels = np.full((height, width, 3), 255, dtype=np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = GREEN
    pixels[height // 2 :, : width // 2] = BLUE
    return pixels


def encoded(picture, file_format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def png_chunk(name, content):
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def png_file(width, height, bits, color_type, rows):
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def tiff_16_bit_rgb(values):
    """An uncompressed little-endian TIFF; the picture library reads these but writes none."""
    height, width, _ = values.shape
    data = values.astype("<u2").tobytes()
    bits_at = 8 + 2 + 10 * 12 + 4
    data_at = bits_at + 6
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 3, bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, data_at),
        (277, 3, 1, 3),
        (278, 3, 1, height),
        (279, 4, 1, len(data)),
        (284, 3, 1, 1),
    ]
    folder = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return (
        b"II*\0"
        + struct.pack("<I", 8)
        + folder
        + b"\0" * 4
        + struct.pack("<HHH", 16, 16, 16)
        + data
    )


@pytest.mark.parametrize(
    ("file_format", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("PPM", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, 8),
        ("JPEG", {"quality": 95, "progressive": True, "subsampling": 0}, 8),
        ("JPEG2000", {}, 0),
    ],
)
def test_every_format_gives_the_same_pixels(tmp_path, file_format, options, tolerance):
    path = tmp_path / "photo.bin"  # the content tells, not the suffix
    path.write_bytes(encoded(PIL.Image.fromarray(corners()), file_format, **options))

    image = read_image(path)

    assert image.size == (24, 32)
    assert image.name == "photo.bin"
    assert np.abs(image.pixels.astype(int) - corners()).max() <= tolerance
    assert image.intrinsics is None


def test_paths_bytes_pictures_and_arrays_are_the_same_photo(tmp_path):
    pixels = corners()
    path = tmp_path / "a.png"
    PIL.Image.fromarray(pixels).save(path)

    sources = [path, str(path), path.read_bytes(), PIL.Image.open(path), pixels]
    sources += [pixels.astype(np.float32) / 255, pixels.astype(np.uint16) * 257]

    for source in sources:
        np.testing.assert_array_equal(read_image(source).pixels, pixels)
    assert read_image(pixels, name="mine").name == "mine"
    assert read_image(PIL.Image.open(path)).name == "a.png"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_orientation_is_turned_upright(file_format, orientation):
    # How EXIF defines them: what must be done to the upright picture to get the stored one.
    stored = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }[orientation](corners())
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if file_format == "JPEG" else {}
    options |= {"lossless": True} if file_format == "WEBP" else {}

    image = read_image(encoded(PIL.Image.fromarray(stored), file_format, exif=exif, **options))

    assert image.size == (24, 32)
    assert np.abs(image.pixels.astype(int) - corners()).max() <= 8
    assert image.pixels.flags.c_contiguous


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_gray_palette_and_one_bit_pictures_become_rgb(mode):
    gray = PIL.Image.fromarray(np.repeat([[0, 255]], 4, axis=0).astype(np.uint8)).convert(mode)

    image = read_image(encoded(gray, "PNG"))

    np.testing.assert_array_equal(image.pixels[0], [[0, 0, 0], [255, 255, 255]])


def test_transparent_parts_lie_on_white():
    half = np.zeros((2, 2, 4), dtype=np.uint8)
    half[..., 3] = [[0, 255], [0, 51]]

    from_file = read_image(encoded(PIL.Image.fromarray(half), "PNG"))
    from_array = read_image(half)

    np.testing.assert_array_equal(from_file.pixels[..., 0], [[255, 0], [255, 204]])
    np.testing.assert_array_equal(from_array.pixels, from_file.pixels)


def test_a_transparent_palette_entry_lies_on_white():
    palette = PIL.Image.fromarray(np.array([[0, 1]], dtype=np.uint8))
    palette.putpalette([*RED, *BLUE])

    image = read_image(encoded(palette, "PNG", transparency=1))
    gif = read_image(encoded(palette, "GIF", transparency=1))

    np.testing.assert_array_equal(image.pixels[0], [RED, (255, 255, 255)])
    np.testing.assert_array_equal(gif.pixels[0], [RED, (255, 255, 255)])


def test_a_transparent_color_lies_on_white():
    pixels = np.array([[RED, BLUE]], dtype=np.uint8)

    image = read_image(encoded(PIL.Image.fromarray(pixels), "PNG", transparency=BLUE))

    np.testing.assert_array_equal(image.pixels, [[RED, (255, 255, 255)]])


def test_sixteen_bit_gray_uses_the_whole_range():
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)

    png = read_image(encoded(PIL.Image.fromarray(values), "PNG"))
    tiff = read_image(encoded(PIL.Image.fromarray(values), "TIFF"))

    np.testing.assert_array_equal(png.pixels[0], [[v] * 3 for v in (0, 1, 128, 255)])
    np.testing.assert_array_equal(tiff.pixels, png.pixels)


def test_sixteen_bit_colors_keep_their_high_byte():
    values = np.array([[[65535, 0, 256], [0, 32768, 511]]], dtype=np.uint16)

    png = read_image(png_file(2, 1, 16, 2, [values.astype(">u2").tobytes()]))
    tiff = read_image(tiff_16_bit_rgb(values))

    np.testing.assert_array_equal(png.pixels, [[[255, 0, 1], [0, 128, 1]]])
    np.testing.assert_array_equal(tiff.pixels, png.pixels)


def cmyk_jpeg(adobe):
    """No ink at the left, full cyan at the right."""
    cyan = PIL.Image.fromarray(np.repeat([[0] * 16 + [255] * 16], 16, axis=0).astype(np.uint8))
    none = PIL.Image.new("L", (32, 16), 0)
    bands = [cyan, none, none, none]
    if not adobe:
        # The library inverts what it writes, as Adobe does; invert before, and cut the marker out.
        bands = [PIL.ImageChops.invert(band) for band in bands]
    content = encoded(PIL.Image.merge("CMYK", bands), "JPEG", quality=95, subsampling=0)
    start = content.index(b"\xff\xee")
    end = start + 2 + struct.unpack(">H", content[start + 2 : start + 4])[0]
    return content if adobe else content[:start] + content[end:]


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_is_read_with_and_without_the_inversion_of_adobe(adobe):
    image = read_image(cmyk_jpeg(adobe))

    assert np.abs(image.pixels[:, :12].astype(int) - 255).max() <= 4
    assert np.abs(image.pixels[:, 20:].astype(int) - [0, 255, 255]).max() <= 4


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_gives_its_first_frame(file_format):
    frames = [PIL.Image.new("RGB", (8, 6), color) for color in ("red", "lime", "blue")]
    options = {"lossless": True} if file_format == "WEBP" else {}

    image = read_image(
        encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    )

    assert image.size == (6, 8)
    np.testing.assert_array_equal(image.pixels[0, 0], RED)


def test_of_a_stereo_photo_the_first_picture_is_read():
    first, second = PIL.Image.new("RGB", (16, 16), "red"), PIL.Image.new("RGB", (16, 16), "blue")

    image = read_image(encoded(first, "MPO", save_all=True, append_images=[second]))

    assert image.pixels[0, 0, 0] > 250
    assert image.pixels[0, 0, 2] < 5


def exif_photo(size=(640, 480), orientation=1, **entries):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    numbers = {"focal_35mm": 0xA405, "focal_mm": 0x920A, "x_res": 0xA20E, "unit": 0xA210}
    numbers |= {"taken_width": 0xA002}
    exif.get_ifd(0x8769).update({numbers[name]: value for name, value in entries.items()})
    return encoded(PIL.Image.new("RGB", size), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("entries", "focal_px"),
    [
        ({"focal_35mm": 28}, 28 * 800 / 43.27),
        # 5 mm at 100 pixels a millimeter (1000 a centimeter).
        ({"focal_mm": 5.0, "x_res": 1000.0, "unit": 3}, 500),
        ({"focal_mm": 5.0, "x_res": 2540.0, "unit": 2}, 500),
        # The same photo, shrunk to a quarter since it was taken.
        ({"focal_mm": 5.0, "x_res": 4000.0, "unit": 3, "taken_width": 2560}, 500),
        ({"focal_35mm": 28, "focal_mm": 5.0, "x_res": 1.0, "unit": 3}, 28 * 800 / 43.27),
    ],
)
def test_the_focal_length_comes_from_the_photo(entries, focal_px):
    camera = read_image(exif_photo(**entries)).intrinsics

    assert camera.fx == camera.fy == pytest.approx(focal_px)
    assert (camera.cx, camera.cy) == (319.5, 239.5)
    assert (camera.height, camera.width, camera.source) == (480, 640, "exif")


def test_the_camera_is_turned_with_the_photo():
    camera = read_image(exif_photo(orientation=6, focal_35mm=28)).intrinsics

    assert (camera.height, camera.width) == (640, 480)
    assert (camera.cx, camera.cy) == (239.5, 319.5)
    assert camera.fx == pytest.approx(28 * 800 / 43.27)


@pytest.mark.parametrize(
    "entries",
    [
        {"focal_35mm": 0},
        {"focal_35mm": 60000},
        {"focal_35mm": 1},
        {"focal_mm": 5.0},
        {"focal_mm": 5.0, "x_res": 0.0, "unit": 3},
        {"focal_mm": 5.0, "x_res": 1000.0, "unit": 9},
    ],
)
def test_a_focal_length_that_makes_no_sense_is_not_known(entries):
    assert read_image(exif_photo(**entries)).intrinsics is None


def test_a_damaged_exif_block_is_a_reason_to_know_less_not_to_refuse():
    content = exif_photo(focal_35mm=28)
    start = content.index(b"Exif\0\0") + 6
    broken = content[:start] + b"\xff" * 20 + content[start + 20 :]

    image = read_image(broken)

    assert image.size == (480, 640)
    assert image.intrinsics is None


@pytest.mark.parametrize(
    ("max_side", "read"),
    [(3000, (600, 800)), (800, (600, 800)), (400, (300, 400)), (390, (300, 400)), (64, (75, 100))],
)
def test_a_large_jpeg_is_decoded_no_larger_than_it_will_be_looked_at(max_side, read):
    content = encoded(PIL.Image.fromarray(corners(600, 800)), "JPEG")

    image = read_image(content, max_side=max_side)

    assert image.size == read
    assert image.photo_size == (600, 800)
    assert (image.full_size is None) == (read == (600, 800))


def test_a_reduced_photo_is_turned_and_keeps_its_camera():
    content = exif_photo(size=(1600, 1200), orientation=6, focal_35mm=28)

    image = read_image(content, max_side=400)

    assert image.size == (400, 300)
    assert image.photo_size == (1600, 1200)
    full = read_image(content).intrinsics
    assert image.intrinsics.resized(1600, 1200).fx == pytest.approx(full.fx)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_file(60_000, 60_000, 1, 0, [b""]))

    with pytest.raises(InputError, match=r"bomb\.png: 60000x60000 is 3600 megapixels, the limit"):
        read_image(path)


def test_a_photo_of_a_hundred_megapixels_is_none():
    # Above the 89 megapixels at which the picture library warns, and warnings are errors here.
    content = png_file(10_000, 10_000, 1, 0, [b""])

    with open_picture(io.BytesIO(content), "large") as picture:
        assert picture.size == (10_000, 10_000)
    with pytest.raises(InputError, match="damaged PNG"):
        read_image(content)
    with pytest.raises(InputError, match="100 megapixels, the limit is 50"):
        read_image(content, max_pixels=50_000_000)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_file_is_refused_in_one_line(tmp_path, file_format, share):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    content = encoded(PIL.Image.fromarray(noise), file_format)
    path = tmp_path / "cut.img"
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(InputError, match=r"cut\.img: ") as caught:
        read_image(path)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\); expected a photo"),
        (b"<!DOCTYPE html><html>", r"is not a photo: starts with b'<!DOCTYPE ht'; expected JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not a photo"),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0",
            r"is a HEIC photo; pip install 'featherdepth\[heic\]', or convert it to JPEG"
            if find_spec("pillow_heif") is None
            else "damaged HEIC",
        ),
    ],
)
def test_what_is_no_photo_is_refused_with_what_was_found(tmp_path, content, message):
    path = tmp_path / "file.jpg"
    path.write_bytes(content)

    with pytest.raises(InputError, match=rf"file\.jpg: {message}"):
        read_image(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.jpg: cannot be read: No such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(InputError, match="is not a file"):
        read_image(tmp_path)
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        read_image("x" * 5000)
    with pytest.raises(InputError, match="cannot be read: embedded null byte"):
        read_image("a\0b")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 4, 3)), r"shape \(2, 3, 4, 3\)"),
        (np.zeros((3, 4, 2)), r"shape \(3, 4, 2\)"),
        (np.zeros((0, 4, 3)), "is not a photo"),
        (np.full((3, 4, 3), 128.0), "expected 0 to 1"),
        (np.full((3, 4, 3), np.nan), "expected 0 to 1"),
        (np.full((3, 4, 3), -0.1), "expected 0 to 1"),
        (np.zeros((3, 4, 3), dtype=np.int32), "int32 pixels have no known range"),
    ],
)
def test_an_array_that_is_no_photo_is_refused(array, message):
    with pytest.raises(InputError, match=message):
        read_image(array)


def test_gray_arrays_of_every_layout_become_rgb():
    gray = np.array([[0, 255]], dtype=np.uint8)

    swapped = (gray.astype(np.uint16) * 257).astype(">u2")

    for array in (gray, gray[..., None], gray > 0, gray / 255, swapped):
        np.testing.assert_array_equal(read_image(array).pixels, [[[0] * 3, [255] * 3]])


def test_numbers_without_a_range_are_refused():
    wide = PIL.Image.fromarray(np.array([[0, 70_000]], dtype=np.int32))
    bright = PIL.Image.fromarray(np.array([[0.0, 4.5]], dtype=np.float32))

    with pytest.raises(InputError, match="32-bit integers"):
        read_image(encoded(wide, "TIFF"))
    with pytest.raises(InputError, match="expected 0 to 1"):
        read_image(encoded(bright, "TIFF"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_may_miss_their_range_by_rounding(dtype):
    noisy = np.array([[[-1e-7, 0.5, 1 + 2e-7]], [[-9e-4, 1.0, 1.0009]]], dtype=dtype)

    np.testing.assert_array_equal(read_image(noisy).pixels, [[[0, 128, 255]], [[0, 255, 255]]])


def test_the_message_on_floats_tells_them_from_the_range():
    with pytest.raises(InputError, match=r"from 0 to 1\.00101; expected 0 to 1"):
        read_image(np.array([[0, 1.00101]]))


WHOLE = {
    file_format: encoded(PIL.Image.fromarray(corners()), file_format, **options)
    for file_format, options in {
        "PNG": {},
        "JPEG": {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"},
        "GIF": {},
        "BMP": {},
        "TIFF": {"compression": "tiff_lzw"},
        "WEBP": {},
        "PPM": {},
        "JPEG2000": {},
    }.items()
}


@given(
    file_format=st.sampled_from(sorted(WHOLE)),
    place=st.floats(0, 1, exclude_max=True),
    damage=st.binary(min_size=1, max_size=12),
    early=st.booleans(),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_read_or_refused_but_never_crashes(file_format, place, damage, early):
    content = bytearray(WHOLE[file_format])
    start = int(place * (min(len(content), 100) if early else len(content)))
    content[start : start + len(damage)] = damage

    try:
        image = read_image(bytes(content), max_pixels=1_000_000)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert image.pixels.dtype == np.uint8


def test_a_photo_of_a_phone_is_read_upright_with_its_camera(tmp_path):
    heif = pytest.importorskip("pillow_heif", reason="needs featherdepth[heic]")
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32] = (250, 20, 20)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif.get_ifd(0x8769)[0xA405] = 26  # focal length at 35 mm
    photo = heif.from_pillow(PIL.Image.fromarray(pixels))
    photo.save(tmp_path / "IMG_1.HEIC", quality=90, exif=exif.tobytes())

    image = read_image(tmp_path / "IMG_1.HEIC")

    assert image.size == (64, 48)
    assert image.pixels[5, 40].tolist() == pytest.approx([250, 20, 20], abs=12)
    assert image.pixels[5, 5].max() < 12
    assert image.intrinsics is not None
    assert image.intrinsics.source == "exif"
    (tmp_path / "cut.heic").write_bytes((tmp_path / "IMG_1.HEIC").read_bytes()[:300])
    with pytest.raises(InputError, match=r"cut\.heic: damaged HEIC: "):
        read_image(tmp_path / "cut.heic")


def tiff_gray(*tags):
    """A whole TIFF of 8x8 black pixels, with more tags (number, type, count, value)."""
    tags = sorted([*tags, *((n, 3, 1, v) for n, v in ((256, 8), (257, 8), (258, 8), (259, 1)))])
    tags += [(262, 3, 1, 1), (273, 4, 1, 0), (277, 3, 1, 1), (278, 3, 1, 8), (279, 4, 1, 64)]
    tags.sort()
    start = 8 + 2 + len(tags) * 12 + 4
    rows = [struct.pack("<HHII", n, t, c, start if n == 273 else v) for n, t, c, v in tags]
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags))
    return head + b"".join(rows) + bytes(4) + bytes(64)


@pytest.mark.parametrize("tag", [(254, 4, 1, 1), (50706, 1, 4, 0x401)], ids=["nef", "dng"])
def test_raw_files_are_not_taken_for_the_small_picture_in_front(tag):
    assert read_image(tiff_gray((254, 4, 1, 0))).size == (8, 8)
    with pytest.raises(InputError, match="raw file of a camera"):
        read_image(tiff_gray(tag))


def test_a_whole_tiff_of_an_unusual_kind_is_not_called_damaged():
    content = tiff_gray((339, 3, 1, 3))  # float, of 8 bits

    with pytest.raises(InputError, match="pixels of a kind that is not read; convert it"):
        read_image(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04", "a zip file; unpack"), (b"\x1f\x8b\x08", "decompress it")],
)
def test_archives_are_told_by_what_to_do_with_them(content, words):
    with pytest.raises(InputError, match=words):
        read_image(content + bytes(40))


def test_open_files_are_read(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(PIL.Image.fromarray(corners()), "PNG"))

    with path.open("rb") as file:
        assert np.array_equal(read_image(file).pixels, corners())
        assert np.array_equal(read_image(io.BytesIO(path.read_bytes())).pixels, corners())
    with pytest.raises(InputError, match=r"cannot be read: .*closed file"):
        read_image(file)
    with pytest.raises(InputError, match=r"is open as text; open it in binary"):
        read_image(io.StringIO("photo"))


def test_what_holds_no_photo_is_refused_with_what_does():
    # In a process of its own: here a check of types comes before.
    program = """
from featherdepth import read_image
from featherdepth.errors import InputError
for source in (None, 5, {}, object()):
    try:
        read_image(source)
    except InputError as error:
        print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    lines = said.stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["NoneType", "int", "dict", "object"]
    assert all("expected a path, bytes, an open binary file, a PIL" in line for line in lines)
