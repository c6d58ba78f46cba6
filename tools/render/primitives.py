"""Ray intersections with the five unit shapes every scene is made of.

Each primitive maps the world into its own space, where it fills the cube [-1, 1]^3:
box = the cube; ellipsoid = the unit ball; cone = radius 1 at z = -1, `taper` at z = +1 (1 makes a
cylinder); prism = an outline in x, y of up to EDGES corners over z in [-1, 1]; height = the ground
under z = grid(x, y), bilinear between the nodes. An affine map keeps the ray parameter, so t comes
out in world units. Origins and directions are p 3 r (r may be 1 in origins); the answer is p r,
inf = missed.
"""

import torch
from jaxtyping import Float
from torch import Tensor

BOX, ELLIPSOID, CONE, PRISM, HEIGHT = range(5)
EDGES = 12  # corners of an outline; shorter ones repeat the last corner
NEAR = 1e-5  # hits closer than this lie on the surface the ray starts from
STEPS, HALVINGS = 40, 9  # search along a ray over a height field
TINY = 1e-12
INF = float("inf")

Vectors = Float[Tensor, "p 3 r"]
Hits = Float[Tensor, "p r"]


def _safe(x: Tensor) -> Tensor:
    return torch.where(x.abs() < TINY, torch.full_like(x, TINY), x)


def slab(origin: Float[Tensor, " p 3 #r"], direction: Vectors) -> tuple[Hits, Hits]:
    """Where rays enter and leave the cube; enter > leave means missed."""
    inverse = 1.0 / _safe(direction)
    middle, reach = -origin * inverse, inverse.abs()
    low, high = middle - reach, middle + reach
    enter = torch.maximum(torch.maximum(low[:, 0], low[:, 1]), low[:, 2])
    leave = torch.minimum(torch.minimum(high[:, 0], high[:, 1]), high[:, 2])
    return enter, leave


def hit_box(origin: Float[Tensor, " p 3 #r"], direction: Vectors) -> Hits:
    """First face in front of the ray; from inside, the face it leaves through."""
    enter, leave = slab(origin, direction)
    t = torch.where(enter > NEAR, enter, leave)
    return t.masked_fill((enter > leave) | (t <= NEAR), INF)


def hit_ellipsoid(origin: Float[Tensor, " p 3 #r"], direction: Vectors) -> Hits:
    """Solved from the point of closest approach: far, small balls keep their precision."""
    a = (direction * direction).sum(1)
    middle = -(origin * direction).sum(1) / a
    foot = origin + middle[:, None] * direction
    room = (1.0 - (foot * foot).sum(1)) / a
    half = room.clamp(min=0).sqrt()
    t = torch.where(middle - half > NEAR, middle - half, middle + half)
    return t.masked_fill((room < 0) | (t <= NEAR), INF)


def hit_cone(
    origin: Float[Tensor, " p 3 #r"], direction: Vectors, taper: Float[Tensor, " p"]
) -> Hits:
    """Capped cone between z = -1 (radius 1) and z = +1 (radius `taper`)."""
    ox, oy, oz = origin.unbind(1)
    dx, dy, dz = direction.unbind(1)
    slope = ((taper - 1.0) / 2)[:, None]
    # Radius and its change along the ray; the side is |xy(t)| = radius(t).
    r0, dr = 1.0 + slope * (oz + 1.0), slope * dz
    a = _safe(dx * dx + dy * dy - dr * dr)
    b = ox * dx + oy * dy - r0 * dr
    c = ox * ox + oy * oy - r0 * r0
    inside = b * b - a * c
    root = inside.clamp(min=0).sqrt()
    best = torch.full_like(b, INF)
    for sign in (-1.0, 1.0):
        t = (-b + sign * root) / a
        good = (inside >= 0) & (t > NEAR) & ((oz + t * dz).abs() <= 1) & (r0 + t * dr >= 0)
        best = torch.where(good & (t < best), t, best)
    inverse = 1.0 / _safe(dz)
    for top in (-1.0, 1.0):
        t = (top - oz) * inverse
        x, y = ox + t * dx, oy + t * dy
        radius = taper[:, None] if top > 0 else 1.0
        good = (t > NEAR) & (x * x + y * y <= radius * radius)
        best = torch.where(good & (t < best), t, best)
    return best


