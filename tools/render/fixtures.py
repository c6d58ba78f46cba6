"""Kitchen, bath and laundry; the same frame as furniture: back on y = 0, reaching towards +y."""

from tools.render import clutter
from tools.render.materials import Palette
from tools.render.scene import Builder, Material, turn_x
from tools.render.seats import Footprint


def kitchen_run(s: Builder, p: Palette, length: float) -> Footprint:
    """Base cabinets with a stone or wooden top, wall cabinets above, appliances in the row."""
    r = s.rng
    d, h = 0.6, 0.9
    wood = p.some_wood()
    front = p.face(wood, "panels", "drawers", "panels", "plain")
    top = p.stone() if r.random() < 0.7 else p.any_wood()
    unit = r.uniform(0.42, 0.6)
    x = -length / 2
    upper = r.random() < 0.85
    gap = r.uniform(1.35, 1.5)
    while x < length / 2 - 0.3:
        w = min(unit, length / 2 - x)
        kind = r.random()
        if kind < 0.08:
            steel = p.white() if r.random() < 0.5 else p.metal()
            tall = r.uniform(1.6, 1.95)
            s.on(x + w / 2, d / 2 + 0.03, 0, (w - 0.01, d + 0.1, tall), steel)
            s.on(x + w / 2, d + 0.09, tall * 0.35, (w - 0.03, 0.03, tall * 0.64), steel)
            s.bar(
                (x + 0.06, d + 0.13, tall * 0.45),
                (x + 0.06, d + 0.13, tall * 0.75),
                0.01,
                p.metal(),
            )
        else:
            face = front
            if kind < 0.2:
                face = p.black() if r.random() < 0.5 else p.white()
            s.on(x + w / 2, d / 2 - 0.02, 0.08, (w - 0.005, d - 0.06, h - 0.12), wood)
            s.on(x + w / 2, d - 0.04, 0.1, (w - 0.02, 0.03, h - 0.16), face)
            s.bar((x + w * 0.3, d, h - 0.14), (x + w * 0.7, d, h - 0.14), 0.008, p.metal())
            if upper and r.random() < 0.9:
                s.on(x + w / 2, 0.16, gap, (w - 0.005, 0.32, 0.72), wood)
                s.on(x + w / 2, 0.33, gap + 0.02, (w - 0.02, 0.02, 0.68), front)
        x += w
    s.on(0, d / 2, h - 0.04, (length, d + 0.03, 0.04), top)
    s.on(0, 0.01, h, (length, 0.02, gap - h), p.floor(wet=True))
    where = r.uniform(-0.3, 0.3) * length
    s.on(where, d / 2, h - 0.002, (0.6, 0.42, 0.006), p.metal())
    s.on(where, d / 2, h, (0.5, 0.34, 0.008), p.black())
    s.bar((where, 0.1, h), (where, 0.1, h + 0.25), 0.012, p.metal())
    s.bar((where, 0.1, h + 0.25), (where, 0.28, h + 0.22), 0.012, p.metal())
    for _ in range(int(r.integers(0, 3))):
        with s.at(r.uniform(-0.4, 0.4) * length, 0.25, h):
            appliance(s, p)
    with s.at(0, d / 2, h):
        clutter.scatter(s, p, length, d, 0, int(r.integers(2, 10)))
    return length, d + 0.1


def appliance(s: Builder, p: Palette) -> None:
    """Microwave oven, kettle or coffee maker."""
    r = s.rng
    body = [p.black(), p.white(), p.metal()][int(r.integers(3))]
    if r.random() < 0.5:
        s.on(0, 0, 0, (0.48, 0.35, 0.28), body)
        s.on(-0.06, 0.175, 0.03, (0.32, 0.01, 0.22), p.black())
    elif r.random() < 0.5:
        s.cone((0, 0, 0), 0.08, 0.22, body, top=0.06)
        s.bar((0.08, 0, 0.05), (0.13, 0, 0.2), 0.012, p.black())
    else:
        s.on(0, 0, 0, (0.2, 0.25, 0.05), body)
        s.on(0, -0.08, 0, (0.2, 0.1, 0.35), body)
        s.on(0, 0, 0.27, (0.2, 0.25, 0.08), body)
        s.cone((0, 0.04, 0.05), 0.07, 0.14, p.metal())


