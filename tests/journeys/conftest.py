"""A folder of photos in every shape that people have, and some that are broken."""

import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("FEATHERDEPTH_DATA", ROOT.parent / "shared" / "data"))
SHIPPED_PHOTOS = ROOT / "docs" / "photos"


@pytest.fixture(scope="session")
def photographs() -> list[PIL.Image.Image]:
    """Photos that may be shipped; noise where they are not at hand."""
    for folder in (SHIPPED_PHOTOS, DATA / "shippable"):
        if found := sorted(folder.glob("*.jpg")):
            return [PIL.Image.open(path).convert("RGB") for path in found[:12]]
    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 256, (12, 30, 40, 3), dtype=np.uint8)
    return [PIL.Image.fromarray(a).resize((320, 240)) for a in arrays]


def _odd_ones(folder: Path, photo: PIL.Image.Image) -> None:
    """Twenty files that readers trip over."""
    grey, pixels = photo.convert("L"), np.asarray(photo)
    photo.convert("CMYK").save(folder / "cmyk.jpg")
    photo.save(folder / "progressive.jpg", progressive=True, quality=80)
    grey.save(folder / "grey.jpg")
    photo.convert("P").save(folder / "palette.png")
    alpha = photo.copy()
    alpha.putalpha(grey)
    alpha.save(folder / "alpha.png")
    alpha.save(folder / "alpha.webp")
    grey.convert("LA").save(folder / "grey_alpha.png")
    grey.convert("1").save(folder / "bilevel.png")
    PIL.Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(folder / "sixteen.png")
    PIL.Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(folder / "sixteen.tif")
    photo.save(folder / "lossless.bmp")
    photo.save(folder / "packed.tif", compression="tiff_lzw")
    photo.save(folder / "portable.ppm")
    frames = [photo.rotate(10 * i) for i in range(3)]
    photo.convert("P").save(folder / "animated.gif", save_all=True, append_images=frames)
    photo.save(folder / "animated.webp", save_all=True, append_images=frames)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    photo.save(folder / "turned.jpg", exif=exif)
    PIL.Image.fromarray(pixels[:1, :1]).save(folder / "one_pixel.png")
    photo.resize((2500, 100)).save(folder / "panorama.jpg")
    photo.resize((60, 900)).save(folder / "tower.jpg")
    photo.resize((1600, 1200)).save(folder / "large.jpg")
    shutil.copy(folder / "progressive.jpg", folder / "wrong_suffix.png")


def _broken_ones(folder: Path, photo: PIL.Image.Image) -> list[str]:
    """Ten files that are no photo."""
    photo.save(folder / "x.jpg")
    photo.save(folder / "x.png")
    jpeg, png = ((folder / f"x.{s}").read_bytes() for s in ("jpg", "png"))
    for suffix in ("jpg", "png"):
        (folder / f"x.{suffix}").unlink()
    bomb = bytearray(png[:33])
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bomb[12:29]))
    files = {
        "empty.jpg": b"",
        "text.jpg": b"<html>404 not found</html>",
        "half.jpg": jpeg[: len(jpeg) // 3],
        "half.png": png[: len(png) // 2],
        "header.png": png[:20],
        "zeros.png": bytes(4096),
        "bomb.png": bytes(bomb) + png[33:],
        "flipped.png": png[:200] + bytes(b ^ 0xFF for b in png[200:400]) + png[400:],
        "noise.webp": b"RIFF\x00\x10\x00\x00WEBPVP8 " + bytes(range(256)),
        "cut.gif": b"GIF89a\x10",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return sorted(files)


@pytest.fixture(scope="session")
def mixed(
    tmp_path_factory: pytest.TempPathFactory, photographs: list[PIL.Image.Image]
) -> tuple[Path, list[str]]:
    """100 photos in three folders, and the names of the 10 that are broken."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "trips" / "north").mkdir(parents=True)
    (folder / "odd").mkdir()
    (folder / "bad").mkdir()
    _odd_ones(folder / "odd", photographs[0])
    broken = _broken_ones(folder / "bad", photographs[0])
    text = PngInfo()
    text.add_text("comment", "x" * 1000)
    place = 0
    while sum(p.is_file() for p in folder.rglob("*")) < 100:
        photo = photographs[place % len(photographs)]
        width, height = photo.size
        edge = 96 + 8 * (place % 9)  # small ones, so that the journey is short
        small = photo.resize((edge * width // height, edge))
        target = folder / ("trips", "trips/north")[place % 2] / f"photo {place:02d} ä.jpg"
        small.save(target.with_suffix((".jpg", ".png", ".webp")[place % 3]), pnginfo=text)
        place += 1
    (folder / "notes.md").write_text("no photo")
    (folder / ".hidden.jpg").write_bytes(b"")
    return folder, broken
