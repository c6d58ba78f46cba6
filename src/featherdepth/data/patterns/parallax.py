"""A scanner beside the camera: what it sees past edges lands on the foreground."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32

from featherdepth.data.patterns.base import known, with_values
from featherdepth.data.patterns.fill import fill_with_far
from featherdepth.data.patterns.lidar import YAW_RAD, check_scan, spread
from featherdepth.geometry.splat import nearest_wins, pixels_of
from featherdepth.types import Depth, Image

CANVAS = 1.5
"""Size of the scanner's picture, in that of the map: it sees some of what the camera does not."""
SLACK = 0.02
"""Share by which a sample may be nearer than the truth: it was moved to whole pixels twice."""


@dataclass(frozen=True, slots=True)
class LidarParallax:
    """A scanner of LINES lines beside the camera, with what it sees through edges (for training).

    Depth is taken in units of its median: 0.03 to 0.06 to one side, up to 0.02 up or down. Camera,
    angles and columns (400 to 1000) are drawn anew each time. The scanner's view is the map moved
    there; what opens behind edges is filled with background. Samples before the true depth are
    left out (2 % are allowed), so that what differs is background seen through an edge. After
    OMNI-DC's training; the filling is our own.
    """

    lines: int

    def __post_init__(self) -> None:
        check_scan(self.lines, 1)

    def draw(self, truth: Depth, rng: np.random.Generator, image: Image | None) -> Depth:  # noqa: ARG002
        usable = known(truth)
        unit = float(np.median(truth.values[usable]))
        height, width = truth.size
        focal = rng.uniform(1.5, 2) * height
        cx, cy = rng.uniform(-0.5, 1.5) * width, rng.uniform(0.5, 0.7) * height
        aside = rng.uniform(0.03, 0.06) * (-1, 1)[int(rng.integers(2))]
        above = rng.uniform(-0.02, 0.02)
        down = spread(-rng.uniform(0.15, 0.20), rng.uniform(0.25, 0.30), self.lines)
        across = spread(-YAW_RAD, YAW_RAD, int(rng.integers(400, 1001)))
        # A point z metres away moves by step / z pixels between the two views.
        step = (focal * unit * above, focal * unit * aside)
        rows = (focal * np.tan(down)[:, None] / np.cos(across)[None, :] + cy).ravel()
        columns = (np.tile(focal * np.tan(across) + cx, self.lines)).ravel()
        view = seen_from_beside(truth.values, usable, step)
        depth, rows, columns = _sampled(view, rows, columns, truth.size)
        row, column, inside = pixels_of(
            rows + step[0] / depth, columns + step[1] / depth, truth.size
        )
        values = nearest_wins(row[inside], column[inside], depth[inside], truth.size)
        not_before = values >= truth.values * np.float32(1 - SLACK)
        return with_values(truth, np.where(usable & not_before, values, 0.0))


def seen_from_beside(
    values: Float32[np.ndarray, "h w"],
    usable: Bool[np.ndarray, "h w"],
    step: tuple[float, float],
) -> Float32[np.ndarray, "H W"]:
    """The map from a place beside the camera, without holes, on a larger canvas around it.

    Args:
        step: rows and columns times metres; a pixel at z moves by -step / z.
    """
    height, width = values.shape
    top, left = _margins((height, width))
    row, column = np.nonzero(usable)
    depth = values[usable].astype(np.float64)
    size = (height + 2 * top, width + 2 * left)
    to_row, to_column, inside = pixels_of(
        row - step[0] / depth + top, column - step[1] / depth + left, size
    )
    moved = nearest_wins(to_row[inside], to_column[inside], depth[inside], size)
    return fill_with_far(moved.astype(np.float32), moved > 0)


def _sampled(
    view: Float32[np.ndarray, "h w"],
    rows: Float[np.ndarray, " n"],
    columns: Float[np.ndarray, " n"],
    size: tuple[int, int],
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Depth, row and column, in pixels of the map, of the shots that hit the canvas."""
    top, left = _margins(size)
    row, column, inside = pixels_of(rows + top, columns + left, view.shape)
    depth = view[row, column].astype(np.float64)
    hit = inside & (depth > 0)
    # The sample belongs to the middle of its pixel, as the depth that was moved there did.
    return depth[hit], row[hit] - float(top), column[hit] - float(left)


def _margins(size: tuple[int, int]) -> tuple[int, int]:
    height, width = size
    return round(height * (CANVAS - 1) / 2), round(width * (CANVAS - 1) / 2)