def hit_prism(
    origin: Float[Tensor, " p 3 #r"], direction: Vectors, outline: Float[Tensor, "p e 2"]
) -> Hits:
    """Extruded outline, convex or not (even-odd rule on the caps)."""
    ox, oy, oz = origin.unbind(1)
    dx, dy, dz = direction.unbind(1)
    best = torch.full_like(dx, INF)
    inverse = 1.0 / _safe(dz)
    caps = [(top - oz) * inverse for top in (-1.0, 1.0)]
    points = [(ox + t * dx, oy + t * dy) for t in caps]
    odd = [torch.zeros_like(dx, dtype=torch.bool) for _ in caps]
    after = outline.roll(-1, dims=1)
    for corner in range(outline.shape[1]):
        ax, ay = outline[:, corner, 0, None], outline[:, corner, 1, None]
        ex, ey = after[:, corner, 0, None] - ax, after[:, corner, 1, None] - ay
        across = _safe(dx * ey - dy * ex)
        t = ((ax - ox) * ey - (ay - oy) * ex) / across
        along = ((ax - ox) * dy - (ay - oy) * dx) / across
        good = (t > NEAR) & (along >= 0) & (along <= 1) & ((oz + t * dz).abs() <= 1)
        good &= ex.abs() + ey.abs() > TINY
        best = torch.where(good & (t < best), t, best)
        for k, (x, y) in enumerate(points):
            crosses = (ay > y) != (ay + ey > y)
            odd[k] ^= crosses & (x < ax + ex * (y - ay) / _safe(ey))
    for t, inside in zip(caps, odd, strict=True):
        best = torch.where(inside & (t > NEAR) & (t < best), t, best)
    return best


def ground(
    grid: Float[Tensor, "k g g"], slot: Tensor, x: Tensor, y: Tensor
) -> Float[Tensor, "..."]:
    """Bilinear height at x, y in [-1, 1] (clamped); rows of the grid run along y."""
    nodes = grid.shape[-1]
    u = ((x + 1) * ((nodes - 1) / 2)).clamp(0, nodes - 1 - 1e-4)
    v = ((y + 1) * ((nodes - 1) / 2)).clamp(0, nodes - 1 - 1e-4)
    column, row = u.long(), v.long()
    u, v = u - column, v - row
    flat = grid.reshape(-1)
    base = slot * (nodes * nodes) + row * nodes + column
    top = flat[base] * (1 - u) + flat[base + 1] * u
    bottom = flat[base + nodes] * (1 - u) + flat[base + nodes + 1] * u
    return top * (1 - v) + bottom * v


def hit_height(
    origin: Float[Tensor, " p 3 #r"],
    direction: Vectors,
    grid: Float[Tensor, "k g g"],
    slot: Tensor,
) -> Hits:
    """First step from above the ground to below it, then halved and refined by a secant.

    Steps grow with the distance from the entry; a ridge thinner than a step may be missed.
    """
    enter, leave = slab(origin, direction)
    start = enter.clamp(min=NEAR)
    slots = slot[:, None].expand_as(start)

    def above(t: Tensor) -> Tensor:
        x, y, z = (origin[:, i] + t * direction[:, i] for i in range(3))
        return z - ground(grid, slots, x, y)

    span = (leave - start).clamp(min=0)
    low, high = start.clone(), torch.full_like(start, INF)
    for step in range(1, STEPS + 1):
        t = start + span * (step / STEPS) ** 2
        under = above(t) < 0
        high = torch.where(under & torch.isinf(high), t, high)
        low = torch.where(torch.isinf(high), t, low)
    found = torch.isfinite(high) & (leave > start) & (above(start) >= 0)
    high = torch.where(found, high, low)
    for _ in range(HALVINGS):
        t = (low + high) / 2
        under = above(t) < 0
        low, high = torch.where(under, low, t), torch.where(under, t, high)
    over, below = above(low), above(high)
    t = low + (high - low) * (over / _safe(over - below)).clamp(0, 1)
    # A ray that enters the cube through a side below the ground meets the block's side wall.
    t = torch.where((above(start) < 0) & (leave > start) & (enter > NEAR), start, t)
    solid = found | ((above(start) < 0) & (leave > start) & (enter > NEAR))
    return t.masked_fill(~solid, INF)
