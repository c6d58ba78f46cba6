"""Outdoor scenes: streets, gardens and suburbs, squares, open country, woods."""

import math

import numpy as np
from tools.render import fixtures
from tools.render import outside_things as things
from tools.render.materials import Palette
from tools.render.open_air import drop, ground, views, weather
from tools.render.scene import GRID, Builder, View
from tools.render.textures import Bank


def street(s: Builder, p: Palette) -> None:
    """A road along y with pavements, parked and driving cars, rows of houses, trees, people."""
    r = s.rng
    road, walk = float(r.uniform(5.5, 11)), float(r.uniform(1.5, 4))
    garden = float(r.choice([0, 0, r.uniform(2, 7)]))
    length = float(r.uniform(60, 140))
    s.on(0, length / 2 - 20, -0.5, (road, length + 60, 0.5), ground(p, "asphalt"))
    side = road / 2
    pave, kerb = ground(p, "paving", "asphalt"), p.make(p.near(0.1, 0.05, 0.6), "concrete")
    lawn = ground(p, "grass", "grass", "paving")
    white = p.make(p.near(0.1, 0.02, 0.85), "concrete")
    if r.random() < 0.7:
        for y in np.arange(-15, length, 6.0):
            s.on(0, float(y), 0, (0.14, 3.0, 0.004), white)
    town = r.random() < 0.5
    for k in (-1.0, 1.0):
        s.on(k * (side + 0.08), length / 2 - 20, -0.3, (0.16, length + 60, 0.43), kerb)
        s.on(k * (side + 0.16 + walk / 2), length / 2 - 20, -0.4, (walk, length + 60, 0.52), pave)
        s.on(k * (side + walk + 30), length / 2 - 20, -0.45, (60 - 0.3, length + 60, 0.55), lawn)
        front = side + walk + garden + 0.2
        y = -20.0
        while y < length:
            w = float(r.uniform(6, 16))
            if r.random() < 0.88:
                floors = int(r.integers(2, 7)) if town else int(r.integers(1, 3))
                with s.at(k * front, y + w / 2, 0.1, -k * math.pi / 2):
                    things.house(
                        s,
                        p,
                        w - float(r.choice([0, 0.5, 2.5])) * (not town),
                        float(r.uniform(7, 11)),
                        floors,
                        bool(town and r.random() < 0.6),
                    )
            elif r.random() < 0.7:
                drop(s, p, 3, (k * front - 2, k * front + 4), (y, y + w), things.tree, things.bush)
            y += w + (0.0 if town else float(r.uniform(0, 4)))
        if r.random() < 0.7:
            y = -12 + float(r.uniform(0, 6))
            while y < min(length, 60):
                if r.random() < 0.6:
                    with s.at(
                        k * (side - 1.1), y, 0, math.pi * float(k > 0) + float(r.normal(0, 0.03))
                    ):
                        (things.car if r.random() < 0.88 else things.van)(s, p)
                y += float(r.uniform(5.4, 9))
        edge = (k * (side + 0.5), k * (side + walk))
        x = (min(edge), max(edge))
        drop(s, p, int(r.integers(0, 6)), x, (0, 45), fixtures.person)
        drop(
            s,
            p,
            int(r.integers(1, 8)),
            x,
            (-5, 60),
            things.lamp_post,
            things.sign,
            things.bin_,
            things.tree,
        )
        if garden:
            drop(
                s,
                p,
                int(r.integers(1, 8)),
                (min(k * front, k * (front - garden)), max(k * front, k * (front - garden))),
                (-5, 50),
                things.tree,
                things.bush,
                things.bush,
            )
    for _ in range(int(r.integers(0, 4))):
        k = float(r.choice([-1, 1]))
        with s.at(k * road * 0.22, float(r.uniform(6, 60)), 0, math.pi * (k < 0)):
            (things.car if r.random() < 0.8 else things.van)(s, p)
    walking = r.random() < 0.45
    xs = (side + 0.3, side + walk - 0.3) if walking else (-side * 0.5, side * 0.5)
    views(s, xs, (-6, 15), 0.3 if r.random() < 0.75 else 1.2, 0.0)


def square(s: Builder, p: Palette) -> None:
    """Houses around an open place or a yard, with trees, people and benches."""
    r = s.rng
    half = float(r.uniform(8, 22))
    s.on(0, 0, -0.5, (400, 400, 0.5), ground(p, "paving", "paving", "earth", "grass", "asphalt"))
    for k in range(4):
        if r.random() < 0.8:
            x = -half
            while x < half:
                w = float(r.uniform(6, 14))
                with s.at(0, 0, 0, k * math.pi / 2), s.at(x + w / 2, half + float(r.uniform(0, 2))):
                    things.house(s, p, w, 9.0, int(r.integers(1, 6)), bool(r.random() < 0.5))
                x += w + float(r.choice([0, 0, 3]))
    wide = (-half * 0.85, half * 0.85)
    drop(
        s,
        p,
        int(r.integers(2, 12)),
        wide,
        wide,
        things.tree,
        things.bench,
        things.bin_,
        things.lamp_post,
        things.bush,
        things.sign,
    )
    drop(s, p, int(r.integers(0, 10)), wide, wide, fixtures.person)
    drop(s, p, int(r.integers(0, 5)), wide, wide, things.car)
    views(s, (-half * 0.7, half * 0.7), (-half * 0.7, half * 0.7), 1, None)


