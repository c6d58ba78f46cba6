"""Samples in the wrong place: a sensor that is not registered well to the camera."""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from featherdepth.data.patterns.base import with_values
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.geometry.splat import nearest_wins, pixels_of
from featherdepth.types import Depth

LONGEST_PX = 1000.0


@dataclass(frozen=True, slots=True)
class Shift:
    """All samples are moved by LENGTH pixels in one random direction; the nearest wins a pixel."""

    length: float = field(metadata={"unit": "px"})

    def __post_init__(self) -> None:
        _check_length(self.length)

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        direction = rng.uniform(0, 2 * math.pi)
        row, column = np.nonzero(sparse.valid)
        rows = row + self.length * math.sin(direction)
        columns = column + self.length * math.cos(direction)
        return _at(sparse, rows, columns, sparse.values[sparse.valid].astype(np.float64))


@dataclass(frozen=True, slots=True)
class Jitter:
    """Each sample is moved by up to LENGTH pixels its own way; the nearest wins a pixel."""

    length: float = field(metadata={"unit": "px"})

    def __post_init__(self) -> None:
        _check_length(self.length)

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        row, column = np.nonzero(sparse.valid)
        direction = rng.uniform(0, 2 * math.pi, row.size)
        # The square root spreads the ends evenly over the disk.
        length = self.length * np.sqrt(rng.random(row.size))
        rows, columns = row + length * np.sin(direction), column + length * np.cos(direction)
        return _at(sparse, rows, columns, sparse.values[sparse.valid].astype(np.float64))


@dataclass(frozen=True, slots=True)
class Rotate:
    """The cloud of samples is turned by ANGLE degrees about a random axis through the camera.

    By the map's own camera; without one a vertical field of view of 60 degrees is assumed.
    """

    angle: float = field(metadata={"unit": "deg"})

    def __post_init__(self) -> None:
        if not 0 <= self.angle <= 45:
            raise ValueError(f"{self.angle:g} degrees; expected 0 to 45")

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        axis = rng.standard_normal(3)
        turn = rotation(axis / np.linalg.norm(axis), math.radians(self.angle))
        camera = sparse.intrinsics or assumed_intrinsics(*sparse.size)
        row, column = np.nonzero(sparse.valid)
        rays = [(column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy, np.ones(row.size)]
        x, y, z = turn @ (np.stack(rays) * sparse.values[sparse.valid])
        ahead = z > 0
        x, y, z = x[ahead], y[ahead], z[ahead]
        return _at(sparse, camera.cy + camera.fy * y / z, camera.cx + camera.fx * x / z, z)


def rotation(axis: Float[np.ndarray, " 3"], angle: float) -> Float[np.ndarray, "3 3"]:
    """The matrix that turns by `angle` radians about a unit `axis` (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turned: Float[np.ndarray, "3 3"] = (
        np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)
    )
    return turned


def _at(
    sparse: Depth,
    rows: Float[np.ndarray, " n"],
    columns: Float[np.ndarray, " n"],
    depth: Float[np.ndarray, " n"],
) -> Depth:
    row, column, inside = pixels_of(rows, columns, sparse.size)
    return with_values(
        sparse, nearest_wins(row[inside], column[inside], depth[inside], sparse.size)
    )


def _check_length(length: float) -> None:
    if not 0 <= length <= LONGEST_PX:
        raise ValueError(f"{length:g} px; expected 0 to {LONGEST_PX:g}")
