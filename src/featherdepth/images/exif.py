"""What the camera wrote into the photo: which way is up, and the focal length.

Wrong or unreadable entries count as absent: they are a reason to know less, not to refuse a photo.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image

from featherdepth.geometry.camera import FULL_FRAME_DIAGONAL_MM

ORIENTATION = 0x0112
EXIF_FOLDER = 0x8769
FOCAL_MM = 0x920A
FOCAL_35MM = 0xA405
PLANE_X_RESOLUTION = 0xA20E
PLANE_RESOLUTION_UNIT = 0xA210
PIXEL_WIDTH = 0xA002
MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}

EXIF_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    Warning,
)


_TURN = PIL.Image.Transpose
_TURNS = {
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_90,
}
"""By the code of EXIF; angles of Pillow run counter-clockwise."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """How the stored picture must be turned to stand upright."""

    code: int = 1
    """As in EXIF: 1 is upright, 3 upside down, 6 needs a quarter turn clockwise; 2, 4, 5, 7 are
    mirrored."""

    def upright(self, picture: PIL.Image.Image) -> PIL.Image.Image:
        """Return the picture the way the photographer saw it."""
        turn = _TURNS.get(self.code)
        return picture if turn is None else picture.transpose(turn)

    def turned(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the upright (height, width) of a picture stored with `size`."""
        return size[::-1] if self.code >= 5 else size


def read_orientation(picture: PIL.Image.Image) -> Orientation:
    """Read the orientation of a loaded picture (TIFF files are turned by loading them)."""
    try:
        code = int(picture.getexif().get(ORIENTATION, 1))
    except EXIF_FAULTS:
        return Orientation()
    return Orientation(code) if 1 <= code <= 8 else Orientation()


def read_focal_px(picture: PIL.Image.Image, full_width: int) -> float | None:
    """Read the focal length in pixels of the loaded picture, or None where it is not known.

    From the 35 mm equivalent; else from millimeters and the resolution of the sensor.

    Args:
        picture: decoded, perhaps at a reduced size.
        full_width: stored width of the photo.
    """
    try:
        entries: dict[int, Any] = dict(picture.getexif().get_ifd(EXIF_FOLDER))
        width, height = picture.size
        focal_px = _from_35mm(entries, float(np.hypot(width, height)))
        if focal_px is None:
            focal_px = _from_sensor(entries, full_width, width)
    except EXIF_FAULTS:
        return None
    # 0.1 is a field of view of 157 degrees, 30 one of 2: beyond lies a wrong entry.
    plausible = focal_px is not None and 0.1 <= focal_px / max(picture.size) <= 30
    return focal_px if plausible else None


def _from_35mm(entries: dict[int, Any], diagonal_px: float) -> float | None:
    focal_35mm = float(entries.get(FOCAL_35MM) or 0)  # 0 is written for "unknown"
    return focal_35mm * diagonal_px / FULL_FRAME_DIAGONAL_MM if focal_35mm > 0 else None


def _from_sensor(entries: dict[int, Any], full_width: int, width: int) -> float | None:
    focal_mm = float(entries.get(FOCAL_MM) or 0)
    pixels_per_unit = float(entries.get(PLANE_X_RESOLUTION) or 0)
    mm_per_unit = MM_PER_UNIT.get(int(entries.get(PLANE_RESOLUTION_UNIT, 2)), 0.0)
    if focal_mm <= 0 or pixels_per_unit <= 0 or mm_per_unit <= 0:
        return None
    # The resolution counts pixels of the picture as taken; it may have been resized since.
    taken_width = int(entries.get(PIXEL_WIDTH) or full_width)
    return focal_mm * pixels_per_unit / mm_per_unit * width / taken_width
