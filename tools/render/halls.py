"""Larger insides: corridors, shop aisles, open-plan offices and class rooms, halls with columns."""

import numpy as np
from tools.render import clutter, fixtures, furniture, seats
from tools.render.materials import Palette
from tools.render.scene import Builder, Light, View
from tools.render.shell import build_wall, decorate, four_walls


def _shell(
    s: Builder, p: Palette, w: float, d: float, h: float, windows: float, doors: float
) -> None:
    r = s.rng
    paint, trim = p.paint(), p.white() if r.random() < 0.5 else p.some_wood()
    s.on(0, 0, -0.1, (w + 0.3, d + 0.3, 0.1), p.floor(wet=r.random() < 0.4))
    s.on(0, 0, h, (w + 0.3, d + 0.3, 0.1), p.ceiling())
    for wall in four_walls(r, w, d, h, windows, doors):
        build_wall(s, p, wall, h, paint, trim)
        decorate(s, p, wall)


def _ceiling_lights(s: Builder, p: Palette, w: float, d: float, h: float, rows: int) -> None:
    """Strips in rows; four lamps at most throw shadows, each for its part of the hall."""
    n = max(2, int(d / 2.5))
    glow = p.glowing(5.0)
    for k in range(n):
        for row in range(rows):
            x = (row + 0.5) / rows * w - w / 2
            s.on(x, (k + 0.5) / n * d - d / 2, h - 0.03, (0.3, 1.2, 0.03), glow)
    power = float(s.rng.uniform(0.5, 1.2)) * w * d * 0.05
    for y in np.linspace(-0.38, 0.38, max(1, 4 - len(s.lights))) * d:
        s.lights.append(
            Light(
                center=(0, float(y), h - 0.1),
                axes=([w * 0.3, 0, 0], [0, d * 0.1, 0]),
                normal=(0, 0, -1),
                color=(power, power * 0.97, power * 0.9),
            )
        )


def corridor(s: Builder, p: Palette) -> tuple[float, float, float]:
    r = s.rng
    w, d, h = float(r.uniform(1.4, 2.8)), float(r.uniform(7, 24)), float(r.uniform(2.4, 3.2))
    _shell(s, p, w, d, h, 0.3, 1.6)
    for _ in range(int(r.integers(0, 7))):
        side = float(r.choice([-1, 1]))
        with s.at(side * (w / 2 - 0.02), float(r.uniform(-0.48, 0.48)) * d, 0, side * np.pi / 2):
            clutter.one_of(
                s,
                p,
                furniture.chest,
                seats.chair,
                furniture.cartons,
                fixtures.radiator,
                fixtures.person,
            )
    _ceiling_lights(s, p, w, d, h, 1)
    return w, d, h


def aisles(s: Builder, p: Palette) -> tuple[float, float, float]:
    """Shop or library: long shelves side by side."""
    r = s.rng
    w, d, h = float(r.uniform(5, 10)), float(r.uniform(7, 16)), float(r.uniform(2.8, 4.5))
    _shell(s, p, w, d, h, 0.1, 0.3)
    rows = max(2, round(w / 2.1))
    tall, boards = float(r.uniform(1.5, 2.4)), int(r.integers(3, 6))
    frame = p.metal() if r.random() < 0.5 else p.some_wood()
    long = d - 2.5
    for k in range(rows):
        x = (k + 0.5) / rows * w - w / 2
        s.on(x, 0, 0, (0.04, long, tall), frame)
        step = tall / boards
        for b in range(boards + 1):
            s.on(x, 0, b * step, (0.62, long, 0.03), frame)
        for side in (-1, 1):
            for b in range(boards):
                y = -long / 2
                while y < long / 2 - 0.3:
                    part = float(r.uniform(0.5, 2.4))
                    part = min(part, long / 2 - y)
                    goods = p.books() if r.random() < 0.6 else p.label()
                    depth, high = float(r.uniform(0.15, 0.27)), step * float(r.uniform(0.5, 0.9))
                    if r.random() < 0.92:
                        with s.at(x + side * (0.02 + depth / 2), y + part / 2, b * step + 0.03):
                            s.on(0, 0, 0, (depth, part - 0.02, high), goods)
                    y += part
    _ceiling_lights(s, p, w, d, h, rows)
    return w, d, h


