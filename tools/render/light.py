"""Light at half resolution: lamps with soft shadows, ambient light with one bounce, filters."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from tools.render.cull import by_reach, by_segment
from tools.render.rays import TILE, from_tiles, to_tiles
from tools.render.scene import Scenes
from tools.render.trace import trace
from torch import Tensor

AMBIENT_RAYS = 4
SHININESS = 48.0
HALF_TILE = TILE // 2
# A 4x4 pattern whose every row, column and quarter spreads over 0..15: neighbors sample different
# parts of a light, and the filter below gathers them again.
_PATTERN = torch.tensor([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Half-resolution surfaces (padded to whole tiles): world point, normal, hit or sky."""

    point: Float[Tensor, "b 3 h w"]
    normal: Float[Tensor, "b 3 h w"]
    depth: Float[Tensor, "b 1 h w"]  # inf = sky


def unit(vectors: Tensor, dim: int) -> Tensor:
    """Vectors of length 1; much faster than the library's norm over a middle axis."""
    length = (vectors * vectors).sum(dim, keepdim=True).clamp(min=1e-18)
    return vectors * length.rsqrt()


def _spread(device: torch.device, salt: int) -> tuple[Tensor, Tensor]:
    """Two numbers in 0..1 for the rays of a half-resolution tile, different for each `salt`."""
    side = HALF_TILE // 4
    first = _PATTERN.repeat(side, side).flatten().to(device)
    second = (first * 7 + 3) % 16  # another order of the same sixteen
    golden, other = 0.61803399 * salt % 1, 0.75487767 * salt % 1
    return ((first + 0.5) / 16 + golden) % 1, ((second + 0.5) / 16 + other) % 1


def _box(points: Float[Tensor, "b t 3 r"], real: Tensor) -> tuple[Tensor, Tensor]:
    """Center and half size of the box around each tile's points that are hits."""
    low = torch.where(real, points, torch.full_like(points, 1e9)).amin(-1)
    high = torch.where(real, points, torch.full_like(points, -1e9)).amax(-1)
    return (low + high) / 2, (high - low) / 2


def light_field(
    scenes: Scenes, field: Field, eye: Float[Tensor, "b 3"], mean_color: Float[Tensor, "b n 3"]
) -> Float[Tensor, "b 6 h w"]:
    """Diffuse irradiance / pi (3 channels) and highlight radiance (3), filtered along surfaces."""
    casters = scenes.casters()
    point = to_tiles(field.point, HALF_TILE)
    normal = to_tiles(field.normal, HALF_TILE)
    depth = to_tiles(field.depth, HALF_TILE)
    real = torch.isfinite(depth)
    start = point + normal * (5e-4 + 1e-3 * torch.where(real, depth, torch.zeros_like(depth)))
    center, extent = _box(start, real)
    some = real.any(-1)[..., 0]
    view = unit(eye[:, None, :, None] - point, dim=2)
    diffuse = _ambient(casters, start, normal, center, extent, some, mean_color)
    shine = torch.zeros_like(diffuse)
    for number in range(scenes.light.shape[1]):
        lamp = scenes.light[:, number]
        if not bool((lamp[:, 12:] > 0).any()):
            continue
        target, axis_a, axis_b, facing, color = torch.split(lamp, 3, dim=1)
        first, second = _spread(point.device, number)
        spot = (
            target[:, :, None]
            + axis_a[:, :, None] * (2 * first - 1)
            + axis_b[:, :, None] * (2 * second - 1)
        )[:, None]
        way = spot - start
        square = (way * way).sum(2, keepdim=True).clamp(min=0.04)
        toward = way / square.sqrt()
        cosine = (toward * normal).sum(2, keepdim=True).clamp(min=0)
        leaving = -(toward * facing[:, None, :, None]).sum(2, keepdim=True)
        any_side = (facing.abs().sum(1) == 0)[:, None, None, None]
        leaving = torch.where(any_side, torch.ones_like(leaving), leaving).clamp(min=0)
        strength = cosine * leaving / square
        needed = some & (strength.amax((2, 3)) > 0)
        spread = axis_a.abs() + axis_b.abs()
        mask = by_segment(casters, center, extent, target, spread) & needed[..., None]
        hidden = trace(casters, mask, start, way).t < 0.999
        reaching = strength * ~hidden[:, :, None]
        diffuse = diffuse + reaching * color[:, None, :, None]
        middle = unit(toward + view, dim=2)
        glint = (middle * normal).sum(2, keepdim=True).clamp(min=0) ** SHININESS
        shine = shine + glint * reaching * color[:, None, :, None]
    columns = field.point.shape[3] // HALF_TILE
    return _smooth(from_tiles(torch.cat([diffuse, shine], 2), HALF_TILE, columns), field)


