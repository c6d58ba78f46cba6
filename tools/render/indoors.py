"""Rooms of many sorts: which furniture stands where, the light, and where a camera may stand."""

from collections.abc import Callable
from functools import partial

import numpy as np
from tools.render import clutter, fixtures, furniture, halls, seats
from tools.render.materials import Palette
from tools.render.scene import Air, Builder, Light, View
from tools.render.seats import Footprint
from tools.render.shell import Wall, build_wall, decorate, four_walls, lamps
from tools.render.textures import Bank

Piece = Callable[[Builder, Palette], Footprint]

# Sort of room: share, typical pieces along the walls, pieces in the middle, tiled floor.
ROOMS: dict[str, tuple[float, tuple[Piece, ...], tuple[Piece, ...], bool]] = {
    "bedroom": (0.24, (furniture.bed, furniture.chest, furniture.wardrobe, furniture.chest,
                       furniture.bookcase, furniture.desk, seats.chair, furniture.floor_lamp,
                       fixtures.radiator, furniture.cartons), (), False),
    "living": (0.22, (seats.sofa, furniture.television, furniture.bookcase, seats.sofa,
                      furniture.chest, furniture.floor_lamp, furniture.piano, fixtures.radiator,
                      fixtures.stairs), (furniture.low_table, seats.sofa), False),
    "dining": (0.12, (furniture.chest, furniture.bookcase, furniture.chest, seats.chair,
                      furniture.floor_lamp), (furniture.dining,), False),
    "office": (0.16, (furniture.desk, furniture.bookcase, furniture.desk, furniture.chest,
                      furniture.cartons, fixtures.radiator), (furniture.desk,), False),
    "study": (0.08, (furniture.desk, furniture.bookcase, furniture.bookcase, furniture.bookcase,
                     seats.sofa, furniture.floor_lamp), (), False),
    "bath": (0.08, (fixtures.basin, fixtures.toilet, fixtures.washer, furniture.chest,
                    fixtures.radiator), (), True),
    "store_room": (0.10, (furniture.cartons, furniture.bookcase, fixtures.washer,
                          furniture.wardrobe, furniture.cartons, furniture.bookcase),
                   (furniture.cartons,), False),
}  # fmt: skip
HALLS, KITCHENS = 0.14, 0.14  # shares of all indoor scenes


def _overlaps(boxes: list[tuple[float, ...]], box: tuple[float, ...]) -> bool:
    return any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in boxes)


def _footprint(wall: Wall, at: float, w: float, d: float) -> tuple[float, ...]:
    """Corners in the room of a w x d piece at a place along a wall."""
    c, s = np.cos(wall.yaw), np.sin(wall.yaw)
    ends = [(at - w / 2, 0.0), (at + w / 2, d)]
    x = [wall.x + c * a - s * b for a, b in ends]
    y = [wall.y + s * a + c * b for a, b in ends]
    return (min(x), min(y), max(x), max(y))


def _size(s: Builder, p: Palette, piece: Piece) -> tuple[float, float, Builder]:
    """Build a piece in a drawer of its own, so that its size is known before it is placed."""
    spare = Builder(rng=s.rng)
    spare.air = s.air
    w, d = piece(spare, p)
    return w, d, spare


def place(s: Builder, spare: Builder, wall: Wall, at: float) -> None:
    """Move what `_size` built to its wall."""
    with s.at(wall.x, wall.y, 0, wall.yaw), s.at(at, 0.02):
        rotation, center = s.poses[-1]
    for kind, frame, extra in zip(spare.kinds, spare.frames, spare.extras, strict=True):
        s.kinds.append(kind)
        moved = rotation @ frame
        moved[:, 3] += center
        s.frames.append(moved)
        shift = {3: len(s.outlines), 4: len(s.grids)}.get(kind, 0)
        s.extras.append(extra + shift)
    s.halves += spare.halves
    s.rows += spare.rows
    s.outlines += spare.outlines
    s.grids += spare.grids


