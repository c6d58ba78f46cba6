"""The one place where the picture library opens files."""

import io
import struct
import zlib
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import PIL.Image
import PIL.ImageFile

from featherdepth.errors import InputError

Stream = io.BufferedReader | io.BytesIO
MAX_PIXELS = 200_000_000
"""The largest phone sensors have 200 megapixels; more is taken for a decompression bomb."""

PLUGINS = {
    "JPEG": "JpegImagePlugin",  # MPO too
    "PNG": "PngImagePlugin",
    "WEBP": "WebPImagePlugin",
    "TIFF": "TiffImagePlugin",
    "BMP": "BmpImagePlugin",
    "GIF": "GifImagePlugin",
    "PPM": "PpmImagePlugin",
    "JPEG2000": "Jpeg2KImagePlugin",
    "AVIF": "AvifImagePlugin",
    "HEIC": "pillow_heif",  # an extra
}
"""What is read, most frequent first; others start programs (EPS) or hold no photos."""
ARCHIVES = {
    b"PK\x03\x04": "a zip file; unpack it, or let `featherdepth shard` make tars of it",
    b"\x1f\x8b": "a file compressed by gzip; decompress it, then name the file inside",
}
"""What else is named where photos are expected, and what to do then."""
HEIC_BRANDS = frozenset(b"heic heix heim heis hevc hevx mif1 msf1".split())

NEW_SUBFILE_TYPE, DNG_VERSION, CANON = 254, 50706, b"CR"
"""Tags of TIFF, and what stands behind the header of Canon's raw files."""
UNKNOWN_MODE = "unknown pixel mode"
"""In what the picture library says of a whole TIFF that it has no decoder for."""

DECODE_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    PIL.Image.DecompressionBombError,
    Warning,  # where warnings are errors
)
"""What decoders raise on damaged files (found by feeding them damaged files)."""


def open_picture(
    stream: Stream, shown: str, formats: Iterable[str] = tuple(PLUGINS)
) -> PIL.ImageFile.ImageFile:
    """Find the format by the first bytes and read the header.

    Not by `PIL.Image.open`: its limit of pixels is one global number that warns at 89 megapixels,
    and warnings cannot be silenced safely while other threads read.

    Raises:
        InputError: empty, of another format, or damaged.
    """
    start = stream.read(16)
    if not start:
        raise InputError(f"{shown}: is empty (0 bytes); expected a photo")
    for picture_format in formats:
        try:
            factory, accept = _opener(picture_format)
        except ImportError:  # AVIF came with Pillow 11.3
            continue
        if accept is None or accept(start) is not True:
            continue
        stream.seek(0)
        try:
            opened: PIL.ImageFile.ImageFile = factory(stream, "")
        except DECODE_FAULTS as fault:
            if UNKNOWN_MODE in str(fault):
                raise InputError(
                    f"{shown}: a {picture_format} with pixels of a kind that is not read; convert"
                    " it to 8 or 16 bits a channel"
                ) from fault
            raise damaged(shown, picture_format, fault) from fault
        if picture_format == "TIFF" and _is_raw(opened, start):
            raise InputError(
                f"{shown}: is a raw file of a camera (DNG, NEF, CR2 ...), whose photo is not"
                " developed yet; export it as JPEG, PNG or TIFF"
            )
        return opened
    if _is_heic(start):
        raise InputError(
            f"{shown}: is a HEIC photo; pip install 'featherdepth[heic]', or convert it to JPEG"
        )
    for magic, advice in ARCHIVES.items():
        if start.startswith(magic):
            raise InputError(f"{shown}: is not a photo but {advice}")
    raise InputError(
        f"{shown}: is not a photo: starts with {start[:12]!r}; expected {', '.join(formats)}"
    )


def _is_raw(picture: PIL.ImageFile.ImageFile, start: bytes) -> bool:
    """Whether the first picture of a TIFF is the small copy that cameras put before their photo."""
    tags: Any = getattr(picture, "tag_v2", {})
    reduced = tags.get(NEW_SUBFILE_TYPE, 0)
    is_reduced = isinstance(reduced, int) and bool(reduced & 1)
    return is_reduced or DNG_VERSION in tags or start[8:10] == CANON


def _opener(picture_format: str) -> tuple[Any, Any]:
    """What opens a format, and what knows it by its first bytes.

    Raises:
        ImportError: it is not installed.
    """
    if picture_format == "HEIC":  # asked directly: nothing is registered for all of the process
        return import_module(PLUGINS[picture_format]).HeifImageFile, _is_heic
    import_module(f"PIL.{PLUGINS[picture_format]}")
    return PIL.Image.OPEN[picture_format]


def _is_heic(start: bytes) -> bool:
    return start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS


def damaged(shown: str, picture_format: str, fault: BaseException) -> InputError:
    """Say in one line that a file cannot be decoded."""
    reason = " ".join(str(fault).split()) or type(fault).__name__
    return InputError(f"{shown}: damaged {picture_format}: {reason}; expected a whole file")