def garden(s: Builder, p: Palette) -> None:
    """Behind or before one house: lawn, hedge, path, trees."""
    r = s.rng
    s.on(0, 0, -0.5, (300, 300, 0.5), ground(p, "grass"))
    s.on(
        float(r.uniform(-3, 3)),
        0,
        -0.3,
        (float(r.uniform(1, 4)), 20, 0.32),
        ground(p, "paving", "earth"),
    )
    with s.at(0, float(r.uniform(6, 12))):
        things.house(
            s, p, float(r.uniform(8, 15)), float(r.uniform(7, 10)), int(r.integers(1, 3)), False
        )
    for x, y, yaw in ((-9, 0, math.pi / 2), (9, 0, math.pi / 2), (0, -12, 0.0)):
        if r.random() < 0.8:
            with s.at(x + float(r.normal(0, 1)), y, 0, yaw):
                things.fence(s, p, 24)
    drop(
        s,
        p,
        int(r.integers(4, 14)),
        (-8, 8),
        (-10, 6),
        things.tree,
        things.bush,
        things.bush,
        things.bench,
        things.rock,
        things.bin_,
    )
    drop(s, p, int(r.integers(3, 9)), (-40, 40), (14, 60), things.tree)
    if r.random() < 0.4:
        drop(s, p, 2, (-6, 6), (-6, 4), fixtures.person, things.car)
    views(s, (-6, 6), (-9, 0), 0.9, 0.0)


def _hills(rng: np.random.Generator, rough: float) -> np.ndarray:
    """Heights in [-1, 1]: a few long waves and shorter ones."""
    n = np.arange(GRID) / (GRID - 1) * 2 - 1
    x, y = np.meshgrid(n, n)
    z = np.zeros((GRID, GRID))
    for f in (1.5, 2.5, 4, 6, 9, 13):
        for _ in range(3):
            a = rng.uniform(0, 6.28)
            z += np.sin(f * (x * math.cos(a) + y * math.sin(a)) + rng.uniform(0, 6.28)) / f**rough
    return np.asarray(np.clip(z / np.abs(z).max(), -0.98, 0.98))


def country(s: Builder, p: Palette) -> None:
    """Rolling ground with trees, rocks, fences, far mountains; woods if the trees stand close."""
    r = s.rng
    extent, relief = float(r.uniform(90, 190)), float(r.uniform(2, 14))
    grid = _hills(r, float(r.uniform(1.2, 1.8)))
    s.height((0, 0, 0), (extent, extent, relief), grid, ground(p, "grass", "grass", "earth"))
    s.on(0, 0, -relief - 2, (900, 900, relief / 2 + 2), ground(p, "grass", "earth"))

    def level(x: float, y: float) -> float:
        i, j = ((v / extent * 2 + 1) / 2 * (GRID - 1) for v in (y, x))
        i0, j0 = min(int(i), GRID - 2), min(int(j), GRID - 2)
        a, b = i - i0, j - j0
        rows = grid[i0, j0 : j0 + 2] * (1 - a) + grid[i0 + 1, j0 : j0 + 2] * a
        return float(rows[0] * (1 - b) + rows[1] * b) * relief / 2

    wood = r.random() < 0.4
    spread = 28 if wood else extent * 0.42
    sorts = (things.tree,) * 5 + (things.bush, things.rock)
    for _ in range(int(r.integers(18, 34)) if wood else int(r.integers(6, 26))):
        x, y = (float(v) for v in r.uniform(-spread, spread, 2))
        with s.at(x, y, level(x, y), float(r.uniform(0, 6.28))):
            sorts[int(r.integers(len(sorts)))](s, p)
    if r.random() < 0.5:
        far = p.make(
            p.near(float(r.uniform(0.25, 0.65)), 0.2, float(r.uniform(0.3, 0.6)), 0.2),
            "plaster",
            "grass",
            scale=40,
        )
        for _ in range(int(r.integers(2, 7))):
            a, away = float(r.uniform(0, 6.28)), float(r.uniform(150, 320))
            high = float(r.uniform(15, 70))
            s.cone(
                (away * math.cos(a), away * math.sin(a), -5), high * 1.8, high, far, top=high * 0.15
            )
    for _ in range(int(r.integers(0, 3))):
        x, y = (float(v) for v in r.uniform(-30, 30, 2))
        with s.at(x, y, level(x, y) - 0.4, float(r.uniform(0, 6.28))):
            if r.random() < 0.5:
                things.house(s, p, 9, 8, 1, False)
            else:
                things.fence(s, p, float(r.uniform(5, 25)))
    for _ in range(10):
        x, y = (float(v) for v in r.uniform(-0.2, 0.2, 2) * extent)
        s.views.append(
            View(
                position=(x, y, level(x, y) + float(r.uniform(1.3, 2.0))),
                yaw=float(r.uniform(0, 6.28)),
                pitch=float(np.radians(np.clip(r.normal(-4, 6), -25, 12))),
                roll=float(np.radians(r.normal(0, 1.5))),
            )
        )


def build_outdoor(rng: np.random.Generator, bank: Bank) -> Builder:
    """One outdoor scene with its candidate cameras."""
    s = Builder(rng=rng)
    p = Palette(rng, bank)
    weather(s, p)
    kinds = (street, square, garden, country)
    kinds[int(rng.choice(4, p=[0.4, 0.17, 0.18, 0.25]))](s, p)
    return s