def furnish(
    s: Builder, p: Palette, walls: list[Wall], pieces: list[Piece], taken: list[tuple[float, ...]]
) -> None:
    """Each piece goes to a random wall where it fits, or is left out after some tries."""
    for piece in pieces:
        w, d, spare = _size(s, p, piece)
        for _ in range(6):
            wall = walls[int(s.rng.integers(len(walls)))]
            at = wall.free(s.rng, w)
            if at is None:
                continue
            box = _footprint(wall, at, w, d)
            if not _overlaps(taken, box):
                place(s, spare, wall, at)
                taken.append(box)
                break


def views_in(
    rng: np.random.Generator, w: float, d: float, h: float, taken: list[tuple[float, ...]]
) -> list[View]:
    """Cameras held at 1 to 1.8 m, near the walls, turned into the room, looking a little down."""
    found: list[View] = []
    while len(found) < 14:
        edge = rng.uniform(0.25, 0.6)
        x, y = rng.uniform(-0.5, 0.5) * (w - edge), rng.uniform(-0.5, 0.5) * (d - edge)
        if rng.random() < 0.7:  # stand back towards a side
            if rng.random() < 0.5:
                x = np.sign(x) * (w / 2 - edge)
            else:
                y = np.sign(y) * (d / 2 - edge)
        z = float(np.clip(rng.normal(1.35, 0.22), 0.8, min(1.85, h - 0.3)))
        if len(found) > 4 and _overlaps(taken, (x - 0.2, y - 0.2, x + 0.2, y + 0.2)) and z < 1.2:
            continue
        goal = rng.uniform(-0.35, 0.35, 2) * (w, d)
        yaw = float(np.arctan2(-(goal[0] - x), goal[1] - y))
        pitch = float(np.radians(np.clip(rng.normal(-14, 9), -45, 12)))
        roll = float(np.radians(rng.normal(0, 2.0)))
        found.append(View(position=(float(x), float(y), z), yaw=yaw, pitch=pitch, roll=roll))
    return found


def _light(s: Builder, p: Palette, w: float, d: float, h: float) -> None:
    """Lamps unless daylight alone does it; a low sun now and then; ambient light to match."""
    r = s.rng
    day = s.air.sun[2] > -0.5
    if not day or r.random() < 0.65:
        lamps(s, p, w, d, h, float(r.uniform(0.25, 1.0)) * w * d * 0.12)
    if day and r.random() < 0.35 and len(s.lights) < 4:
        x, y, z = s.air.sun
        power = float(r.uniform(0.5, 2.5)) * 1e6
        s.lights.append(
            Light(
                center=(1000 * x, 1000 * y, 1000 * z),
                axes=((5, 0, 0), (0, 5, 0)),
                normal=(0, 0, 0),
                color=(power, power * 0.93, power * 0.82),
            )
        )


def _air(rng: np.random.Generator) -> Air:
    day = rng.random() < 0.75
    level = float(np.exp(rng.uniform(np.log(0.03), np.log(0.2))))
    warm = float(rng.uniform(0.75, 1.05))
    angle, up = rng.uniform(0, 6.28), rng.uniform(0.25, 0.8)
    flat = (1 - up * up) ** 0.5
    sun = (float(flat * np.cos(angle)), float(flat * np.sin(angle)), float(up))
    down = level * float(rng.uniform(0.5, 0.95))
    return Air(
        ambient_up=(level, level * (0.5 + 0.5 * warm), level * warm),
        ambient_down=(down, down * (0.55 + 0.4 * warm), down * warm * 0.9),
        horizon=(0.9, 0.92, 1.0),
        sun=sun if day else (0.0, 0.0, -1.0),
        reach=float(rng.uniform(0.5, 1.2)),
    )