def _ambient(
    casters: Scenes,
    start: Float[Tensor, "b t 3 r"],
    normal: Float[Tensor, "b t 3 r"],
    center: Float[Tensor, "b t 3"],
    extent: Float[Tensor, "b t 3"],
    some: Tensor,
    mean_color: Float[Tensor, "b n 3"],
) -> Float[Tensor, "b t 3 r"]:
    """Light from the upper half space: short rays; what they meet sends its own color back."""
    up, down, reach = casters.air[:, 0:3], casters.air[:, 3:6], casters.air[:, 15]
    helper = torch.where(
        normal[:, :, 2:].abs() < 0.9,
        normal.new_tensor([0.0, 0.0, 1.0])[:, None],
        normal.new_tensor([1.0, 0.0, 0.0])[:, None],
    )
    side = unit(torch.cross(helper, normal, dim=2), dim=2)
    other = torch.cross(normal, side, dim=2)
    rays = []
    for k in range(AMBIENT_RAYS):
        first, second = _spread(start.device, k + 11)
        angle = (first + k) * (6.2831853 / AMBIENT_RAYS)
        radius = second.sqrt()  # cosine-weighted around the normal
        lift = (1 - second).sqrt()
        rays.append(side * (radius * angle.cos()) + other * (radius * angle.sin()) + normal * lift)
    direction = torch.cat(rays, 3)
    mask = by_reach(casters, center, extent, reach) & some[..., None]
    length = reach[:, None, None, None]
    hits = trace(casters, mask, start.repeat(1, 1, 1, AMBIENT_RAYS), direction * length)
    met = (hits.t < 1)[:, :, None]
    share = (direction[:, :, 2:] + 1) / 2
    free = down[:, None, :, None] + share * (up - down)[:, None, :, None]
    index = hits.index.clamp(min=0).flatten(1)
    color = torch.gather(mean_color, 1, index[..., None].expand(-1, -1, 3))
    color = color.reshape(*hits.index.shape, 3).permute(0, 1, 3, 2)
    back = color * (0.6 * (up + down) / 2)[:, None, :, None]
    near = torch.where(met, hits.t[:, :, None].clamp(0, 1), torch.ones_like(share))
    light = back + (free - back) * near
    return light.reshape(*light.shape[:3], AMBIENT_RAYS, -1).mean(3)


def _agreement(
    field: Field, point: Float[Tensor, "b 3 h w"], normal: Float[Tensor, "b 3 h w"], depth: Tensor
) -> Float[Tensor, "b 1 h w"]:
    """How much two samples lie on one smooth surface, 0..1: normals and distance to the plane."""
    same = (field.normal * normal).sum(1, keepdim=True).clamp(min=0).square().square().square()
    off = (field.normal * (point - field.point)).sum(1, keepdim=True).abs()
    return same * torch.exp(-off / (0.01 + 0.01 * depth))


def _smooth(light: Float[Tensor, "b 6 h w"], field: Field) -> Float[Tensor, "b 6 h w"]:
    """Two filters that stop at edges and creases.

    The first gathers the 4x4 samples that together see all of a light; the second is wide.
    """
    depth = torch.where(torch.isfinite(field.depth), field.depth, torch.ones_like(field.depth))
    guide = torch.cat([field.point, field.normal], 1)
    h, w = light.shape[2:]
    for reach, step in ((range(4), 1), (range(0, 5, 2), 2)):
        total, weight = torch.zeros_like(light), torch.full_like(depth, 1e-6)
        before, after = (1, 2) if step == 1 else (2, 2)
        around = (before, after, before, after)
        padded = F.pad(torch.cat([light, guide], 1), around, mode="replicate")
        for dy in reach:
            for dx in reach:
                near = padded[:, :, dy : dy + h, dx : dx + w]
                share = _agreement(field, near[:, 6:9], near[:, 9:12], depth)
                total += share * near[:, :6]
                weight += share
        light = total / weight
    return light


def enlarge(light: Float[Tensor, "b 6 h w"], field: Field, full: Field) -> Float[Tensor, "b 6 y x"]:
    """Full-resolution light, from those of the four nearest samples that lie on the surface."""
    h, w = light.shape[2:]
    y = torch.arange(2 * h, device=light.device)
    x = torch.arange(2 * w, device=light.device)
    everything = torch.cat([light, field.point, field.normal], 1)
    depth = torch.where(torch.isfinite(full.depth), full.depth, torch.ones_like(full.depth))
    total = torch.zeros_like(full.point.repeat(1, 2, 1, 1))
    weight = torch.zeros_like(depth)
    for dy in (0, 1):
        for dx in (0, 1):
            row, column = _tap(y, dy, h), _tap(x, dx, w)
            near = everything[:, :, row][:, :, :, column]
            flat = _hat(y, dy)[:, None] * _hat(x, dx)
            share = flat * (_agreement(full, near[:, 6:9], near[:, 9:12], depth) + 1e-4)
            total += share * near[:, :6]
            weight += share
    return total / weight


def _tap(position: Int[Tensor, " n"], step: int, count: int) -> Int[Tensor, " n"]:
    return (position // 2 + step).clamp(max=count - 1)


def _hat(position: Int[Tensor, " n"], step: int) -> Float[Tensor, " n"]:
    away = 0.5 * (position % 2)
    return away if step else 1 - away
