"""What a depth file says about itself, as JSON beside it (and inside a PNG)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from featherdepth.errors import InputError
from featherdepth.geometry.span import span_of
from featherdepth.types import Alignment, Depth, DepthKind, Image, Intrinsics, Provenance

SCHEMA = "featherdepth-depth-1"
SIDECAR = ".json"
COLORS = ".color.png"
MAPS = (".png", ".npy", ".ply")
"""Of the map beside whose sidecar its colors lie."""
TEXT_KEY = "featherdepth"
"""Under this key a PNG of depth or of its colors holds its own sidecar."""
HEAD = 64
"""Bytes of a PNG in which its first text begins."""


def sidecar_path(path: Path) -> Path:
    """Return where the sidecar of a depth file lies: `room.png` has `room.png.json`."""
    return path.with_name(path.name + SIDECAR)


def is_result(picture: Path) -> bool:
    """Whether a file was written as depth, as its colors, or as what stands beside either.

    A sidecar of ours says so; colors may lie there alone after a kill, and say it themselves.
    """
    if picture.name.endswith(SIDECAR):
        return _is_ours(picture)
    names = [picture.name]
    if picture.name.endswith(COLORS):
        if says_so(picture):
            return True
        stem = picture.name.removesuffix(COLORS)
        names += [stem + suffix for suffix in MAPS]
    return any(_is_ours(sidecar_path(picture.with_name(name))) for name in names)


def _is_ours(sidecar: Path) -> bool:
    try:
        parse(sidecar.read_text(encoding="utf-8"), sidecar.name)
    except (OSError, ValueError, InputError):  # none, or another program's
        return False
    return True


def says_so(picture: Path) -> bool:
    """Whether a PNG of depth or of its colors was written here, as its own text has it."""
    try:
        with picture.open("rb") as file:
            return f"tEXt{TEXT_KEY}\0".encode() in file.read(HEAD)
    except OSError:
        return False


def describe(
    depth: Depth,
    encoding: Mapping[str, Any],
    *,
    image: Image | None = None,
    alignment: Alignment | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the sidecar of a depth map that is stored with `encoding`.

    Args:
        image: the photo, for its name and size.
        alignment: the fit that made the map metric, where one did.
        extra: more entries, merged into those of the same name.
    """
    made = depth.provenance
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": depth.kind.value,
        "unit": depth.unit,
        "larger_is": depth.larger_is,
        "height": depth.size[0],
        "width": depth.size[1],
        "encoding": dict(encoding),
        "stats": _stats(depth),
        "intrinsics": asdict(depth.intrinsics) if depth.intrinsics else None,
        "alignment": asdict(alignment) if alignment else None,
        "model": {"id": made.model, "sha256": made.sha256},
        "runtime": {
            "backend": made.backend,
            "precision": made.precision,
            "size": list(made.input_size) if made.input_size else None,
        },
        "package_version": made.version,
    }
    if image is not None:
        height, width = image.photo_size
        document["source"] = {"name": image.name, "height": height, "width": width}
    for key, value in (extra or {}).items():
        both = isinstance(value, Mapping) and isinstance(document.get(key), dict)
        document[key] = {**document[key], **value} if both else value
    return document


def to_text(document: Mapping[str, Any]) -> str:
    """Write a sidecar as JSON that every parser takes: no NaN, sorted keys."""
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n"


def parse(text: str, name: str) -> dict[str, Any]:
    """Read the text of a sidecar.

    Raises:
        InputError: not JSON, or not ours.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: is not JSON: {error}; expected a depth sidecar") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f"{name}: is not a depth sidecar; expected schema {SCHEMA!r}")
    return document


def facts_of(
    document: Mapping[str, Any], size: tuple[int, int], name: str
) -> tuple[DepthKind, Intrinsics | None, Provenance]:
    """Return what a sidecar tells of a map of `size` beyond its numbers.

    Raises:
        InputError: an entry that is missing, of the wrong type, or does not fit the map.
    """
    try:
        kind = DepthKind(document["kind"])
        camera = document.get("intrinsics")
        intrinsics = Intrinsics(**camera) if camera else None
        model, run = document.get("model") or {}, document.get("runtime") or {}
        provenance = Provenance(
            model=model.get("id", ""),
            sha256=model.get("sha256", ""),
            backend=run.get("backend", ""),
            precision=run.get("precision", ""),
            version=document.get("package_version", ""),
            input_size=(run["size"][0], run["size"][1]) if run.get("size") else None,
        )
    except (AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{name}: damaged sidecar: {error!r}; write the file again") from error
    if intrinsics and (intrinsics.height, intrinsics.width) != size:
        raise InputError(
            f"{name}: intrinsics are of {intrinsics.height}x{intrinsics.width} but the map is"
            f" {size[0]}x{size[1]}; expected the same size"
        )
    return kind, intrinsics, provenance


def _stats(depth: Depth) -> dict[str, float | None]:
    share = float(depth.valid.mean()) if depth.valid.size else 0.0
    if not depth.valid.any():
        return {"min": None, "max": None, "p02": None, "p98": None, "valid_fraction": share}
    known = depth.known
    low, high = span_of(known)
    numbers = {"min": known.min(), "max": known.max(), "p02": low, "p98": high}
    # Seven digits are all that float32 has.
    rounded = {key: float(f"{v:.7g}") for key, v in numbers.items()}
    return {**rounded, "valid_fraction": round(share, 6)}
