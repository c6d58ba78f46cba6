"""Furniture. Each piece stands with its back on y = 0, centered in x, and reaches towards +y.

Every function returns the width and depth of its footprint in meters.
"""

import math

import numpy as np
from tools.render import clutter
from tools.render.materials import Palette
from tools.render.scene import GRID, Builder, turn_x, turn_z
from tools.render.seats import Footprint, chair, legs, office_chair


def rumpled(rng: np.random.Generator, rough: float) -> np.ndarray:
    """Heights in [-1, 1] of a blanket: raised in the middle, falling at the edge, with folds."""
    n = np.arange(GRID) / (GRID - 1) * 2 - 1
    x, y = np.meshgrid(n, n)
    edge = np.clip((1 - np.maximum(np.abs(x), np.abs(y))) * 12, 0, 1)
    folds = np.zeros((GRID, GRID))
    for _ in range(7):
        a, f = rng.uniform(0, 6.28), rng.uniform(2, 9)
        folds += np.sin(f * (x * math.cos(a) + y * math.sin(a)) + rng.uniform(0, 6.28)) / f
    return np.asarray(np.clip(-1 + edge**0.5 * (1.55 + rough * folds), -1, 1))


def bed(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    w, d, h = r.choice([0.95, 1.4, 1.6, 1.9]), r.uniform(1.95, 2.15), r.uniform(0.4, 0.6)
    wood, cover, sheet = p.some_wood(), p.cloth(), p.cloth() if r.random() < 0.4 else p.white()
    s.on(0, d / 2, 0.1, (w, d, h * 0.5), wood if r.random() < 0.6 else cover)
    s.on(0, d / 2 + 0.03, h * 0.4, (w - 0.02, d - 0.08, h * 0.5), sheet)
    if r.random() < 0.8:
        high = h + r.uniform(0.2, 0.75)
        s.on(
            0,
            0.03,
            0,
            (w + r.uniform(0, 0.2), 0.06, high),
            p.face(wood, "panels", "wood", "fabric"),
        )
    if r.random() < 0.35:
        s.on(0, d - 0.02, 0, (w, 0.05, h + r.uniform(-0.1, 0.3)), wood)
    # The blanket hangs over the sides; its grid is a soft, creased hill.
    back = r.uniform(0.3, 0.6)
    thick = r.uniform(0.08, 0.2)
    over = r.uniform(0.0, 0.08)
    s.height(
        (0, (d + back) / 2 + over / 2, h * 0.86 + thick / 2),
        (w + over, d - back + over, thick),
        rumpled(r, r.uniform(0.05, 0.5)),
        cover,
    )
    if r.random() < 0.6:
        s.on(0, (d + back) / 2, h * 0.25, (w + over, d - back + over, h * 0.62), cover)
    for k in range(2 if w > 1.2 else 1):
        x = (k - 0.5) * w * 0.48 if w > 1.2 else 0
        for row in range(int(r.integers(1, 3))):
            pillow = p.cloth() if r.random() < 0.4 else sheet
            turn = turn_x(r.uniform(0.1, 0.9))
            s.ball(
                (x + r.normal(0, 0.03), 0.25 + 0.14 * row, h * 0.95 + 0.1),
                (0.62, 0.42, 0.2),
                pillow,
                turn,
            )
    for _ in range(int(r.integers(0, 3))):
        with s.at(r.uniform(-0.4, 0.4) * w, r.uniform(0.5, 0.95) * d, h * 0.95):
            clutter.one_of(s, p, clutter.heap, clutter.pile_of_books, clutter.bag, clutter.carton)
    return w + 0.1, d


def chest(s: Builder, p: Palette) -> Footprint:
    """Chest of drawers, sideboard or night stand, with things on it."""
    r = s.rng
    w, d, h = r.uniform(0.4, 1.6), r.uniform(0.35, 0.55), r.uniform(0.45, 1.15)
    wood = p.some_wood()
    s.on(0, d / 2, 0, (w, d, h), wood)
    s.on(0, d, 0.06, (w - 0.04, 0.02, h - 0.1), p.face(wood, "drawers", "drawers", "panels"))
    s.on(0, d / 2 + 0.01, h, (w + 0.04, d + 0.04, 0.03), wood)
    with s.at(0, d / 2, h + 0.03):
        clutter.scatter(s, p, w, d, 0, int(r.integers(1, 5 + int(6 * w))))
        if r.random() < 0.4:
            with s.at(r.uniform(-0.3, 0.3) * w, -0.05):
                clutter.table_lamp(s, p)
    return w, d


def wardrobe(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    n, each = int(r.integers(1, 5)), r.uniform(0.4, 0.6)
    w, d, h = n * each, r.uniform(0.45, 0.65), r.uniform(1.7, 2.3)
    wood = p.some_wood()
    front = p.face(wood, "panels", "wood", "slats", "plain")
    s.on(0, d / 2, 0, (w, d, h), wood)
    for k in range(n):
        x = (k + 0.5) * each - w / 2
        s.on(x, d, 0.06, (each - 0.015, 0.03, h - 0.1), front)
        s.bar(
            (x + each * 0.38, d + 0.03, h * 0.5),
            (x + each * 0.38, d + 0.03, h * 0.58),
            0.008,
            p.metal(),
        )
    if r.random() < 0.4:
        with s.at(0, d / 2, h):
            clutter.scatter(s, p, w, d, 0, int(r.integers(1, 4)))
    return w, d


def bookcase(s: Builder, p: Palette) -> Footprint:
    """Open shelf: sides, boards, and on each board books, boxes or small things."""
    r = s.rng
    w, d, h = r.uniform(0.6, 1.8), r.uniform(0.24, 0.4), r.uniform(0.8, 2.2)
    rows = max(2, round(h / r.uniform(0.28, 0.42)))
    wood = p.some_wood()
    s.on(0, 0.01, 0, (w, 0.02, h), wood)
    for x in (-w / 2, w / 2):
        s.on(x, d / 2, 0, (0.03, d, h), wood)
    step = h / rows
    for k in range(rows + 1):
        s.on(0, d / 2, k * step, (w, d, 0.025), wood)
    full = r.uniform(0.3, 1.0)
    for k in range(rows):
        left = -w / 2 + 0.03
        while left < w / 2 - 0.15:
            part = min(r.uniform(0.15, 0.8), w / 2 - 0.02 - left)
            middle, z = left + part / 2, k * step + 0.025
            if r.random() < full:
                if r.random() < 0.6:
                    tall = step * r.uniform(0.6, 0.9)
                    deep = d * r.uniform(0.6, 0.9)
                    s.on(middle, deep / 2 + 0.02, z, (part, deep, tall), p.books())
                elif r.random() < 0.5:
                    s.on(
                        middle,
                        d * 0.5,
                        z,
                        (part * 0.8, d * 0.8, step * r.uniform(0.4, 0.85)),
                        p.label(),
                    )
                else:
                    with s.at(middle, d / 2, z):
                        clutter.scatter(s, p, part, d, 0, 1)
            left += part + r.uniform(0, 0.1)
    return w, d


def desk(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    w, d, h = r.uniform(1.0, 1.9), r.uniform(0.55, 0.85), r.uniform(0.7, 0.78)
    wood = p.some_wood()
    s.on(0, d / 2, h - 0.03, (w, d, 0.03), wood)
    if r.random() < 0.5:
        legs(s, w, d, h - 0.03, 0.06, p.metal() if r.random() < 0.5 else wood)
    else:
        side = r.choice([-1, 1])
        s.on(side * (w / 2 - 0.22), d / 2, 0, (0.42, d - 0.06, h - 0.03), p.face(wood, "drawers"))
        s.on(-side * (w / 2 - 0.02), d / 2, 0, (0.03, d, h - 0.03), wood)
    for k in range(int(r.integers(0, 3))):
        with s.at((k - 0.4) * 0.6 + r.normal(0, 0.1), 0.2, h, math.pi + r.normal(0, 0.2)):
            clutter.monitor(s, p)
    if r.random() < 0.6:
        with s.at(r.normal(0, 0.2), d * 0.65, h, math.pi + r.normal(0, 0.3)):
            clutter.laptop(s, p)
    with s.at(0, d / 2, h):
        clutter.scatter(s, p, w, d, 0, int(r.integers(2, 10)))
    with s.at(r.normal(0, 0.3), d + r.uniform(0.0, 0.5), 0, math.pi + r.normal(0, 0.5)):
        office_chair(s, p) if r.random() < 0.6 else chair(s, p)
    return w, d + 0.4


def dining(s: Builder, p: Palette) -> Footprint:
    """A table, square or round, with chairs around it; takes the middle of a room."""
    r = s.rng
    h, wood = r.uniform(0.7, 0.78), p.some_wood()
    w, d = r.uniform(0.8, 2.2), r.uniform(0.75, 1.1)
    round_ = r.random() < 0.25
    top = p.stone() if r.random() < 0.15 else wood
    with s.at(0, 0.5):
        if round_:
            w = d
            s.cone((0, d / 2, h - 0.03), d / 2, 0.03, top)
            s.cone((0, d / 2, 0), 0.05, h - 0.03, wood)
            s.cone((0, d / 2, 0), 0.28, 0.04, wood)
        else:
            s.on(0, d / 2, h - 0.035, (w, d, 0.035), top)
            legs(s, w, d, h - 0.03, 0.07, wood)
            if r.random() < 0.25:
                cloth = p.cloth()
                s.on(0, d / 2, h - 0.2, (w + 0.02, d + 0.02, 0.205), cloth)
        with s.at(0, d / 2, h + 0.006):
            clutter.scatter(s, p, w, d, 0, int(r.integers(1, 8)))
        seat = p.cloth() if r.random() < 0.6 else None
        for x in np.arange(-w / 2 + 0.35, w / 2 - 0.2, 0.62):
            for y, yaw in ((-0.25, 0.0), (d + 0.25, math.pi)):
                if r.random() < 0.8:
                    with s.at(x, y + r.normal(0, 0.1), 0, yaw + r.normal(0, 0.2)):
                        chair(s, p, wood, seat)
    return w + 0.2, d + 1.0


def low_table(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    w, d, h = r.uniform(0.5, 1.3), r.uniform(0.4, 0.7), r.uniform(0.35, 0.5)
    wood = p.some_wood()
    s.on(0, d / 2, h - 0.03, (w, d, 0.03), wood if r.random() < 0.8 else p.stone())
    legs(s, w, d, h - 0.03, 0.05, wood)
    if r.random() < 0.4:
        s.on(0, d / 2, 0.12, (w - 0.05, d - 0.05, 0.02), wood)
    with s.at(0, d / 2, h):
        clutter.scatter(s, p, w, d, 0, int(r.integers(0, 6)))
    return w, d


def television(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    w, d, h = r.uniform(1.0, 1.9), r.uniform(0.38, 0.5), r.uniform(0.4, 0.65)
    wood = p.some_wood()
    s.on(0, d / 2, 0, (w, d, h), wood)
    s.on(0, d, 0.04, (w - 0.04, 0.02, h - 0.08), p.face(wood, "drawers", "panels"))
    tv = r.uniform(0.7, 1.3)
    s.on(0, d * 0.5, h + 0.08, (tv, 0.07, tv * 0.58), p.black())
    s.on(0, d * 0.5, h, (0.3, 0.2, 0.1), p.black())
    with s.at(0, d * 0.7, h):
        clutter.scatter(s, p, w, d * 0.4, 0, int(r.integers(0, 4)))
    return w, d


def floor_lamp(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    h, rim, metal = r.uniform(1.2, 1.7), r.uniform(0.14, 0.25), p.metal()
    s.cone((0, 0.2, 0), 0.14, 0.025, metal)
    s.cone((0, 0.2, 0), 0.014, h, metal)
    s.cone(
        (0, 0.2, h - 0.05),
        rim,
        0.3,
        p.glowing(2.5) if r.random() < 0.5 else p.cloth(),
        top=rim * 0.6,
    )
    return 0.4, 0.4


def cartons(s: Builder, p: Palette) -> Footprint:
    """Stacked boxes and bags."""
    r = s.rng
    for _ in range(int(r.integers(2, 6))):
        x, z = r.uniform(-0.5, 0.5), 0.0
        for _ in range(int(r.integers(1, 4))):
            w, d, h = r.uniform(0.25, 0.55), r.uniform(0.2, 0.45), r.uniform(0.15, 0.4)
            s.box((x, 0.3, z + h / 2), (w, d, h), p.label(), turn_z(r.normal(0, 0.2)))
            z += h
    return 1.2, 0.6


def piano(s: Builder, p: Palette) -> Footprint:
    body = p.black() if s.rng.random() < 0.5 else p.any_wood()
    s.on(0, 0.15, 0, (1.5, 0.3, 1.15), body)
    s.on(0, 0.4, 0.6, (1.4, 0.3, 0.15), body)
    keys = p.make(p.near(0.1, 0.03, 0.95), "slats", fit=True, turn=True)
    s.on(0, 0.45, 0.75, (1.25, 0.16, 0.015), keys)
    for x in (-0.66, 0.66):
        s.on(x, 0.5, 0, (0.08, 0.08, 0.6), body)
    with s.at(0, 0.95):
        s.on(0, 0, 0.45, (0.7, 0.34, 0.08), p.cloth())
        legs(s, 0.7, 0.3, 0.45, 0.05, body)
    return 1.5, 1.2
