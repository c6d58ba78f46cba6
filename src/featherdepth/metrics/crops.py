"""The part of a picture that is scored, by name.

Fractions are of the height and width, truncated to whole pixels; ends are exclusive.
"""

from collections.abc import Callable
from typing import Literal

from featherdepth.errors import InputError
from featherdepth.geometry.parts import Box
from featherdepth.geometry.resize import Size

Crop = Literal["usable", "none", "garg", "eigen", "kb", "kb-garg", "kb-eigen", "half-228x304"]

GARG = (0.40810811, 0.99189189, 0.03594771, 0.96405229)
"""Rows from, to; columns from, to. Garg et al. 2016, for KITTI."""
EIGEN = (0.3324324, 0.91351351, 0.0359477, 0.96405229)
"""Eigen et al. 2014, for KITTI."""
KB = (352, 1216)
"""Of the KITTI depth benchmark: the lowest rows, centered columns."""
HALF = (240, 320)


def crop_box(crop: Crop, size: Size, usable: Box | None = None) -> Box:
    """The box of a crop in a picture of `size`.

    Args:
        usable: the part that shows the scene, for the crop of that name; None is the whole picture.

    Raises:
        InputError: a picture that is smaller than the crop needs.
    """
    if crop == "usable" and usable is not None:
        return usable
    whole = (0, 0, *size)
    return _BOXES[crop](whole)


def _fraction(rows_columns: tuple[float, float, float, float], frame: Box) -> Box:
    top, left, height, width = frame
    first, last, start, stop = rows_columns
    rows = int(first * height), int(last * height)
    columns = int(start * width), int(stop * width)
    return (top + rows[0], left + columns[0], rows[1] - rows[0], columns[1] - columns[0])


def _benchmark(frame: Box) -> Box:
    _, _, height, width = frame
    if height < KB[0] or width < KB[1]:
        raise InputError(
            f"{width}x{height} pixels; the crop of the KITTI benchmark needs {KB[1]}x{KB[0]} or"
            " more: use the stored size of the data set"
        )
    return (height - KB[0], (width - KB[1]) // 2, *KB)


def _half_center(frame: Box) -> Box:
    _, _, height, width = frame
    if (height, width) != HALF:
        raise InputError(f"{width}x{height} pixels; this crop is of {HALF[1]}x{HALF[0]}")
    return (6, 8, 228, 304)


_BOXES: dict[Crop, Callable[[Box], Box]] = {
    "usable": lambda frame: frame,
    "none": lambda frame: frame,
    "garg": lambda frame: _fraction(GARG, frame),
    "eigen": lambda frame: _fraction(EIGEN, frame),
    "kb": _benchmark,
    # Fractions of the benchmark's crop, not of the picture: other pixels.
    "kb-garg": lambda frame: _fraction(GARG, _benchmark(frame)),
    "kb-eigen": lambda frame: _fraction(EIGEN, _benchmark(frame)),
    "half-228x304": _half_center,
}
