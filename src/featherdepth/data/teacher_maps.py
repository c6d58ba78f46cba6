"""Maps of a teacher on disk: made once, read in every epoch.

    cache.json                       whose maps these are, and the size it was asked for
    maps/<k[:2]>/<k>.safetensors     one map a photo; k is the photo's key
    packs/<unit>.tar                 the same files, those of many photos in one (data/packs.py)

A map is that of a whole photo, raw as the teacher gave it (no shift, no crop), so that any crop
can be cut from it. Stored are float16 numbers and one float32 scale, a power of two:

    value = stored * scale,   2^14 <= max |stored| <= 2^15

which keeps a relative precision of 2^-11 down to 2^-29 of the largest value and reaches as far as
float32 does. Files are written beside their place and renamed: a kill leaves whole files only, and
two processes that write the same map leave one of two equal ones. Reading runs no code; a file
that is torn, or of another teacher, size or photo, counts as absent and is written anew.
"""

import hashlib
import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Float32, UInt8
from safetensors import SafetensorError
from safetensors.numpy import load, save

from featherdepth.data.packs import PackIndex
from featherdepth.data.teacher_cards import (
    ABOUT,
    FORMAT,
    TeacherCard,
    check_empty,
    check_same,
    read_about,
    stated,
)
from featherdepth.errors import InputError
from featherdepth.geometry.resize import Size
from featherdepth.images.atomic import make_folder, remove_partials, write_atomic, write_json

MAPS = "maps"
PACKS = "packs"
SUFFIX = ".safetensors"
TENSOR = "map"
LARGEST_HEADER = 1 << 16
"""Ours have some 300 bytes; a longer one is not ours."""


@dataclass(frozen=True, slots=True)
class Refused:
    """In place of a map: this photo's was of no use, and why."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a cache holds."""

    maps: int
    """Files, those of refused maps among them."""
    size_bytes: int

    @property
    def bytes_per_map(self) -> float:
        """0 for an empty cache."""
        return self.size_bytes / max(1, self.maps)


def photo_key(pixels: UInt8[np.ndarray, "h w 3"]) -> str:
    """The key of a photo: sha256 of its upright pixels, decoded at full size, and of their shape.

    Not of its file: what the teacher sees is all that a map depends on. So a photo keeps its map
    when it moves, is packed into a zip or a tar, or loses its EXIF comment; and every reader of
    this package gives pixels, while not every one has a file for each photo.
    """
    digest = hashlib.sha256(f"rgb8 {pixels.shape[0]}x{pixels.shape[1]}\n".encode())
    digest.update(np.ascontiguousarray(pixels).reshape(-1).data)
    return digest.hexdigest()


