"""Small things that lie on tables, shelves and floors; each stands at the local origin."""

import math
from collections.abc import Callable

from tools.render.materials import Palette
from tools.render.scene import Builder, turn_z

Thing = Callable[[Builder, Palette], object]


def one_of(s: Builder, p: Palette, *things: Thing) -> None:
    """A random one of the things."""
    things[int(s.rng.integers(len(things)))](s, p)


def pile_of_books(s: Builder, p: Palette) -> None:
    z = 0.0
    for _ in range(int(s.rng.integers(1, 7))):
        w, d, h = s.rng.uniform(0.13, 0.24), s.rng.uniform(0.18, 0.3), s.rng.uniform(0.012, 0.05)
        material = p.picture() if s.rng.random() < 0.4 else p.plastic()
        s.box((0, 0, z + h / 2), (w, d, h), material, turn_z(s.rng.normal(0, 0.25)))
        z += h


def bottle(s: Builder, p: Palette) -> None:
    r, h = s.rng.uniform(0.025, 0.05), s.rng.uniform(0.1, 0.24)
    material = p.plastic()
    s.cone((0, 0, 0), r, h, p.label() if s.rng.random() < 0.4 else material)
    s.cone((0, 0, h), r, h * 0.25, material, top=r * 0.35)
    s.cone((0, 0, h * 1.25), r * 0.38, h * 0.2, material)


def cup(s: Builder, p: Palette) -> None:
    r = s.rng.uniform(0.03, 0.045)
    material = p.plastic() if s.rng.random() < 0.6 else p.white()
    s.cone((0, 0, 0), r * 0.85, r * 2.3, material, top=r)
    s.bar((r, 0, r * 0.6), (r * 1.5, 0, r * 1.2), r * 0.15, material)
    s.bar((r * 1.5, 0, r * 1.2), (r, 0, r * 1.9), r * 0.15, material)


def bowl(s: Builder, p: Palette) -> None:
    r = s.rng.uniform(0.08, 0.16)
    s.cone((0, 0, 0), r * 0.5, r * 0.55, p.plastic(), top=r)
    for _ in range(int(s.rng.integers(0, 6))):
        a, q = s.rng.uniform(0, 6.28), r * 0.45
        size = s.rng.uniform(0.05, 0.08)
        s.ball((q * math.cos(a), q * math.sin(a), r * 0.55), (size, size, size), p.plastic())


def carton(s: Builder, p: Palette) -> None:
    w, d, h = s.rng.uniform(0.08, 0.35, 3)
    s.box((0, 0, h / 2), (w, d, h), p.label(), turn_z(s.rng.uniform(0, 3.14)))


def paper(s: Builder, p: Palette) -> None:
    sheet = p.make(p.near(0.1, 0.03, 0.95), "writing", "plain", fit=True)
    for k in range(int(s.rng.integers(1, 4))):
        x, y = s.rng.normal(0, 0.06, 2)
        s.box((x, y, 0.002 + 0.003 * k), (0.21, 0.3, 0.004), sheet, turn_z(s.rng.uniform(0, 3.14)))


def vase(s: Builder, p: Palette) -> None:
    r, h = s.rng.uniform(0.04, 0.09), s.rng.uniform(0.12, 0.3)
    material = p.plastic()
    s.cone((0, 0, 0), r * 0.6, h * 0.5, material, top=r)
    s.cone((0, 0, h * 0.5), r, h * 0.5, material, top=r * 0.5)
    if s.rng.random() < 0.6:
        bouquet(s, p, h, r * 3)


def bouquet(s: Builder, p: Palette, z: float, spread: float) -> None:
    leaves, flower = p.leaves(), p.plastic()
    for _ in range(int(s.rng.integers(5, 12))):
        x, y = s.rng.normal(0, spread * 0.5, 2)
        top = z + s.rng.uniform(0.5, 1.6) * spread
        s.bar((0, 0, z * 0.9), (x, y, top), 0.004, leaves)
        size = spread * s.rng.uniform(0.25, 0.5)
        s.ball((x, y, top), (size, size, size * 0.7), flower if s.rng.random() < 0.5 else leaves)


def plant(s: Builder, p: Palette) -> None:
    """A house plant in a pot."""
    r, h = s.rng.uniform(0.1, 0.22), s.rng.uniform(0.15, 0.35)
    s.cone((0, 0, 0), r * 0.75, h, p.plastic(), top=r)
    leaves, tall = p.leaves(), s.rng.uniform(0.3, 0.9)
    for _ in range(int(s.rng.integers(16, 34))):
        a, lean = s.rng.uniform(0, 6.28), s.rng.uniform(0.1, 0.6)
        z = h + tall * s.rng.uniform(0.25, 1)
        x, y = lean * tall * math.cos(a) * 0.7, lean * tall * math.sin(a) * 0.7
        s.bar((0, 0, h), (x * 0.6, y * 0.6, z), 0.005, leaves)
        size = s.rng.uniform(0.12, 0.3)
        s.ball((x, y, z), (size, size * 0.35, size * 0.12), leaves, turn_z(a))


