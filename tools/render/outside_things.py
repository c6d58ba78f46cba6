"""Things that stand outdoors, each at the local origin: houses, trees, cars, street furniture."""

import math
from dataclasses import replace

import numpy as np
from tools.render.materials import Palette
from tools.render.scene import Builder, Material, turn_z


def foliage_at(
    s: Builder, leaves: Material, x: float, y: float, z: float, size: float, n: int
) -> None:
    """A crown: overlapping balls around one point."""
    r = s.rng
    for _ in range(n):
        dx, dy, dz = r.normal(0, 0.28, 3) * size
        a, b, c = r.uniform(0.45, 0.85, 3) * size
        s.ball((x + dx, y + dy, z + dz * 0.8), (a, b, c * 0.85), leaves, turn_z(r.uniform(0, 3.1)))


def tree(s: Builder, p: Palette) -> None:
    """Broad-leaved, conifer or bare."""
    r = s.rng
    bark = p.make(
        p.near(0.07, r.uniform(0.15, 0.5), r.uniform(0.2, 0.55), 0.4), "wood", "plaster", scale=0.6
    )
    leaves = replace(p.leaves(), scale=float(r.uniform(0.8, 2.5)))
    h, kind = float(r.uniform(3.5, 11)), r.random()
    trunk = h * float(r.uniform(0.02, 0.035))
    if kind < 0.62:
        clear, lean = h * float(r.uniform(0.25, 0.45)), float(r.normal(0, 0.04)) * h
        s.bar((0, 0, -0.2), (lean * 0.5, 0, clear), trunk, bark)
        for _ in range(int(r.integers(3, 6))):
            a, out = r.uniform(0, 6.28), r.uniform(0.1, 0.24) * h
            x, y, z = lean + out * math.cos(a), out * math.sin(a), clear + r.uniform(0.15, 0.5) * h
            s.bar((lean * 0.5, 0, clear * 0.95), (x, y, z), trunk * 0.5, bark)
            foliage_at(s, leaves, x, y, z, h * 0.3, int(r.integers(3, 6)))
        foliage_at(s, leaves, lean, 0, h * 0.72, h * 0.4, 6)
    elif kind < 0.85:
        s.cone((0, 0, -0.2), trunk, h * 0.95, bark, top=trunk * 0.2)
        n = int(r.integers(4, 9))
        for k in range(n):
            z, wide = h * (0.12 + 0.8 * k / n), h * 0.2 * (1 - 0.85 * k / n)
            s.cone((float(r.normal(0, 0.02)), 0, z), wide, h * 1.3 / n, leaves, top=wide * 0.15)
    else:
        s.bar((0, 0, -0.2), (0, 0, h * 0.5), trunk, bark)
        for _ in range(int(r.integers(6, 14))):
            a, z = r.uniform(0, 6.28), r.uniform(0.25, 0.5) * h
            out, top = r.uniform(0.1, 0.3) * h, r.uniform(0.6, 1.0) * h
            s.bar((0, 0, z), (out * math.cos(a), out * math.sin(a), top), trunk * 0.35, bark)


def bush(s: Builder, p: Palette) -> None:
    size = float(s.rng.uniform(0.5, 1.6))
    foliage_at(s, p.leaves(), 0, 0, size * 0.4, size, int(s.rng.integers(4, 9)))


def rock(s: Builder, p: Palette) -> None:
    r = s.rng
    stone = p.make(p.near(0.08, 0.1, r.uniform(0.3, 0.7), 0.3), "concrete", "speckle", scale=1.0)
    for _ in range(int(r.integers(1, 4))):
        a, b, c = r.uniform(0.4, 1.8, 3)
        s.ball(
            (r.normal(0, 0.4), r.normal(0, 0.4), c * 0.15),
            (a, b, c * 0.7),
            stone,
            turn_z(r.uniform(0, 3)),
        )