class MapCache:
    """The maps of one teacher, asked for one size. Any number of threads and processes may share
    a folder; maps may be added while others read.
    """

    def __init__(self, folder: Path, card: TeacherCard, size: int | Size | None) -> None:
        """Use `open`, which checks the folder."""
        self.folder = folder
        self.card = card
        self.size = size
        self._packed: PackIndex | None = None

    @property
    def packs(self) -> Path:
        """The folder of packs."""
        return self.folder / PACKS

    @classmethod
    def open(cls, folder: Path, card: TeacherCard, size: int | Size | None = None) -> "MapCache":
        """Open a cache, or begin one in a folder that is new or empty.

        Args:
            size: what the teacher is asked for (`Teacher.input_size`); None is its own.

        Raises:
            RunError: a cache of another teacher, kind or size, a folder that holds something
                else, or one that cannot be written.
        """
        about = stated(card, size)
        path = folder / ABOUT
        if not path.exists():
            check_empty(folder, (MAPS, PACKS))
            make_folder(folder)
            write_json(path, about)
        # Also what was just written: another process may have come first with another teacher.
        check_same(path, about)
        return cls(folder, card, size)

    @classmethod
    def existing(cls, folder: Path) -> "MapCache":
        """The cache that lies in a folder, whoever its teacher is.

        Raises:
            InputError: there is none, or it is damaged.
        """
        card, size = read_about(folder)
        return cls(folder, card, size)

    def read(self, key: str) -> Float32[np.ndarray, "h w"] | Refused:
        """The map of a photo: finite, of the size at which the teacher gave it.

        Raises:
            InputError: there is none that is whole.
        """
        found = self.find(key)
        if found is None:
            raise InputError(
                f"{self._path(key)}: no whole map of this photo by {self.card.name}; label it again"
            )
        return found

    def find(self, key: str) -> Float32[np.ndarray, "h w"] | Refused | None:
        """`read`, with None where there is no whole map.

        Packs that were not there when it was first asked are not seen.
        """
        found = self.find_file(key)
        if found is None:
            if self._packed is None:
                self._packed = PackIndex(self.packs, SUFFIX)
            for content in self._packed.contents(key):
                found = found or self._parsed(key, content)
        return found

    def find_file(self, key: str) -> Float32[np.ndarray, "h w"] | Refused | None:
        """`find`, among the maps that have a file of their own."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        return self._parsed(key, content)

    def write(self, key: str, values: Float32[np.ndarray, "h w"]) -> None:
        """Store a map; an older one is replaced.

        Raises:
            ValueError: it is empty or not finite everywhere (see `refuse`).
            RunError: it cannot be written; nothing of it is left.
        """
        if values.size == 0 or not np.isfinite(values).all():
            raise ValueError(f"a map of {values.shape} that is empty, or not finite everywhere")
        self._write(key, self.encode(key, values))

    def refuse(self, key: str, reason: str) -> None:
        """Store that a photo's map is of no use, so that nobody computes it again.

        Raises:
            RunError: as `write`.
        """
        self._write(key, self.encode_refusal(key, reason))

    def encode(self, key: str, values: Float32[np.ndarray, "h w"]) -> bytes:
        """The file of a map, finite everywhere."""
        stored, scale = to_half(values)
        said = {"crc32": _checksum(stored, scale), "scale": scale}
        return self._encoded(key, said, {TENSOR: stored})

    def encode_refusal(self, key: str, reason: str) -> bytes:
        """The file that stands for a map of no use."""
        return self._encoded(key, {"refused": reason}, {})

    def usage(self) -> Usage:
        """Count maps and bytes; looks at every file."""
        sizes = [path.stat().st_size for path in (self.folder / MAPS).glob(f"*/*{SUFFIX}")]
        packed = PackIndex(self.packs, SUFFIX)
        return Usage(maps=len(sizes) + len(packed), size_bytes=sum(sizes) + packed.size_bytes)

    def tidy(self) -> None:
        """Remove what killed processes left half-written."""
        for folder in (self.folder, *(self.folder / MAPS).glob("*")):
            remove_partials(folder)

    def _path(self, key: str) -> Path:
        return self.folder / MAPS / key[:2] / f"{key}{SUFFIX}"

    def _identity(self, key: str) -> dict[str, Any]:
        size = list(self.size) if isinstance(self.size, tuple) else self.size
        return {"format": FORMAT, "photo": key, "size": size, "teacher": self.card.digest}

    def _parsed(self, key: str, content: bytes) -> Float32[np.ndarray, "h w"] | Refused | None:
        try:
            said = _header(content)
            if any(said.get(name) != value for name, value in self._identity(key).items()):
                return None
            if "refused" in said:
                return Refused(str(said["refused"]))
            stored = load(content)[TENSOR]
            scale = float(said["scale"])
            if stored.dtype != np.float16 or stored.ndim != 2:
                return None
            if _checksum(stored, scale) != said["crc32"]:
                return None
            return stored.astype(np.float32) * np.float32(scale)
        except (ValueError, LookupError, TypeError, struct.error, SafetensorError):
            return None  # torn, or not one of ours

    def _encoded(
        self, key: str, said: Mapping[str, Any], tensors: dict[str, Float16[np.ndarray, "h w"]]
    ) -> bytes:
        # One entry: safetensors writes several in an order that changes from run to run.
        text = json.dumps({**self._identity(key), **said}, sort_keys=True)
        return save(tensors, metadata={"featherdepth": text})

    def _write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        make_folder(path.parent)
        write_atomic(path, content)


def to_half(
    values: Float32[np.ndarray, "h w"],
) -> tuple[Float16[np.ndarray, "h w"], float]:
    """Finite values as float16 and the power of two that they were divided by."""
    peak = float(np.abs(values).max())
    exponent = max(math.frexp(peak)[1] - 15, -126) if peak > 0 else 0
    scale = 2.0**exponent
    return (values / np.float32(scale)).astype(np.float16), scale


def _header(content: bytes) -> dict[str, Any]:
    (length,) = struct.unpack_from("<Q", content)
    if length > LARGEST_HEADER:
        raise ValueError("not a header of ours")
    header = json.loads(content[8 : 8 + length])
    said: dict[str, Any] = json.loads(header["__metadata__"]["featherdepth"])
    return said


def _checksum(stored: Float16[np.ndarray, "h w"], scale: float) -> int:
    text = f"{stored.shape} {scale!r}".encode()
    return zlib.crc32(np.ascontiguousarray(stored).reshape(-1).data, zlib.crc32(text))