def table_lamp(s: Builder, p: Palette) -> None:
    h, r = s.rng.uniform(0.25, 0.45), s.rng.uniform(0.1, 0.18)
    material = p.metal() if s.rng.random() < 0.5 else p.plastic()
    s.cone((0, 0, 0), r * 0.6, 0.02, material)
    s.cone((0, 0, 0), r * s.rng.uniform(0.1, 0.5), h, material, top=0.015)
    lit = s.rng.random() < 0.5
    shade = p.glowing(3.0) if lit else p.cloth()
    s.cone((0, 0, h), r, r * 1.4, shade, top=r * s.rng.uniform(0.5, 1))


def ball(s: Builder, p: Palette) -> None:
    r = s.rng.uniform(0.04, 0.2)
    s.ball((0, 0, r), (2 * r, 2 * r, 2 * r), p.cloth())


def heap(s: Builder, p: Palette) -> None:
    """Clothes, bags or cushions thrown down."""
    for _ in range(int(s.rng.integers(2, 7))):
        x, y = s.rng.normal(0, 0.14, 2)
        w, d, h = s.rng.uniform(0.2, 0.5), s.rng.uniform(0.2, 0.4), s.rng.uniform(0.06, 0.22)
        s.ball((x, y, h / 2), (w, d, h), p.cloth(), turn_z(s.rng.uniform(0, 3.14)))


def bag(s: Builder, p: Palette) -> None:
    w, d, h = s.rng.uniform(0.25, 0.45), s.rng.uniform(0.12, 0.22), s.rng.uniform(0.28, 0.5)
    material = p.cloth()
    s.ball((0, 0, h / 2), (w, d * 1.3, h), material)
    s.on(0, 0, 0, (w * 0.9, d, h * 0.7), material)
    s.bar((-w * 0.2, 0, h * 0.9), (0, 0, h * 1.15), 0.012, material)
    s.bar((w * 0.2, 0, h * 0.9), (0, 0, h * 1.15), 0.012, material)


def laptop(s: Builder, p: Palette) -> None:
    body = p.black() if s.rng.random() < 0.5 else p.metal()
    w, d = s.rng.uniform(0.28, 0.4), 0.24
    s.on(0, 0, 0, (w, d, 0.02), p.face(body, "writing"))
    lean = s.rng.uniform(0.0, 0.12)
    s.prism(
        [(d / 2, 0.02), (d / 2 + lean, d), (d / 2 + lean + 0.01, d), (d / 2 + 0.01, 0.02)],
        w,
        (0, 0, 0),
        body,
        "yz",
    )


def monitor(s: Builder, p: Palette) -> None:
    """Screen towards -y."""
    w = s.rng.uniform(0.38, 0.65)
    h, body = w * s.rng.uniform(0.56, 0.8), p.black() if s.rng.random() < 0.7 else p.white()
    s.on(0, 0.02, 0, (0.22, 0.18, 0.015), body)
    s.on(0, 0.04, 0, (0.06, 0.04, 0.15), body)
    s.on(0, 0.02, 0.1, (w, 0.05, h), body)
    off = p.make(p.near(0.6, 0.1, 0.08), "plain", gloss=0.5)
    shown = p.make(p.vivid(), "screen", "photo", "writing", fit=True, gloss=0.2)
    s.on(0, -0.008, 0.115, (w - 0.03, 0.01, h - 0.03), off if s.rng.random() < 0.4 else shown)


SMALL = (
    pile_of_books,
    pile_of_books,
    bottle,
    bottle,
    cup,
    cup,
    bowl,
    carton,
    carton,
    paper,
    vase,
    ball,
)
ON_FLOOR = (carton, carton, heap, bag, ball, pile_of_books, plant)


def scatter(s: Builder, p: Palette, width: float, depth: float, z: float, count: int) -> None:
    """`count` small things on a top of the given size centered at the local origin."""
    for _ in range(count):
        x = s.rng.uniform(-0.5, 0.5) * max(width - 0.2, 0.02)
        y = s.rng.uniform(-0.5, 0.5) * max(depth - 0.2, 0.02)
        with s.at(x, y, z, s.rng.uniform(0, 6.28)):
            one_of(s, p, *SMALL)
