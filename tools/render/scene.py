"""A scene under construction (numpy, one at a time) and packed for the caster (torch, a batch)."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from tools.render.primitives import BOX, CONE, EDGES, ELLIPSOID, HEIGHT, PRISM
from torch import Tensor

GRID = 48  # nodes a side of every height field
LIGHTS = 4  # lights of a scene that cast sharp shadows; the rest is ambient
Color = tuple[float, float, float]
Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """How a surface looks: three linear colors that a texture of the bank mixes."""

    texture: int = 0
    colors: tuple[Color, Color, Color] = ((0.6, 0.6, 0.6), (0.5, 0.5, 0.5), (0.4, 0.4, 0.4))
    scale: float = 1.0  # meters a texture tile covers; with `fit`, repeats a face
    fit: bool = False  # stretch over the face instead of running in meters
    turn: bool = False  # texture rotated by 90 degrees
    gloss: float = 0.0
    glow: float = 0.0  # radiance of its own, times the color
    shadow: bool = True
    bump: float = 0.0

    def row(self, offset: tuple[float, float]) -> list[float]:
        """The 20 numbers the caster keeps for each primitive, in `FIELDS` order."""
        flat = [c for color in self.colors for c in color]
        flags = [float(self.fit), float(self.turn), self.gloss, self.glow, float(self.shadow)]
        return [*flat, self.texture, self.scale, *offset, *flags, self.bump]


FIELDS = {
    name: i
    for i, name in enumerate(
        ["texture", "scale", "du", "dv", "fit", "turn", "gloss", "glow", "shadow", "bump"], start=9
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A rectangle, ball or far sun: center, two half axes, the side it shines to (0 = all)."""

    center: Sequence[float]
    axes: tuple[Sequence[float], Sequence[float]]
    normal: Sequence[float]
    color: Color  # intensity: irradiance times squared distance

    def row(self) -> list[float]:
        return [*self.center, *self.axes[0], *self.axes[1], *self.normal, *self.color]


@dataclass(kw_only=True)
class Air:
    """What surrounds a scene: ambient light, haze and sky; linear colors."""

    ambient_up: Color = (0.3, 0.3, 0.3)  # arriving from above
    ambient_down: Color = (0.2, 0.2, 0.2)  # arriving from below
    zenith: Color = (0.25, 0.4, 0.8)
    horizon: Color = (0.7, 0.75, 0.85)
    clouds: float = 0.5
    cloud_texture: int = 0
    haze: float = 1e9  # meters to 1/e
    reach: float = 0.7  # length of the ambient rays, meters
    sun: tuple[float, float, float] = (0.0, 0.0, -1.0)  # direction to it; below the ground: none

    def row(self) -> list[float]:
        colors = [*self.ambient_up, *self.ambient_down, *self.zenith, *self.horizon]
        return [*colors, self.clouds, self.cloud_texture, self.haze, self.reach, *self.sun]


@dataclass(frozen=True, kw_only=True)
class View:
    """One candidate camera."""

    position: tuple[float, float, float]
    yaw: float
    pitch: float
    roll: float = 0.0


def turn_z(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def turn_x(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


# Local x, y, z of a prism whose outline lies in the named world plane.
PLANES = {
    "xy": np.eye(3),
    "xz": np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]),
    "yz": np.array([[0, 0, 1.0], [1.0, 0, 0], [0, 1.0, 0]]),
}