def desks(s: Builder, p: Palette) -> tuple[float, float, float]:
    """Open-plan office, class room, canteen or meeting room."""
    r = s.rng
    w, d, h = float(r.uniform(5, 9)), float(r.uniform(6, 13)), float(r.uniform(2.6, 3.4))
    _shell(s, p, w, d, h, 0.9, 0.5)
    wood, seat, kind = p.some_wood(), p.cloth(), r.random()
    nx, ny = max(1, int(w / 2.6)), max(1, int(d / 2.4))
    for i in range(nx):
        for j in range(ny):
            x, y = (i + 0.5) / nx * w - w / 2, (j + 0.5) / ny * d - d / 2
            with s.at(x, y, 0, float(r.normal(0, 0.03))):
                s.on(0, 0, 0.71, (1.4, 0.7, 0.03), wood)
                with s.at(0, -0.35):
                    seats.legs(s, 1.4, 0.7, 0.71, 0.05, wood)
                if kind < 0.5 and r.random() < 0.7:
                    with s.at(0, 0.15, 0.74, float(r.normal(0, 0.2))):
                        clutter.monitor(s, p)
                for side in (-1, 1):
                    if r.random() < 0.7:
                        with s.at(float(r.normal(0, 0.2)), side * 0.75, 0, np.pi * (side > 0)):
                            seats.chair(s, p, wood, seat)
                with s.at(0, 0, 0.74):
                    clutter.scatter(s, p, 1.3, 0.6, 0, int(r.integers(0, 3)))
    _ceiling_lights(s, p, w, d, h, nx)
    return w, d, h


def columns(s: Builder, p: Palette) -> tuple[float, float, float]:
    """Warehouse, lobby or arcade: columns, stacks, people."""
    r = s.rng
    w, d, h = float(r.uniform(8, 16)), float(r.uniform(10, 28)), float(r.uniform(3.2, 7))
    _shell(s, p, w, d, h, 0.8, 0.6)
    stone = p.paint() if r.random() < 0.5 else p.stone()
    n, thick, round_ = int(d / 4.5), float(r.uniform(0.25, 0.7)), r.random() < 0.5
    for k in range(n):
        for side in (-1, 1):
            x, y = side * w * 0.27, (k + 0.5) / n * d - d / 2
            if round_:
                s.cone((x, y, 0), thick / 2, h, stone)
            else:
                s.on(x, y, 0, (thick, thick, h), stone)
            s.on(x, y, 0, (thick * 1.4, thick * 1.4, 0.2), stone)
    if r.random() < 0.6:
        for y in np.linspace(-0.45, 0.45, n) * d:
            s.on(0, float(y), h - 0.45, (w, 0.3, 0.45), stone)
    for _ in range(int(r.integers(4, 22))):
        with s.at(
            float(r.uniform(-0.45, 0.45)) * w,
            float(r.uniform(-0.48, 0.48)) * d,
            0,
            float(r.uniform(0, 6.28)),
        ):
            clutter.one_of(
                s,
                p,
                furniture.cartons,
                seats.sofa,
                fixtures.person,
                furniture.low_table,
                seats.chair,
                clutter.plant,
                furniture.cartons,
            )
    _ceiling_lights(s, p, w, d, h, 3)
    return w, d, h


def build_hall(s: Builder, p: Palette) -> None:
    """One of the above, with cameras at eye level that mostly look along it."""
    r = s.rng
    kinds = (corridor, aisles, desks, columns)
    w, d, h = kinds[int(r.choice(4, p=[0.3, 0.22, 0.3, 0.18]))](s, p)
    for _ in range(10):
        x, y = float(r.uniform(-0.4, 0.4)) * w, float(r.uniform(-0.46, 0.46)) * d
        ahead = 0.0 if y < 0 else np.pi
        s.views.append(
            View(
                position=(x, y, float(np.clip(r.normal(1.45, 0.2), 0.9, h - 0.3))),
                yaw=float(ahead + r.normal(0, 0.35)),
                pitch=float(np.radians(np.clip(r.normal(-6, 7), -30, 15))),
                roll=float(np.radians(r.normal(0, 1.5))),
            )
        )
