"""The empty room: floor, ceiling, walls with doors and windows, what hangs on them, its lights."""

from dataclasses import dataclass, replace

import numpy as np
from tools.render.fixtures import curtain
from tools.render.materials import Palette
from tools.render.scene import Builder, Light, Material

THICK = 0.14  # meters of a wall


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A hole in a wall, by its middle along the wall and its edges in meters."""

    middle: float
    width: float
    bottom: float
    top: float
    kind: str  # "window", "door" (closed), "gap" (open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """Inner side of a wall: its middle on the floor, the yaw of its own +y (into the room)."""

    x: float
    y: float
    yaw: float
    length: float
    openings: tuple[Opening, ...] = ()

    def free(self, rng: np.random.Generator, width: float) -> float | None:
        """A random place for something `width` wide that stands before no opening to the floor."""
        room = self.length - width
        if room <= 0.05:
            return None
        for _ in range(12):
            at = float(rng.uniform(-room / 2, room / 2))
            if rng.random() < 0.3:
                at = float(np.sign(at)) * room / 2 * 0.98
            blocked = any(
                abs(at - o.middle) < (width + o.width) / 2 and o.bottom < 0.3 for o in self.openings
            )
            if not blocked:
                return at
        return None


def four_walls(
    rng: np.random.Generator, w: float, d: float, h: float, windows: float, doors: float
) -> list[Wall]:
    """Walls of a room centered at the origin; the numbers are mean counts of openings a wall."""
    found = []
    for k, (x, y, length) in enumerate(
        ((0, -d / 2, w), (w / 2, 0, d), (0, d / 2, w), (-w / 2, 0, d))
    ):
        made: list[Opening] = []
        for kind, mean in (("window", windows), ("door", doors)):
            for _ in range(int(rng.poisson(mean))):
                made += _opening(rng, kind, length, h, made)
        found.append(Wall(x=x, y=y, yaw=k * np.pi / 2, length=length, openings=tuple(made)))
    return found


def _opening(
    rng: np.random.Generator, kind: str, length: float, h: float, others: list[Opening]
) -> list[Opening]:
    if kind == "window":
        width = float(rng.uniform(0.7, min(2.2, length * 0.7)))
        bottom, top = float(rng.choice([0.05, 0.8, 0.9, 1.0])), float(rng.uniform(1.95, h - 0.15))
    else:
        width, bottom, top = float(rng.choice([0.8, 0.9, 1.5])), 0.0, float(rng.uniform(2.0, 2.15))
        kind = "gap" if rng.random() < 0.4 else "door"
    room = length - width - 0.2
    middle = float(rng.uniform(-room / 2, room / 2)) if room > 0 else 0.0
    free = room > 0 and all(abs(middle - o.middle) > (width + o.width) / 2 + 0.1 for o in others)
    one = Opening(middle=middle, width=width, bottom=bottom, top=top, kind=kind)
    return [one] if free else []


def build_wall(
    s: Builder, p: Palette, wall: Wall, h: float, paint: Material, trim: Material
) -> None:
    """The wall in pieces around its openings, and what fills those."""
    with s.at(wall.x, wall.y, 0, wall.yaw):
        left = -wall.length / 2 - THICK
        for o in sorted(wall.openings, key=lambda o: o.middle):
            a, b = o.middle - o.width / 2, o.middle + o.width / 2
            s.on((left + a) / 2, -THICK / 2, 0, (a - left, THICK, h), paint)
            s.on(o.middle, -THICK / 2, o.top, (o.width, THICK, h - o.top), paint)
            if o.bottom > 0:
                s.on(o.middle, -THICK / 2, 0, (o.width, THICK, o.bottom), paint)
            left = b
            frame(s, o, trim)
            {"window": window, "door": door, "gap": gap}[o.kind](s, p, o, trim)
        end = wall.length / 2 + THICK
        s.on((left + end) / 2, -THICK / 2, 0, (end - left, THICK, h), paint)
        ends = [-wall.length / 2]
        for o in sorted((o for o in wall.openings if o.bottom < 0.2), key=lambda o: o.middle):
            ends += [o.middle - o.width / 2, o.middle + o.width / 2]
        ends.append(wall.length / 2)
        for a, b in zip(ends[::2], ends[1::2], strict=True):
            s.on((a + b) / 2, 0.008, 0, (max(b - a, 0.01), 0.016, 0.09), trim)


def frame(s: Builder, o: Opening, trim: Material) -> None:
    for x in (o.middle - o.width / 2, o.middle + o.width / 2):
        s.on(x, 0.005, o.bottom, (0.08, 0.04, o.top - o.bottom), trim)
    s.on(o.middle, 0.005, o.top - 0.01, (o.width + 0.08, 0.045, 0.08), trim)
    if o.bottom > 0.2:
        s.on(o.middle, 0.03, o.bottom - 0.03, (o.width + 0.12, 0.12, 0.04), trim)


def window(s: Builder, p: Palette, o: Opening, trim: Material) -> None:
    """A bright pane (washed-out outside, a blurred view or blinds), bars, perhaps curtains."""
    r = s.rng
    tall = o.top - o.bottom
    day = s.air.ambient_up[0] * float(r.uniform(2.5, 9)) if s.air.sun[2] > -0.5 else 0.02
    style = r.random()
    if style < 0.45:
        pane = p.glowing(day, "plain", "clouds")
    elif style < 0.75:
        pane = replace(p.photo(fit=True), glow=day, shadow=False, gloss=0.3)
    else:
        pane = p.glowing(day * 0.4, "slats")
    s.on(o.middle, -0.06, o.bottom, (o.width, 0.012, tall), pane)
    for k in range(1, int(r.integers(1, 4))):
        s.on(o.middle - o.width / 2 + k * o.width / 3, -0.05, o.bottom, (0.04, 0.04, tall), trim)
    if r.random() < 0.6:
        s.on(o.middle, -0.05, o.bottom + tall * r.uniform(0.4, 0.6), (o.width, 0.04, 0.04), trim)
    if r.random() < 0.45:
        cloth, low = p.cloth(), 0.05 if r.random() < 0.6 else o.bottom - 0.1
        each = o.width * r.uniform(0.15, 0.4)
        for side in (-1, 1):
            with s.at(o.middle + side * (o.width / 2 + 0.1 - each / 2), 0):
                curtain(s, each, low, o.top + 0.12, cloth, 0.1)
        s.bar(
            (o.middle - o.width / 2 - 0.25, 0.1, o.top + 0.13),
            (o.middle + o.width / 2 + 0.25, 0.1, o.top + 0.13),
            0.015,
            p.metal(),
        )
    inside = s.world(o.middle, 0.02, (o.bottom + o.top) / 2)
    turn = s.poses[-1][0]
    if len(s.lights) < 3 and day > 0.1:
        area = o.width * tall
        power = day * area * float(r.uniform(0.35, 0.7))
        s.lights.append(
            Light(
                center=inside.tolist(),
                axes=((turn[:, 0] * o.width / 2).tolist(), [0, 0, tall / 2]),
                normal=turn[:, 1].tolist(),
                color=(power, power * 0.98, power * 0.96),
            )
        )


def door(s: Builder, p: Palette, o: Opening, trim: Material) -> None:
    """A closed door, or one standing ajar into the room."""
    leaf = p.face(trim if s.rng.random() < 0.5 else p.some_wood(), "panels", "plain", "wood")
    w, h = o.width - 0.02, o.top - 0.01
    if s.rng.random() < 0.3:
        with s.at(o.middle - w / 2, 0.01, 0, float(s.rng.uniform(0.4, 1.7))):
            s.on(w / 2, 0, 0.005, (w, 0.04, h), leaf)
            s.ball((w - 0.06, 0.05, 1.0), (0.06, 0.06, 0.06), p.metal())
        gap(s, p, o, trim)
    else:
        s.on(o.middle, -0.05, 0, (w, 0.04, h), leaf)
        s.ball((o.middle + w / 2 - 0.07, 0.0, 1.0), (0.06, 0.06, 0.06), p.metal())


def gap(s: Builder, p: Palette, o: Opening, trim: Material) -> None:
    """Behind an opening: a piece of the next room, closed on all sides."""
    r = s.rng
    paint, deep = p.paint(), float(r.uniform(1.0, 4.5))
    wide = max(o.width + 0.3, float(r.uniform(1.2, 3.5)))
    back = -THICK - deep
    s.on(o.middle, back - 0.05, 0, (wide, 0.1, 2.6), paint)
    for side in (-1, 1):
        s.on(o.middle + side * (wide / 2 + 0.05), back / 2 - 0.07, 0, (0.1, deep, 2.6), paint)
    s.on(o.middle, back / 2 - THICK / 2, 2.5, (wide + 0.2, deep + 0.1, 0.1), p.ceiling())
    s.on(o.middle, back / 2, -0.1, (wide + 0.2, deep + THICK + 0.1, 0.1), p.floor())
    if r.random() < 0.5:
        s.on(
            o.middle + r.uniform(-0.5, 0.5),
            back + 0.03,
            0.0,
            (0.85, 0.05, 2.05),
            p.face(trim, "panels"),
        )
    if r.random() < 0.5:
        size = r.uniform(0.4, 0.9, 3)
        s.on(o.middle + r.normal(0, 0.3), back + 0.4, 0, size.tolist(), p.some_wood())
    if r.random() < 0.4:
        s.on(o.middle + r.normal(0, 0.3), back + 0.02, 1.3, (0.5, 0.03, 0.4), p.picture())


def decorate(s: Builder, p: Palette, wall: Wall) -> None:
    """Pictures, clocks, switches, notices, small wall shelves."""
    r = s.rng
    with s.at(wall.x, wall.y, 0, wall.yaw):
        for _ in range(int(r.poisson(0.5 * wall.length))):
            w, tall = r.uniform(0.2, 0.9, 2)
            x = float(r.uniform(-0.45, 0.45) * wall.length)
            if any(abs(x - o.middle) < (w + o.width) / 2 + 0.05 for o in wall.openings):
                continue
            z = float(r.uniform(1.35, 1.75))
            kind = r.random()
            if kind < 0.75:
                edge = p.some_wood() if r.random() < 0.6 else p.black()
                s.box((x, 0.012, z), (w, 0.024, tall), edge)
                rim = r.uniform(0.02, 0.08)
                s.box((x, 0.018, z), (w - rim, 0.02, tall - rim), p.picture())
            elif kind < 0.85:
                s.ball((x, 0.01, z + 0.2), (0.3, 0.05, 0.3), p.white())
            else:
                s.box((x, 0.1, z), (w, 0.2, 0.025), p.some_wood())
                if r.random() < 0.8:
                    s.on(x, 0.08, z + 0.012, (w * 0.8, 0.14, 0.22), p.books())
        if r.random() < 0.7:
            s.box((r.uniform(-0.4, 0.4) * wall.length, 0.005, 1.1), (0.08, 0.012, 0.12), p.white())


def lamps(s: Builder, p: Palette, w: float, d: float, h: float, power: float) -> None:
    """Ceiling lamps of one sort; the first ones also cast the room's sharp light."""
    r = s.rng
    style, count = r.random(), int(r.integers(1, 3 + (w * d > 20)))
    warm = float(r.uniform(0.55, 1.0))
    for k in range(count):
        x = (k + 0.5) / count * w - w / 2 if count > 1 else float(r.normal(0, 0.1) * w)
        y = float(r.normal(0, 0.12) * d)
        glowing = p.glowing(6.0)
        if style < 0.35:
            s.on(x, y, h - 0.03, (1.2, 0.3, 0.04), glowing)
        elif style < 0.6:
            s.ball((x, y, h - 0.04), (0.4, 0.4, 0.16), glowing)
        elif style < 0.85:
            drop = float(r.uniform(0.3, 0.8))
            s.bar((x, y, h - drop), (x, y, h), 0.01, p.metal())
            s.cone((x, y, h - drop - 0.2), 0.2, 0.2, glowing, top=0.08)
        else:
            s.cone((x, y, h - 0.012), 0.09, 0.02, glowing)
        if len(s.lights) < 4:
            low = h - 0.12 if style < 0.6 or style > 0.85 else h - 0.75
            each = power / count
            s.lights.append(
                Light(
                    center=s.world(x, y, low).tolist(),
                    axes=([0.25, 0, 0], [0, 0.2, 0]),
                    normal=(0, 0, -1) if style < 0.35 else (0, 0, 0),
                    color=(each, each * (0.75 + 0.25 * warm), each * (0.4 + 0.6 * warm)),
                )
            )