def car(s: Builder, p: Palette) -> None:
    """Side profile extruded, glass above, wheels; drives along +y."""
    r = s.rng
    long, wide, tall = r.uniform(3.6, 4.9), r.uniform(1.65, 1.9), r.uniform(1.38, 1.7)
    grey = r.random() < 0.6
    color = p.near(r.random(), 0.04 if grey else r.uniform(0.5, 0.9), r.uniform(0.1, 0.95), 0.05)
    body = replace(p.make(color, "plain"), gloss=0.8)
    glass = p.make(p.near(0.58, 0.2, r.uniform(0.08, 0.25)), "clouds", "plain", scale=2, gloss=0.9)
    a, waist = long / 2, r.uniform(0.78, 0.95)
    hood = r.uniform(0.45, 0.7) * a
    rear = -a * r.uniform(0.75, 0.98)
    s.prism(
        [
            (-a, 0.35),
            (-a + 0.05, waist),
            (-a * 0.5, waist + 0.08),
            (hood * 0.6, waist + 0.06),
            (a - 0.05, waist - 0.16),
            (a, 0.3),
        ],
        wide,
        (0, 0, 0),
        body,
        "yz",
    )
    cabin = [
        (rear, waist),
        (rear + 0.3, tall - 0.04),
        (-0.1 * a, tall),
        (hood * 0.15, tall - 0.05),
        (hood, waist),
    ]
    s.prism(cabin, wide * 0.86, (0, 0, 0), glass, "yz")
    roof = [
        (rear + 0.28, tall - 0.05),
        (rear + 0.35, tall),
        (-0.1 * a, tall + 0.03),
        (hood * 0.15, tall - 0.03),
    ]
    s.prism(roof, wide * 0.84, (0, 0, 0), body, "yz")
    for y in (rear + 0.15, -0.15 * a, hood * 0.3):
        s.box((0, y, (waist + tall) / 2), (wide * 0.865, 0.07, tall - waist), body)
    dark = p.black()
    for side in (-1, 1):
        for y in (-a * 0.6, a * 0.62):
            x = side * (wide / 2 - 0.1)
            s.bar((x - 0.11, y, 0.32), (x + 0.11, y, 0.32), 0.32, dark)
            s.bar((x - 0.115, y, 0.32), (x + 0.115, y, 0.32), 0.19, p.metal())
        s.box((side * wide * 0.36, -a, waist - 0.12), (0.3, 0.05, 0.12), p.plastic())
        s.box((side * wide * 0.36, a - 0.02, waist - 0.3), (0.35, 0.08, 0.13), p.white())
    s.box((0, -a, 0.5), (0.5, 0.04, 0.12), p.white())
    s.box((0, a - 0.02, 0.42), (wide * 0.8, 0.06, 0.14), dark)


def van(s: Builder, p: Palette) -> None:
    """Van, lorry or bus."""
    r = s.rng
    long, wide, tall = r.uniform(4.8, 9), r.uniform(1.9, 2.4), r.uniform(2.0, 3.1)
    body = p.white() if r.random() < 0.5 else p.plastic()
    side = body if r.random() < 0.5 else p.picture()
    s.box((0, -0.4, 0.4 + tall / 2), (wide, long - 0.8, tall), side)
    s.prism(
        [
            (long / 2 - 0.9, 0.4),
            (long / 2, 0.4),
            (long / 2, 1.2),
            (long / 2 - 0.5, tall * 0.9),
            (long / 2 - 0.9, tall * 0.9),
        ],
        wide * 0.96,
        (0, 0, 0),
        body,
        "yz",
    )
    s.box((0, long / 2 - 0.33, 1.55), (wide * 0.85, 0.5, 0.6), p.black())
    for x in (-wide / 2 + 0.12, wide / 2 - 0.12):
        for y in (-long * 0.33, long * 0.33):
            s.bar((x - 0.13, y, 0.42), (x + 0.13, y, 0.42), 0.42, p.black())