def stove(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    body = [p.black(), p.white(), p.metal()][int(r.integers(3))]
    s.on(0, 0.32, 0, (0.7, 0.62, 0.9), body)
    s.on(0, 0.63, 0.25, (0.6, 0.02, 0.42), p.black())
    s.bar((-0.28, 0.67, 0.72), (0.28, 0.67, 0.72), 0.012, p.metal())
    for x in (-0.18, 0.18):
        for y in (0.18, 0.46):
            s.cone((x, y, 0.9), 0.09, 0.015, p.black())
    if r.random() < 0.6:
        s.cone((0.18, 0.18, 0.915), 0.11, 0.13, p.metal())
    if r.random() < 0.6:
        s.prism(
            [(0, 1.6), (0.5, 1.6), (0.5, 1.66), (0.2, 1.9), (0.2, 2.4), (0, 2.4)],
            0.6,
            (0, 0, 0),
            p.metal(),
            "yz",
        )
    return 0.75, 0.7


def fridge(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    w, d, h = r.uniform(0.6, 0.9), r.uniform(0.6, 0.75), r.uniform(1.5, 1.9)
    body = [p.white(), p.metal(), p.black(), p.white()][int(r.integers(4))]
    s.on(0, d / 2, 0, (w, d, h), body)
    cut = h * r.uniform(0.3, 0.68)
    s.on(0, d + 0.02, 0.05, (w - 0.01, 0.05, cut - 0.06), body)
    s.on(0, d + 0.02, cut, (w - 0.01, 0.05, h - cut), body)
    for z in (cut - 0.35, cut + 0.05):
        s.bar((-w * 0.4, d + 0.08, z), (-w * 0.4, d + 0.08, z + 0.28), 0.012, p.metal())
    for _ in range(int(r.integers(0, 7))):
        note = p.picture()
        s.on(
            r.uniform(-0.35, 0.35) * w,
            d + 0.047,
            r.uniform(0.7, h - 0.2),
            (0.12, 0.006, 0.15),
            note,
        )
    return w, d + 0.1


def basin(s: Builder, p: Palette) -> Footprint:
    """Wash stand with a mirror or cabinet above."""
    r = s.rng
    w, d, h = r.uniform(0.5, 1.4), r.uniform(0.45, 0.56), r.uniform(0.78, 0.88)
    wood = p.some_wood()
    if r.random() < 0.75:
        s.on(0, d / 2, 0, (w, d - 0.03, h - 0.04), wood)
        s.on(0, d, 0.06, (w - 0.03, 0.02, h - 0.14), p.face(wood, "panels", "drawers"))
        s.on(
            0,
            d / 2,
            h - 0.04,
            (w + 0.02, d + 0.03, 0.04),
            p.stone() if r.random() < 0.5 else p.white(),
        )
        s.ball((0, d / 2, h + 0.005), (0.42, 0.34, 0.05), p.white())
        s.ball((0, d / 2, h + 0.03), (0.34, 0.26, 0.03), p.metal())
    else:
        s.cone((0, d * 0.4, 0), 0.1, h - 0.1, p.white())
        s.cone((0, d / 2, h - 0.15), d * 0.3, 0.15, p.white(), top=d / 2)
    s.bar((0, 0.08, h), (0, 0.08, h + 0.15), 0.012, p.metal())
    s.bar((0, 0.08, h + 0.15), (0, 0.2, h + 0.13), 0.012, p.metal())
    mirror = p.make(
        p.near(0.55, 0.05, r.uniform(0.5, 0.85)), "clouds", "plain", "photo", fit=True, gloss=0.6
    )
    s.on(0, 0.02, 1.15, (w * r.uniform(0.7, 1), 0.03, r.uniform(0.6, 0.95)), mirror)
    if r.random() < 0.6:
        s.on(0, 0.06, 2.0, (w * 0.7, 0.08, 0.1), p.glowing(4.0))
    with s.at(0, d * 0.3, h):
        clutter.scatter(s, p, w, d * 0.5, 0, int(r.integers(1, 7)))
    return w, d


def toilet(s: Builder, p: Palette) -> Footprint:
    r = s.rng
    white = p.white()
    s.on(0, 0.1, 0.38, (0.42, 0.2, 0.38), white)
    s.on(0, 0.1, 0.76, (0.45, 0.23, 0.03), white)
    s.cone((0, 0.42, 0), 0.13, 0.26, white, top=0.17)
    s.ball((0, 0.44, 0.32), (0.38, 0.54, 0.26), white)
    s.ball((0, 0.45, 0.41), (0.4, 0.52, 0.05), white)
    if r.random() < 0.4:
        s.ball((0, 0.24, 0.62), (0.38, 0.05, 0.46), white)
    return 0.5, 0.75


def bathtub(s: Builder, p: Palette, w: float) -> Footprint:
    """Tub along the wall, sometimes with a curtain."""
    r = s.rng
    white, d, h = p.white(), 0.75, r.uniform(0.45, 0.6)
    s.on(0, d / 2, 0, (w, d, 0.15), white)
    for y in (0.04, d - 0.04):
        s.on(0, y, 0, (w, 0.08, h), white)
    for x in (-w / 2 + 0.05, w / 2 - 0.05):
        s.on(x, d / 2, 0, (0.1, d, h), white)
    if r.random() < 0.5:
        curtain(s, w * r.uniform(0.25, 0.6), 0.3, 2.0, p.cloth(), d)
        s.bar((-w / 2, d, 2.02), (w / 2, d, 2.02), 0.014, p.metal())
    return w, d


def curtain(s: Builder, width: float, bottom: float, top: float, cloth: Material, y: float) -> None:
    """Hanging cloth: a row of upright, overlapping folds starting left of the middle."""
    folds = max(3, int(width / s.rng.uniform(0.07, 0.12)))
    step = width / folds
    for k in range(folds):
        x = (k + 0.5) * step - width / 2
        size = (step * 1.25, s.rng.uniform(0.05, 0.1), (top - bottom) * 1.0)
        s.cone((x, y + s.rng.normal(0, 0.008), bottom), size[0] / 2, size[2], cloth)


def washer(s: Builder, p: Palette) -> Footprint:
    for k in range(int(s.rng.integers(1, 3))):
        x, white = k * 0.64 - 0.3, p.white()
        s.on(x, 0.3, 0, (0.6, 0.6, 0.88), white)
        s.on(x, 0.61, 0.74, (0.56, 0.02, 0.11), p.metal())
        s.box((x, 0.6, 0.42), (0.02, 0.02, 0.02), white)
        s.ball((x, 0.6, 0.42), (0.4, 0.06, 0.4), p.black(), turn_x(0.0))
    with s.at(0, 0.3, 0.88):
        clutter.scatter(s, p, 1, 0.5, 0, int(s.rng.integers(0, 5)))
        if s.rng.random() < 0.5:
            clutter.heap(s, p)
    return 1.3, 0.65


def radiator(s: Builder, p: Palette) -> Footprint:
    w, h = s.rng.uniform(0.6, 1.5), s.rng.uniform(0.45, 0.7)
    white = p.white()
    front = p.make(white.colors, "slats", fit=True, turn=True)
    s.on(0, 0.08, 0.12, (w, 0.09, h), front)
    return w, 0.2


def stairs(s: Builder, p: Palette) -> Footprint:
    """A flight of steps rising along +x beside the wall, with a hand rail."""
    r = s.rng
    steps, rise, run, width = int(r.integers(8, 14)), 0.18, 0.27, r.uniform(0.85, 1.1)
    tread, white = p.any_wood(), p.white()
    for k in range(steps):
        s.on((k - steps / 2) * run, width / 2, 0, (run + 0.02, width, rise * (k + 1) - 0.03), white)
        s.on(
            (k - steps / 2) * run,
            width / 2,
            rise * (k + 1) - 0.03,
            (run + 0.05, width, 0.03),
            tread,
        )
        s.bar(
            ((k - steps / 2) * run, width - 0.05, rise * (k + 1)),
            ((k - steps / 2) * run, width - 0.05, rise * (k + 1) + 0.85),
            0.012,
            white,
        )
    s.bar(
        (-steps / 2 * run, width - 0.05, 1.02),
        ((steps / 2 - 1) * run, width - 0.05, rise * steps + 0.85),
        0.028,
        tread,
    )
    return steps * run + 0.2, width


def person(s: Builder, p: Palette) -> Footprint:
    """Somebody standing: capsules and balls."""
    r = s.rng
    k = r.uniform(0.9, 1.08)
    skin = p.make(p.near(0.05, r.uniform(0.3, 0.6), r.uniform(0.3, 0.9)), "plain")
    trousers, shirt, hair = p.cloth(), p.cloth(), p.black() if r.random() < 0.6 else p.any_wood()
    stride = r.normal(0, 0.12)
    for side in (-1, 1):
        s.bar(
            (side * 0.09, 0.3 + side * stride, 0.06 * k),
            (side * 0.09, 0.3, 0.85 * k),
            0.075 * k,
            trousers,
        )
        s.ball((side * 0.09, 0.35 + side * stride, 0.05), (0.1, 0.26, 0.1), p.black())
        elbow = (side * 0.3, 0.3 + r.normal(0, 0.08), 1.12 * k)
        s.bar((side * 0.2, 0.3, 1.4 * k), elbow, 0.05, shirt)
        s.bar(elbow, (side * 0.26, 0.4 + r.uniform(-0.1, 0.2), 0.9 * k), 0.04, skin)
    s.ball((0, 0.3, 1.15 * k), (0.42, 0.28, 0.75 * k), shirt)
    s.cone((0, 0.3, 1.38 * k), 0.06, 0.14, skin)
    s.ball((0, 0.31, 1.62 * k), (0.18, 0.21, 0.25), skin)
    s.ball((0, 0.28, 1.66 * k), (0.2, 0.22, 0.22), hair)
    return 0.6, 0.6