def build_room(s: Builder, p: Palette) -> None:
    """A furnished room with four walls."""
    r = s.rng
    names = [*ROOMS, "kitchen"]
    shares = np.array([ROOMS[n][0] for n in ROOMS] + [KITCHENS])
    name = str(r.choice(names, p=shares / shares.sum()))
    kitchen = name == "kitchen"
    _, along, middle, wet = ROOMS.get(name, (0, (fixtures.fridge, fixtures.stove), (), True))
    small = name in ("bath", "store_room")
    w, d = (float(v) for v in (r.uniform(1.8, 3.2, 2) if small else r.uniform(2.6, 5.4, 2)))
    h = float(r.uniform(2.35, 3.1))
    walls = four_walls(r, w, d, h, 0.15 if small else 0.45, 0.35)
    paint, trim = p.paint(), p.white() if r.random() < 0.65 else p.wood
    if wet and r.random() < 0.4:
        paint = p.floor(wet=True)
    other = p.paint() if r.random() < 0.15 else paint
    s.on(0, 0, -0.1, (w + 0.3, d + 0.3, 0.1), p.floor(wet))
    s.on(0, 0, h, (w + 0.3, d + 0.3, 0.1), p.ceiling())
    for k, wall in enumerate(walls):
        build_wall(s, p, wall, h, other if k == 0 else paint, trim)
        decorate(s, p, wall)
    taken: list[tuple[float, ...]] = []
    if kitchen:
        for wall in walls[: int(r.integers(1, 4))]:
            piece: Piece = partial(
                fixtures.kitchen_run, length=wall.length * float(r.uniform(0.5, 0.98))
            )
            furnish(s, p, [wall], [piece], taken)
        middle = (furniture.dining,) if min(w, d) > 3.6 else ()
    if name == "bath" and r.random() < 0.7:
        wall = walls[int(r.integers(4))]
        furnish(s, p, [wall], [partial(fixtures.bathtub, w=min(wall.length, 1.7))], taken)
    drawn = [along[0]] + [along[int(k)] for k in r.integers(0, len(along), int(r.integers(8, 20)))]
    # No room has three fridges: a piece comes twice only if the list names it twice.
    pieces = [f for k, f in enumerate(drawn) if drawn[:k].count(f) < max(1, along.count(f))]
    furnish(s, p, walls, pieces, taken)
    for piece in middle:
        if r.random() < 0.75:
            pw, pd, spare = _size(s, p, piece)
            at = Wall(
                x=float(r.normal(0, 0.12) * w), y=float(r.normal(0, 0.12) * d) - pd / 2,
                yaw=float(r.choice([0, np.pi / 2, np.pi])) + float(r.normal(0, 0.1)), length=pw,
            )  # fmt: skip
            box = _footprint(at, 0, pw, pd)
            if not _overlaps(
                [(o[0] + 0.3, o[1] + 0.3, o[2] - 0.3, o[3] - 0.3) for o in taken], box
            ):
                place(s, spare, at, 0)
                taken.append(box)
    _on_floor(s, p, w, d)
    _light(s, p, w, d, h)
    s.views = views_in(r, w, d, h, taken)


def _on_floor(s: Builder, p: Palette, w: float, d: float) -> None:
    """A rug, and things left on the floor."""
    r = s.rng
    if r.random() < 0.4:
        rug = p.make(p.vivid(), "rug", "stripes", "plaid", "carpet", "rug", fit=True)
        size = (float(r.uniform(0.3, 0.7)) * w, float(r.uniform(0.3, 0.7)) * d, 0.012)
        s.on(float(r.normal(0, 0.1) * w), float(r.normal(0, 0.1) * d), 0, size, rug)
    for _ in range(int(r.poisson(4.0))):
        with s.at(float(r.uniform(-0.45, 0.45) * w), float(r.uniform(-0.45, 0.45) * d), 0.01,
                  float(r.uniform(0, 6.28))):  # fmt: skip
            clutter.one_of(s, p, *clutter.ON_FLOOR)
    if r.random() < 0.06:
        with s.at(float(r.uniform(-0.3, 0.3) * w), float(r.uniform(-0.3, 0.3) * d), 0,
                  float(r.uniform(0, 6.28))):  # fmt: skip
            fixtures.person(s, p)


def build_indoor(rng: np.random.Generator, bank: Bank) -> Builder:
    """One indoor scene with its candidate cameras."""
    s = Builder(rng=rng)
    s.air = _air(rng)
    p = Palette(rng, bank)
    if rng.random() < HALLS:
        halls.build_hall(s, p)
    else:
        build_room(s, p)
    return s
