"""Depth files back to `Depth`: what `save` wrote, and 16-bit PNGs of others whose scale is told."""

import math
import tokenize
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt16

from featherdepth.errors import InputError, UsageError
from featherdepth.images.decoder import DECODE_FAULTS, MAX_PIXELS, damaged, open_picture
from featherdepth.images.encoding import Encoding, decode
from featherdepth.images.sidecar import TEXT_KEY, facts_of, parse, sidecar_path
from featherdepth.types import Depth, DepthKind

NPY_FAULTS = (OSError, OverflowError, SyntaxError, TypeError, ValueError, tokenize.TokenError)
"""What NumPy raises on a damaged header, or one that claims more than the file holds."""


def read_depth(
    path: str | Path, *, scale: float | int | None = None, kind: DepthKind | None = None
) -> Depth:
    """Read a depth map from a 16-bit PNG or a float .npy file.

    Files of `save` explain themselves (by the PNG's own text, else by the sidecar). For others,
    say what the numbers are.

    Args:
        path: .png or .npy.
        scale: of a PNG without a sidecar: meters = stored / scale (1000 for millimeters, 256 for
            KITTI); 0 is invalid.
        kind: of a .npy without a sidecar; 0 and what is not finite is invalid.

    Raises:
        InputError: missing, damaged, of another layout, or with nothing that says what it holds.
        UsageError: `scale` or `kind` where they do not apply, or a scale that is none.
    """
    path = Path(path)
    if scale is not None and not 0 < scale < math.inf:
        raise UsageError(f"scale {scale:g}; expected a number above 0, such as 1000")
    if not path.is_file():
        raise InputError(f"{path}: not found; expected a depth map as .png or .npy")
    suffix = path.suffix.lower()
    if suffix == ".png" and kind is None:
        return _read_png(path, scale)
    if suffix == ".npy" and scale is None:
        return _read_npy(path, kind)
    if suffix in (".png", ".npy"):
        raise UsageError(f"{path}: a .png takes a scale, a .npy takes a kind")
    raise InputError(f"{path}: {suffix!r} is not read as depth; expected .png or .npy")


def _read_png(path: Path, scale: float | int | None) -> Depth:
    stored, text = _png_content(path)
    document = parse(text, str(path)) if text else _sidecar(path)
    if document is None:
        if scale is None:
            raise InputError(
                f"{path}: has no sidecar that says what its numbers are; expected a scale, such as"
                " 1000 for millimeters"
            )
        values, valid = decode(stored, Encoding(scale=float(scale)))
        return Depth(values=values, valid=valid, kind=DepthKind.METRIC)
    if scale is not None:
        raise UsageError(f"{path}: says itself what its numbers are; leave the scale out")
    try:
        values, valid = decode(stored, Encoding.from_json(document.get("encoding") or {}))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return _depth(values, valid, document, path)


def _png_content(path: Path) -> tuple[UInt16[np.ndarray, "h w"], str | None]:
    try:
        with path.open("rb") as stream, open_picture(stream, str(path), ["PNG"]) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise InputError(f"{path}: {width}x{height} pixels is more than {MAX_PIXELS:,}")
            picture.load()
            text = picture.info.get(TEXT_KEY)
            mode, integers = picture.mode, np.asarray(picture)
    except InputError:
        raise
    except DECODE_FAULTS as fault:
        raise damaged(str(path), "PNG", fault) from fault
    # Some versions of Pillow hand out 16-bit files as 32-bit integers.
    if mode != "I" and not mode.startswith("I;16"):
        raise InputError(f"{path}: holds a {mode} picture, not depth; expected 16-bit gray")
    return integers.astype(np.uint16), text if isinstance(text, str) else None


def _read_npy(path: Path, kind: DepthKind | None) -> Depth:
    try:
        # Mapped first: a header that claims more than the file holds costs no memory. Archives and
        # pickles, which `np.load` would open as well, are no array here.
        mapped = np.lib.format.open_memmap(path, mode="r")
    except NPY_FAULTS as error:
        raise InputError(f"{path}: damaged .npy: {error}; expected float32 (h, w)") from error
    if mapped.ndim != 2 or not np.issubdtype(mapped.dtype, np.floating):
        raise InputError(f"{path}: holds {mapped.dtype} {mapped.shape}; expected float32 (h, w)")
    with np.errstate(over="ignore"):  # beyond float32 is infinite: not known, and no error
        values = np.array(mapped, dtype=np.float32)
    valid = np.isfinite(values)
    values[~valid] = 0
    document = _sidecar(path)
    if document is not None and kind is not None:
        raise UsageError(f"{path}: has a sidecar that names its kind; leave the kind out")
    if document is not None:
        return _depth(values, valid, document, path)
    if kind is not None:
        return Depth(values=values, valid=valid & (values != 0), kind=kind)
    raise InputError(f"{path}: has no sidecar {sidecar_path(path).name}; expected a kind")


def _sidecar(path: Path) -> dict[str, Any] | None:
    beside = sidecar_path(path)
    try:
        return parse(beside.read_text(encoding="utf-8"), str(beside))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{beside}: cannot be read: {error}; expected a sidecar") from error


def _depth(values: Any, valid: Any, document: dict[str, Any], path: Path) -> Depth:
    kind, intrinsics, provenance = facts_of(document, values.shape, str(path))
    return Depth(
        values=values, valid=valid, kind=kind, intrinsics=intrinsics, provenance=provenance
    )