def house(s: Builder, p: Palette, w: float, d: float, floors: int, flat: bool) -> None:
    """House with its front towards -y, the front's middle at the origin."""
    r = s.rng
    each = float(r.uniform(2.8, 3.4))
    h = floors * each + 0.4
    hue = float(r.choice([0.03, 0.08, 0.1, 0.12, 0.6, r.random()]))
    shades = p.near(hue, float(r.beta(1.4, 3.5)) * 0.5, float(r.uniform(0.35, 0.95)), 0.12)
    trim = p.near(0.1, 0.05, float(r.choice([0.25, 0.9, 0.8])))
    glass = p.near(0.58, 0.15, float(r.uniform(0.1, 0.35)))
    bay = float(r.uniform(1.9, 3.2))
    modelled = r.random() < 0.5
    wall = p.make(
        shades, "plaster", "brick", "plain", "concrete", "brick", scale=float(r.uniform(0.8, 1.8))
    )
    colors = (shades[0], glass[0], trim[0])
    tiled = p.make(colors, "facade", scale=each)
    s.box((0, d / 2, h / 2), (w, d, h), wall if modelled else tiled)
    frame, pane = p.make(trim, "plain"), p.make(glass, "clouds", "plain", scale=3, gloss=0.6)
    n = max(1, int(w / bay))
    high, wide = each * float(r.uniform(0.4, 0.6)), bay * float(r.uniform(0.35, 0.6))
    if modelled:
        for k in range(n):
            for floor in range(floors):
                x, z = (k + 0.5) / n * w - w / 2, 0.4 + floor * each + each * 0.28
                if floor == 0 and k == n // 2:
                    s.on(x, 0, 0, (1.1, 0.1, 2.3), p.face(p.some_wood(), "panels"))
                    s.on(x, -0.3, 0, (1.5, 0.6, 0.2), frame)
                    continue
                s.on(x, 0.0, z - 0.06, (wide + 0.16, 0.12, high + 0.14), frame)
                s.on(x, -0.04, z, (wide, 0.06, high), pane)
                s.on(x, -0.08, z - 0.1, (wide + 0.25, 0.2, 0.08), frame)
                if floor and r.random() < 0.06:
                    s.on(x, -0.5, z - 0.3, (wide + 0.9, 1.0, 0.12), frame)
                    s.on(
                        x,
                        -0.98,
                        z - 0.2,
                        (wide + 0.9, 0.05, 0.9),
                        p.make(trim, "slats", turn=True, fit=True),
                    )
    if floors > 1 and r.random() < 0.4:  # a shop on the ground floor
        s.on(0, -0.05, 0.3, (w * 0.9, 0.14, 2.3), pane)
        s.on(0, -0.15, 2.7, (w * 0.92, 0.3, 0.6), p.picture() if r.random() < 0.5 else p.plastic())
        if r.random() < 0.4:
            s.prism([(-1.3, 2.45), (0, 2.9), (0, 2.8)], w * 0.85, (0, 0, 0), p.cloth(), "yz")
    tiles = p.make(
        p.near(
            float(r.choice([0.02, 0.05, 0.6])),
            float(r.uniform(0.1, 0.6)),
            float(r.uniform(0.2, 0.6)),
            0.3,
        ),
        "roof",
        scale=2.0,
    )
    up = float(r.uniform(0.25, 0.5)) * d
    if flat:
        s.on(0, d / 2, h, (w + 0.3, d + 0.3, 0.3), frame)
        for _ in range(int(r.integers(0, 3))):
            s.on(
                float(r.uniform(-0.4, 0.4)) * w,
                d * float(r.uniform(0.2, 0.8)),
                h,
                (1.2, 1.5, 1.6),
                wall,
            )
    elif r.random() < 0.65:
        s.prism([(-0.4, h), (d + 0.4, h), (d / 2, h + up)], w + 0.4, (0, 0, 0), tiles, "yz")
    else:
        up = float(r.uniform(0.3, 0.5)) * w
        s.prism([(-w / 2 - 0.3, h), (w / 2 + 0.3, h), (0, h + up)], d, (0, d / 2, 0), wall, "xz")
        rim = [
            (-w / 2 - 0.5, h - 0.1),
            (0, h + up),
            (w / 2 + 0.5, h - 0.1),
            (w / 2 + 0.5, h + 0.15),
            (0, h + up + 0.28),
            (-w / 2 - 0.5, h + 0.15),
        ]
        s.prism(rim, d + 0.5, (0, d / 2, 0), tiles, "xz")
    if r.random() < 0.5:
        s.on(
            float(r.uniform(-0.3, 0.3)) * w,
            d * 0.6,
            h,
            (0.7, 0.7, up + 0.6),
            p.make(shades, "brick"),
        )


