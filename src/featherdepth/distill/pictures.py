"""Small pictures of held-out photos: the photo, the student before and after, and the teacher."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
from jaxtyping import Float32, UInt8
from torch import nn

from featherdepth.distill.agreement import HeldOut, Rows, infer
from featherdepth.geometry.resize import resize_pixels
from featherdepth.images.atomic import make_folder, write_atomic
from featherdepth.images.colormap import colorize
from featherdepth.types import Depth, DepthKind

FOLDER = "report"
SAMPLES, WORST = 6, 4
"""Photos shown of all kinds, and of those with the least agreement."""
EDGE = 256
"""Longer edge, in pixels."""


def write_pictures(
    run: Path,
    held: Sequence[HeldOut],
    after: Rows,
    kind: DepthKind,
    students: tuple[nn.Module, nn.Module],
) -> list[dict[str, str]]:
    """Write JPEGs into the folder of a run.

    Args:
        after: agreement of the photos, of which the worst are shown too.
        students: before and after.

    Returns:
        One row a photo: its `key`, `role` (sample or worst) and the names of its pictures,
        relative to the run.

    Raises:
        RunError: the folder cannot be written.
    """
    make_folder(run / FOLDER)
    rows = []
    for number, (index, role) in enumerate(_choose(after), 1):
        photo = held[index]
        shown = {"photo": photo.rgb.transpose(1, 2, 0)}
        for name, student in zip(("before", "after"), students, strict=True):
            shown[name] = _painted(infer(student, photo.pixels, photo.key), kind)
        shown["teacher"] = _painted(photo.map, kind)
        row = {"key": photo.key, "role": role}
        for name, pixels in shown.items():
            row[name] = f"{FOLDER}/{number:04}-{name}.jpg"
            write_atomic(run / row[name], _jpeg(pixels))
        rows.append(row)
    return rows


def _choose(after: Rows) -> list[tuple[int, str]]:
    """Photos from the best to the worst agreement in even steps, then the very worst."""
    order = np.argsort(after[:, 0], kind="stable")
    rest, worst = order[:-WORST], order[-WORST:][::-1]
    steps = np.linspace(0, len(rest) - 1, min(SAMPLES, len(rest))).round().astype(int)
    return [(int(rest[i]), "sample") for i in steps] + [(int(i), "worst") for i in worst]


def _painted(values: Float32[np.ndarray, "h w"], kind: DepthKind) -> UInt8[np.ndarray, "h w 3"]:
    return colorize(Depth(values=values, valid=np.ones(values.shape, np.bool_), kind=kind))


def _jpeg(pixels: UInt8[np.ndarray, "h w 3"]) -> bytes:
    height, width = pixels.shape[:2]
    factor = EDGE / max(height, width)
    small = resize_pixels(pixels, (max(1, round(height * factor)), max(1, round(width * factor))))
    stream = io.BytesIO()
    PIL.Image.fromarray(small).save(stream, "JPEG", quality=88)
    return stream.getvalue()
