"""Frames on disk: `indoor/` and `outdoor/`, each a paired folder with its dataset.toml.

OUT/indoor/rgb/0000012.jpg, OUT/indoor/depth/0000012.png (16 bits, 0 = unknown). A frame counts as
written when both and its entry in `frames/` stand; every file appears whole or not at all.
"""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from featherdepth.errors import RunError

SCALES = {"indoor": 0.001, "outdoor": 1 / 256}  # meters of one code: up to 65 m and 255 m
QUALITY = 90


@dataclass(frozen=True, slots=True)
class Entry:
    """What dataset.toml says about one frame."""

    file: str
    size: tuple[int, int]  # width, height
    intrinsics: tuple[float, float, float, float]  # fx fy cx cy
    valid: float  # share of known depths


def frame_name(index: int) -> str:
    return f"{index:07d}"


def _put(path: Path, data: bytes) -> None:
    """Write a whole file or none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(data)
                file.close()
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        text = error.strerror or type(error).__name__
        raise RunError(
            f"{path}: cannot be written - {text} - free space or choose another OUT"
        ) from error


def _encoded(picture: Image.Image, form: str, **options: int) -> bytes:
    with tempfile.SpooledTemporaryFile(max_size=1 << 24) as file:
        picture.save(file, form, **options)
        file.seek(0)
        return file.read()


def is_written(out: Path, place: str, index: int) -> bool:
    """Whether this frame stands whole: its entry is written last."""
    name = frame_name(index)
    folder = out / place
    files = (folder / "rgb" / f"{name}.jpg", folder / "depth" / f"{name}.png")
    return (folder / "frames" / f"{name}.json").exists() and all(f.exists() for f in files)


def write_frame(
    out: Path,
    place: str,
    index: int,
    image: UInt8[np.ndarray, "h w 3"],
    depth: Float[np.ndarray, "h w"],
    intrinsics: tuple[float, float, float, float],
) -> None:
    """Store one frame; depth in meters, 0 = unknown.

    Raises:
        RunError: if the disk refuses.
    """
    name, folder, scale = frame_name(index), out / place, SCALES[place]
    codes = np.round(depth / scale)
    codes[(depth <= 0) | (codes > 65535)] = 0
    height, width = depth.shape
    entry = Entry(name, (width, height), intrinsics, round(float((codes > 0).mean()), 3))
    picture = Image.fromarray(image)
    _put(folder / "rgb" / f"{name}.jpg", _encoded(picture, "JPEG", quality=QUALITY))
    depth_picture = Image.fromarray(codes.astype(np.uint16))
    _put(folder / "depth" / f"{name}.png", _encoded(depth_picture, "PNG"))
    _put(folder / "frames" / f"{name}.json", json.dumps(asdict(entry)).encode())


def _table(place: str, entries: Iterable[Entry]) -> str:
    """dataset.toml of one folder, in the layout of the other paired folders."""
    scale = SCALES[place]
    listed = list(entries)
    lines = [
        f'name = "render_{place}"',
        'terms = "own renders"',
        'kind = "metric depth (z)"',
        'unit = "metre"',
        f"scale = {scale!r}   # value = code * scale; code 0 = unknown",
        f'place = "{place}, synthetic"',
        'alignment = "exact (rendered)"',
        f"count = {len(listed)}",
        'class = "A"',
        "held_out = false",
        "intrinsics = []   # differ from frame to frame: see there",
    ]
    for e in listed:
        numbers = ", ".join(f"{v:.4f}" for v in e.intrinsics)
        lines += [
            "",
            "[[frame]]",
            f'file = "{e.file}"',
            f"size = [{e.size[0]}, {e.size[1]}]",
            f"valid = {e.valid}",
            f"intrinsics = [{numbers}]",
        ]
    return "\n".join(lines) + "\n"


def write_tables(out: Path) -> dict[str, int]:
    """Write dataset.toml of each folder from all frames that stand; their counts by folder."""
    counts = {}
    for place in SCALES:
        folder = out / place
        entries = []
        for path in sorted((folder / "frames").glob("[0-9]*.json")):
            raw = json.loads(path.read_text(encoding="utf-8"))
            fx, fy, cx, cy = raw["intrinsics"]
            entries.append(Entry(raw["file"], tuple(raw["size"]), (fx, fy, cx, cy), raw["valid"]))
        if entries:
            _put(folder / "dataset.toml", _table(place, entries).encode())
        counts[place] = len(entries)
    return counts