def lamp_post(s: Builder, p: Palette) -> None:
    h, metal = float(s.rng.uniform(3.5, 8)), p.metal()
    s.cone((0, 0, 0), 0.09, h, metal, top=0.05)
    out = float(s.rng.uniform(0, 1.6))
    s.bar((0, 0, h), (out, 0, h + 0.2), 0.04, metal)
    s.box((out, 0, h + 0.15), (0.6, 0.25, 0.12), p.white())


def sign(s: Builder, p: Palette) -> None:
    h = float(s.rng.uniform(2.0, 3.0))
    s.cone((0, 0, 0), 0.035, h, p.metal())
    if s.rng.random() < 0.5:
        s.bar((0, -0.03, h - 0.3), (0, -0.06, h - 0.3), 0.32, p.picture())
    else:
        s.box((0, -0.05, h - 0.3), (float(s.rng.uniform(0.5, 1.4)), 0.03, 0.6), p.picture())


def bench(s: Builder, p: Palette) -> None:
    wood, metal = p.any_wood(), p.metal()
    for k in range(3):
        s.box((0, 0.15 * k, 0.45), (1.6, 0.12, 0.04), wood)
    for k in range(2):
        s.box((0, 0.46, 0.6 + 0.16 * k), (1.6, 0.03, 0.12), wood)
    for x in (-0.7, 0.7):
        s.on(x, 0.15, 0, (0.06, 0.4, 0.43), metal)
        s.on(x, 0.48, 0, (0.06, 0.04, 0.85), metal)


def bin_(s: Builder, p: Palette) -> None:
    if s.rng.random() < 0.5:
        s.cone((0, 0, 0), 0.24, 0.85, p.plastic(), top=0.28)
    else:
        s.on(0, 0, 0.08, (0.58, 0.7, 0.95), p.plastic())
        s.on(0, -0.02, 1.03, (0.62, 0.76, 0.08), p.plastic())


def fence(s: Builder, p: Palette, length: float) -> None:
    """Along x, centered."""
    r = s.rng
    h, wood, kind = float(r.uniform(0.8, 1.9)), p.some_wood(), r.random()
    if kind < 0.35:
        s.on(
            0,
            0,
            0,
            (length, 0.06, h),
            replace(wood, texture=p.bank.pick(r, "slats"), turn=True, scale=1.5),
        )
    elif kind < 0.6:
        s.on(
            0,
            0,
            0,
            (length, 0.25, h),
            p.make(p.near(0.05, 0.3, 0.6, 0.3), "brick", "concrete", scale=1.2),
        )
    elif kind < 0.8:
        leaves = p.leaves()
        for x in np.arange(-length / 2, length / 2, 0.9):
            s.ball((float(x), 0, h * 0.5), (1.5, 0.9, h * 1.15), leaves)
    else:
        for z in (h * 0.35, h * 0.85):
            s.box((0, 0, z), (length, 0.05, 0.12), wood)
        for x in np.arange(-length / 2, length / 2, 2.0):
            s.on(float(x), 0, -0.2, (0.12, 0.12, h + 0.25), wood)
