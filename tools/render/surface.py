"""What a hit looks like up close: point, normal, texture coordinates, color."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from tools.render.primitives import BOX, CONE, ELLIPSOID, HEIGHT, PRISM, ground
from tools.render.scene import FIELDS, Scenes
from tools.render.textures import Bank, sample
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """Hits of a batch, one row a ray; where a ray missed the values are finite and unused."""

    point: Float[Tensor, "b m 3"]  # world
    normal: Float[Tensor, "b m 3"]  # world, unit, towards the ray's origin
    material: Float[Tensor, "b m 19"]
    local: Float[Tensor, "b m 3"]  # in unit space
    axis: Float[Tensor, "b m 3"]  # normal in the primitive's metric frame
    half: Float[Tensor, "b m 3"]
    kind: Int[Tensor, "b m"]


def _gather(values: Tensor, index: Int[Tensor, "b m"]) -> Tensor:
    b, n = values.shape[:2]
    shift = torch.arange(b, device=index.device)[:, None] * n
    rows = values.flatten(0, 1)[(index + shift).flatten()]
    return rows.reshape(*index.shape, *values.shape[2:])


def _unit(vectors: Tensor) -> Tensor:
    return vectors * (vectors * vectors).sum(-1, keepdim=True).clamp(min=1e-18).rsqrt()


def _curved(
    scenes: Scenes, kind: Tensor, extra: Tensor, local: Float[Tensor, "k 3"]
) -> Float[Tensor, "k 3"]:
    """Gradients in unit space of everything that is not a box or a ball."""
    x, y, z = local.unbind(-1)
    zero = torch.zeros_like(x)
    slope = (extra.where(kind == CONE, torch.ones_like(extra)) - 1) / 2
    radius = 1 + slope * (z + 1)
    rim = (x * x + y * y).sqrt()
    side = torch.stack([x, y, -slope * radius], -1)
    flat = torch.stack([zero, zero, z.sign()], -1)
    on_cap = (1 - z.abs()) < (radius - rim).abs()
    cone = torch.where(on_cap[..., None], flat, side)
    slot = extra.long()
    outline = scenes.outline[slot.where(kind == PRISM, torch.zeros_like(slot))]
    edge = outline.roll(-1, 1) - outline
    to = local[:, None, :2] - outline
    length = (edge * edge).sum(-1).clamp(min=1e-9)
    along = ((to * edge).sum(-1) / length).clamp(0, 1)
    gap = ((to - along[..., None] * edge) ** 2).sum(-1) + (length <= 1e-8) * 9.0
    nearest = gap.argmin(1)
    wall = edge[torch.arange(len(nearest), device=x.device), nearest]
    lateral = torch.stack([wall[:, 1], -wall[:, 0], zero], -1)
    on_cap = (1 - z.abs()) ** 2 < gap.amin(1)
    prism = torch.where(on_cap[..., None], flat, lateral)
    where = slot.where(kind == HEIGHT, torch.zeros_like(slot))
    step = 1.0 / scenes.grid.shape[-1]
    rise_x = ground(scenes.grid, where, x + step, y) - ground(scenes.grid, where, x - step, y)
    rise_y = ground(scenes.grid, where, x, y + step) - ground(scenes.grid, where, x, y - step)
    hill = torch.stack([-rise_x, -rise_y, torch.full_like(x, 2 * step)], -1)
    first = torch.where((kind == CONE)[:, None], cone, hill)
    return torch.where((kind == PRISM)[:, None], prism, first)


def surface_at(
    scenes: Scenes,
    index: Int[Tensor, "b m"],
    point: Float[Tensor, "b m 3"],
    direction: Float[Tensor, "b m 3"],
) -> Surface:
    """Everything about the surfaces of primitives `index` (-1 = none) at world points."""
    safe = index.clamp(min=0)
    matrix = _gather(scenes.to_unit, safe)
    kind, half = _gather(scenes.kind, safe), _gather(scenes.half, safe)
    local = (matrix[..., :3] @ point[..., None])[..., 0] + matrix[..., 3]
    # Boxes: the face whose plane is nearest, in meters.
    depth = (1 - local.abs()).abs() * half
    face = torch.nn.functional.one_hot(depth.argmin(-1), 3).to(local.dtype) * local.sign()
    gradient = torch.where((kind == ELLIPSOID)[..., None], local, face)
    other = (kind != BOX) & (kind != ELLIPSOID)
    if bool(other.any()):
        extra = _gather(scenes.extra, safe)
        gradient[other] = _curved(scenes, kind[other], extra[other], local[other])
    axis = gradient / half
    axis = _unit(axis)
    normal = (matrix[..., :3] * half[..., None]).transpose(-1, -2) @ axis[..., None]
    normal = _unit(normal[..., 0])
    facing = (normal * direction).sum(-1, keepdim=True)
    normal = torch.where(facing > 0, -normal, normal)
    material = _gather(scenes.material, safe)
    return Surface(
        point=point,
        normal=normal,
        material=material,
        local=local,
        axis=axis,
        half=half,
        kind=kind,
    )


def albedo(bank: Bank, surface: Surface, footprint: Float[Tensor, "b m"]) -> Float[Tensor, "b m 3"]:
    """Linear color of each hit; `footprint` is a pixel's width on the surface in meters."""
    material = surface.material

    def field(name: str) -> Tensor:
        return material[..., FIELDS[name]]

    fit = (field("fit") > 0.5)[..., None]
    place = torch.where(fit, surface.local, surface.local * surface.half)
    x, y, z = place.unbind(-1)
    big = surface.axis.abs().argmax(-1)
    round_ = (surface.kind == CONE) & (big != 2)
    angle = torch.atan2(surface.local[..., 1], surface.local[..., 0])
    angle = angle * torch.where(fit[..., 0], torch.ones_like(x), surface.half[..., 0])
    u = torch.where(big == 0, y, x).where(~round_, angle)
    v = torch.where(big == 2, y, z)
    # The outline of a prism lies in its x and y: its sides run along z.
    period = torch.where(fit[..., 0], 2.0 / field("scale"), field("scale"))
    turn = field("turn") > 0.5
    u, v = torch.where(turn, v, u), torch.where(turn, u, v)
    shift = torch.where(fit[..., 0], 1.0 / period, torch.zeros_like(period))
    u, v = u / period + field("du") + shift, -v / period + field("dv") + shift
    size = torch.where(fit[..., 0], period * surface.half.mean(-1), period)
    level = torch.log2((footprint * 256 / size).clamp(min=1e-6))
    weights = sample(bank, field("texture").long(), u, v, level)
    return mixed(weights, material)


def mixed(
    weights: Float[Tensor, "... 3"], material: Float[Tensor, "... 19"]
) -> Float[Tensor, "... 3"]:
    """The color that a texture's weights make of a material's three."""
    first, second, third = (material[..., 3 * k : 3 * k + 3] for k in range(3))
    return weights[..., :1] * first + weights[..., 1:2] * second + weights[..., 2:] * third
