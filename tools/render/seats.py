"""Things to sit on; the same frame as furniture: back on y = 0, reaching towards +y."""

import math

import numpy as np
from tools.render.materials import Palette
from tools.render.scene import Builder, Material, turn_x

Footprint = tuple[float, float]  # width, depth in meters


def legs(s: Builder, w: float, d: float, h: float, thick: float, material: Material) -> None:
    """Four legs under a top of w x d whose back edge is y = 0."""
    round_ = s.rng.random() < 0.4
    for x in (-w / 2 + thick, w / 2 - thick):
        for y in (thick, d - thick):
            if round_:
                s.cone((x, y, 0), thick * 0.4, h, material, top=thick * 0.6)
            else:
                s.on(x, y, 0, (thick, thick, h), material)


def chair(
    s: Builder, p: Palette, wood: Material | None = None, seat: Material | None = None
) -> Footprint:
    """Sits facing +y, back on the y = 0 side."""
    r = s.rng
    w, d, h, top = (
        r.uniform(0.4, 0.5),
        r.uniform(0.4, 0.5),
        r.uniform(0.42, 0.47),
        r.uniform(0.8, 1.05),
    )
    wood = wood or p.some_wood()
    legs(s, w, d, h, 0.045, wood)
    s.on(
        0,
        d / 2,
        h - 0.02,
        (w, d, r.uniform(0.03, 0.09)),
        seat or (wood if r.random() < 0.5 else p.cloth()),
    )
    for x in (-w / 2 + 0.025, w / 2 - 0.025):
        s.bar((x, 0.03, h), (x, -0.03, top), 0.018, wood)
    style = r.random()
    if style < 0.4:
        for z in np.linspace(h + 0.15, top - 0.05, int(r.integers(1, 4))):
            s.on(0, -0.01, z, (w - 0.05, 0.02, r.uniform(0.04, 0.1)), wood)
    elif style < 0.7:
        for x in np.linspace(-w / 2 + 0.08, w / 2 - 0.08, int(r.integers(3, 6))):
            s.bar((x, 0.03, h), (x, -0.02, top - 0.03), 0.01, wood)
        s.on(0, -0.02, top - 0.08, (w, 0.025, 0.08), wood)
    else:
        s.on(0, -0.01, h + 0.06, (w, 0.05, top - h - 0.04), seat or p.cloth())
    return w, d


def office_chair(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    dark, cover = p.black(), p.black() if r.random() < 0.6 else p.cloth()
    for k in range(5):
        a = k * 1.2566 + 0.3
        s.bar((0, 0.3, 0.1), (0.28 * math.cos(a), 0.3 + 0.28 * math.sin(a), 0.05), 0.02, dark)
    s.cone((0, 0.3, 0.08), 0.03, 0.36, p.metal())
    s.on(0, 0.3, 0.43, (0.48, 0.48, 0.07), cover)
    h = r.uniform(0.35, 0.7)
    s.ball((0, 0.06, 0.5 + h / 2 + 0.08), (0.5, 0.14, h * 1.15), cover)
    if r.random() < 0.6:
        for x in (-0.27, 0.27):
            s.on(x, 0.3, 0.66, (0.05, 0.28, 0.03), dark)
            s.bar((x, 0.3, 0.45), (x, 0.3, 0.66), 0.015, dark)
    return 0.6, 0.6


def sofa(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    seats = int(r.choice([1, 2, 3, 3]))
    each, d, h = r.uniform(0.55, 0.72), r.uniform(0.8, 1.0), r.uniform(0.38, 0.46)
    arm, top = r.uniform(0.1, 0.24), r.uniform(0.7, 0.95)
    w = seats * each + 2 * arm
    cover = p.cloth()
    s.on(0, d / 2, 0.06, (w, d, h * 0.55), cover)
    # Back: a leaning profile, extruded over the whole width.
    s.prism(
        [(0, 0.1), (0.26, 0.1), (0.2, top), (0.06, top + 0.03), (-0.02, top - 0.05)],
        w - 0.02,
        (0, 0, 0),
        cover,
        "yz",
    )
    for side in (-1, 1):
        x, tall = side * (w - arm) / 2, h + r.uniform(0.1, 0.22)
        s.on(x, d / 2, 0.05, (arm, d - 0.02, tall - 0.05), cover)
        s.bar((x, 0.03, tall), (x, d - 0.02, tall), arm / 2, cover)
    for k in range(seats):
        x = (k + 0.5) * each - seats * each / 2
        s.on(x, d / 2 + 0.08, h * 0.6, (each - 0.015, d - 0.16, h * 0.42), cover)
        s.ball((x, 0.32, h + 0.24), (each * 1.02, 0.3, 0.56), cover)
        if r.random() < 0.4:
            s.ball((x + r.normal(0, 0.1), 0.45, h + 0.2), (0.42, 0.2, 0.42), p.cloth(), turn_x(0.3))
    return w, d