@dataclass
class Builder:
    """Collects primitives; `at` moves the origin for everything placed inside it."""

    rng: np.random.Generator
    poses: list[tuple[Array, Array]] = field(default_factory=lambda: [(np.eye(3), np.zeros(3))])
    kinds: list[int] = field(default_factory=list)
    frames: list[Array] = field(default_factory=list)  # 3 4: rotation | center
    halves: list[tuple[float, float, float]] = field(default_factory=list)
    extras: list[float] = field(default_factory=list)  # taper, or slot of outline / grid
    rows: list[list[float]] = field(default_factory=list)
    outlines: list[Array] = field(default_factory=list)
    grids: list[Array] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)
    air: Air = field(default_factory=Air)
    views: list[View] = field(default_factory=list)

    @contextmanager
    def at(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Iterator[None]:
        """Everything placed inside stands in a frame at (x, y, z) turned by `yaw`."""
        rotation, center = self.poses[-1]
        moved = rotation @ np.array([x, y, z]) + center
        self.poses.append((rotation @ turn_z(yaw), moved))
        yield
        self.poses.pop()

    def world(self, x: float, y: float, z: float) -> Array:
        rotation, center = self.poses[-1]
        point: Array = rotation @ np.array([x, y, z]) + center
        return point

    def _add(
        self,
        kind: int,
        center: Sequence[float],
        size: Sequence[float],
        material: Material,
        turn: Array | None,
        extra: float = 0.0,
    ) -> None:
        rotation, _ = self.poses[-1]
        local = rotation if turn is None else rotation @ turn
        place = self.world(*center)
        self.kinds.append(kind)
        self.frames.append(np.concatenate([local, place[:, None]], axis=1))
        self.halves.append((max(size[0], 1e-4) / 2, max(size[1], 1e-4) / 2, max(size[2], 1e-4) / 2))
        self.extras.append(extra)
        offset = self.rng.random(2)
        shift = (0.0, 0.0) if material.fit else (float(offset[0]), float(offset[1]))
        self.rows.append(material.row(shift))

    def box(
        self,
        center: Sequence[float],
        size: Sequence[float],
        material: Material,
        turn: Array | None = None,
    ) -> None:
        """Cuboid by center and full size in meters."""
        self._add(BOX, center, size, material, turn)

    def on(self, x: float, y: float, z: float, size: Sequence[float], material: Material) -> None:
        """Cuboid standing with its bottom center at (x, y, z)."""
        self._add(BOX, (x, y, z + size[2] / 2), size, material, None)

    def ball(
        self,
        center: Sequence[float],
        size: Sequence[float],
        material: Material,
        turn: Array | None = None,
    ) -> None:
        """Ellipsoid by center and full size."""
        self._add(ELLIPSOID, center, size, material, turn)

    def cone(
        self,
        bottom: Sequence[float],
        radius: float,
        height: float,
        material: Material,
        top: float | None = None,
    ) -> None:
        """Upright cylinder, or cone with another radius at the `top`."""
        upper = radius if top is None else top
        center = (bottom[0], bottom[1], bottom[2] + height / 2)
        if upper <= radius:
            size = (2 * radius, 2 * radius, height)
            self._add(CONE, center, size, material, None, upper / radius)
        else:  # the unit cone narrows upward: stand it on its head
            size = (2 * upper, 2 * upper, height)
            self._add(CONE, center, size, material, turn_x(math.pi), radius / upper)

    def bar(
        self, start: Sequence[float], end: Sequence[float], radius: float, material: Material
    ) -> None:
        """Round bar between two points."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        length = float(np.linalg.norm(b - a))
        axis = (b - a) / max(length, 1e-6)
        side = np.cross(axis, [1.0, 0, 0] if abs(axis[0]) < 0.9 else [0, 1.0, 0])
        side /= np.linalg.norm(side)
        turn = np.stack([side, np.cross(axis, side), axis], axis=1)
        middle = ((a + b) / 2).tolist()
        self._add(CONE, middle, (2 * radius, 2 * radius, length), material, turn, 1.0)

    def prism(
        self,
        outline: Sequence[tuple[float, float]],
        depth: float,
        center: Sequence[float],
        material: Material,
        plane: str = "xz",
    ) -> None:
        """Outline in meters in a world plane, extruded by `depth` both ways around `center`."""
        points = np.asarray(outline, float)
        if not 3 <= len(points) <= EDGES:
            raise ValueError(f"an outline has 3 to {EDGES} corners, not {len(points)}")
        low, high = points.min(0), points.max(0)
        half, middle = (high - low) / 2, (high + low) / 2
        unit = (points - middle) / half
        unit = np.concatenate([unit, np.repeat(unit[-1:], EDGES - len(unit), axis=0)])
        turn = PLANES[plane]
        shifted = np.asarray(center, float) + turn @ np.array([*middle, 0.0])
        self.outlines.append(unit)
        size = (2 * half[0], 2 * half[1], depth)
        slot = float(len(self.outlines) - 1)
        self._add(PRISM, shifted.tolist(), size, material, turn, slot)

    def height(
        self, center: Sequence[float], size: Sequence[float], grid: Array, material: Material
    ) -> None:
        """Height field in a box; `grid` holds GRID x GRID heights in [-1, 1] of it."""
        if grid.shape != (GRID, GRID):
            raise ValueError(f"a height field has {GRID}x{GRID} nodes, not {grid.shape}")
        self.grids.append(grid)
        self._add(HEIGHT, center, size, material, None, float(len(self.grids) - 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenes:
    """A batch of scenes, padded to the same number of primitives."""

    to_unit: Float[Tensor, "b n 3 4"]  # world to the primitive's unit space
    half: Float[Tensor, "b n 3"]  # meters of half the unit cube
    kind: Int[Tensor, "b n"]
    extra: Float[Tensor, "b n"]
    material: Float[Tensor, "b n 19"]
    present: Bool[Tensor, "b n"]
    outline: Float[Tensor, "k e 2"]
    grid: Float[Tensor, "k g g"]
    light: Float[Tensor, "b l 15"]
    air: Float[Tensor, "b 19"]

    def field(self, name: str) -> Float[Tensor, "b n"]:
        return self.material[..., FIELDS[name]]

    def casters(self) -> "Scenes":
        """The same scenes without what throws no shadow (window panes, lamp shades)."""
        return replace(self, present=self.present & (self.field("shadow") > 0.5))


def pack(builders: Sequence[Builder], device: torch.device) -> Scenes:
    """Stack built scenes on a device. Slots of outlines and grids are renumbered batch-wide."""
    count = max(len(b.kinds) for b in builders)
    size = len(builders)
    to_unit = np.zeros((size, count, 3, 4), np.float32)
    half = np.ones((size, count, 3), np.float32)
    kind, extra = np.zeros((size, count), np.int64), np.zeros((size, count), np.float32)
    material = np.zeros((size, count, 9 + len(FIELDS)), np.float32)
    light = np.zeros((size, LIGHTS, 15), np.float32)
    present = np.zeros((size, count), bool)
    outlines, grids = [np.zeros((EDGES, 2))], [np.zeros((GRID, GRID))]
    for i, b in enumerate(builders):
        n = len(b.kinds)
        frames, halves = np.stack(b.frames), np.asarray(b.halves)
        inverse = frames[:, :, :3].transpose(0, 2, 1) / halves[:, :, None]
        to_unit[i, :n, :, :3] = inverse
        to_unit[i, :n, :, 3] = -(inverse @ frames[:, :, 3:])[:, :, 0]
        half[i, :n], kind[i, :n] = halves, b.kinds
        slots = np.asarray(b.extras)
        slots = np.where(kind[i, :n] == PRISM, slots + len(outlines), slots)
        extra[i, :n] = np.where(kind[i, :n] == HEIGHT, slots + len(grids), slots)
        material[i, :n] = b.rows
        present[i, :n] = True
        outlines += b.outlines
        grids += b.grids
        for j, lamp in enumerate(b.lights[:LIGHTS]):
            light[i, j] = lamp.row()
    air = np.asarray([b.air.row() for b in builders], np.float32)

    def send(values: Array) -> Tensor:
        return torch.from_numpy(values).to(device)

    return Scenes(
        to_unit=send(to_unit),
        half=send(half),
        kind=send(kind),
        extra=send(extra),
        material=send(material),
        present=send(present),
        outline=send(np.stack(outlines).astype(np.float32)),
        grid=send(np.stack(grids).astype(np.float32)),
        light=send(light),
        air=send(air),
    )
