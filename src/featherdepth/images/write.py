"""A depth map to files: raw data first, pictures on request."""

import io
import logging
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from featherdepth.errors import UsageError
from featherdepth.geometry.camera import Range
from featherdepth.images.atomic import write_atomic, write_together
from featherdepth.images.cloud import AFFINE_NOTE, EDGE_JUMP, ply_bytes
from featherdepth.images.colormap import colorize
from featherdepth.images.encoding import encode
from featherdepth.images.png import png_bytes
from featherdepth.images.sidecar import COLORS, TEXT_KEY, describe, sidecar_path, to_text
from featherdepth.types import Alignment, Depth, Image, MadeMetric, depth_of

logger = logging.getLogger(__name__)

SUFFIXES = {
    "png16": (".png",),
    "npy": (".npy",),
    "ply": (".ply",),
    "color": (".jpg", ".jpeg", ".webp", ".png"),
}
"""Formats and the names their files may have; the first format with a suffix is its default."""


def output_path(stem: PurePath, file_format: str) -> Path:
    """Name the file that `save` should write for `stem`: room.png, room.npy, room.color.png.

    Raises:
        UsageError: an unknown format.
    """
    _check_format(file_format)
    ending = COLORS if file_format == "color" else SUFFIXES[file_format][0]
    return Path(stem.with_name(stem.name + ending))


def save(
    depth: Depth | MadeMetric,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  # the word that PIL and numpy users type
    image: Image | None = None,
    near_far: Range | None = None,
    cmap: str = "Spectral_r",
    legend: bool = True,
    side_by_side: bool = False,
    edge_jump: float | int = EDGE_JUMP,
    alignment: Alignment | None = None,
    extra: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write a depth map, whole or not at all, in the format of the suffix.

    png16: 16-bit integers, 0 invalid; millimeters (or 1/256 m past 65 m) for metric depth, the
    range of the map for the others; everything needed to read it back is in the PNG and in the
    sidecar beside it. npy: float32, NaN where invalid, with a sidecar. ply: a point cloud with a
    sidecar. color: a picture for people (.color.png, other .png with `format="color"`; either says
    inside of what it is).

    Args:
        depth: a map; or what `align` or `complete` returned, whose fit is then noted as well.
        path: its folder exists.
        format: png16, npy, ply or color.
        image: the photo: colors of a cloud, left half of a picture, name and size in the sidecar.
        near_far: range that a cloud of an affine kind is stretched to; see `points`.
        cmap, legend, side_by_side: of a color picture; see `colorize`.
        edge_jump: of a cloud; see `ply_bytes`.
        alignment: the fit that made the map metric, noted in the sidecar.
        extra: more entries of the sidecar.

    Returns:
        The files written, the data first.

    Raises:
        UsageError: no depth map; an unknown format or suffix, or one that does not fit the other.
        InputError: a cloud of an affine kind without `near_far`.
        RunError: the file cannot be written; one line.
    """
    path = Path(path)
    file_format = _format_of(path, format)
    if isinstance(depth, MadeMetric):
        alignment = alignment or depth.alignment
    depth = depth_of(depth)

    def sidecar_of(encoding: Mapping[str, Any]) -> bytes:
        facts = describe(depth, encoding, image=image, alignment=alignment, extra=extra)
        return to_text(facts).encode()

    if file_format == "color":
        photo = image if side_by_side else None
        pixels = colorize(depth, cmap=cmap, legend=legend, side_by_side=photo)
        said = sidecar_of({"format": "color"}).decode()
        write_atomic(path, picture_bytes(pixels, path.suffix.lower(), said))
        return [path]
    if file_format == "png16":
        integers, encoding = encode(depth)
        if encoding.clipped:
            logger.warning("%s: %d pixels beyond 256 m stored as 256 m", path, encoding.clipped)
        sidecar = sidecar_of(encoding.to_json())
        content = png_bytes(integers, {TEXT_KEY: sidecar.decode()})
    elif file_format == "npy":
        sidecar = sidecar_of({"format": "npy", "invalid": "nan"})
        content = _npy_bytes(depth)
    else:
        note = {"note": AFFINE_NOTE, "near_far": list(near_far)} if near_far else {}
        sidecar = sidecar_of({"format": "ply", "edge_jump": edge_jump, **note})
        content = ply_bytes(depth, image, near_far=near_far, edge_jump=edge_jump)
    write_together({path: content, sidecar_path(path): sidecar})
    return [path, sidecar_path(path)]


def _npy_bytes(depth: Depth) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.where(depth.valid, depth.values, np.float32(np.nan)))
    return buffer.getvalue()


def picture_bytes(pixels: UInt8[np.ndarray, "h w 3"], suffix: str, said: str = "color") -> bytes:
    """A picture as the file of a suffix of the format color.

    Args:
        said: what a PNG holds as its text.
    """
    if suffix == ".png":
        return png_bytes(pixels, {TEXT_KEY: said})
    buffer = io.BytesIO()
    picture_format = "webp" if suffix == ".webp" else "jpeg"
    PIL.Image.fromarray(pixels).save(buffer, picture_format, quality=92)
    return buffer.getvalue()


def _format_of(path: Path, file_format: str | None) -> str:
    suffix = path.suffix.lower()
    if file_format is None:
        if path.name.endswith(COLORS):
            return "color"
        for known, suffixes in SUFFIXES.items():
            if suffix in suffixes:
                return known
        every = sorted({suffix for suffixes in SUFFIXES.values() for suffix in suffixes})
        raise UsageError(f"{path}: unknown suffix {suffix!r}; expected {', '.join(every)}")
    _check_format(file_format)
    if suffix not in SUFFIXES[file_format]:
        raise UsageError(
            f"{path}: suffix {suffix!r} does not fit format {file_format};"
            f" expected {', '.join(SUFFIXES[file_format])}"
        )
    return file_format


def _check_format(file_format: str) -> None:
    if file_format not in SUFFIXES:
        raise UsageError(f"unknown format {file_format!r}; known: {', '.join(SUFFIXES)}")
