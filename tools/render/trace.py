"""Nearest hits of tiles of rays with the primitives their tile can meet."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from tools.render import primitives
from tools.render.primitives import BOX, CONE, ELLIPSOID, HEIGHT, INF, PRISM
from tools.render.scene import Scenes
from torch import Tensor

CHUNK_CPU, CHUNK_GPU = 1 << 16, 1 << 25  # ray-primitive tests at a time: a core's cache, or memory


@dataclass(frozen=True, slots=True)
class Hits:
    """Nearest hits: ray parameter (inf = none) and index of the primitive (-1 = none)."""

    t: Float[Tensor, "b t r"]
    index: Int[Tensor, "b t r"]


def _test(
    scenes: Scenes,
    kind: int,
    flat: Int[Tensor, " p"],
    origin: Float[Tensor, " p 3 #r"],
    direction: Float[Tensor, "p 3 r"],
) -> Float[Tensor, "p r"]:
    """Hits of one chunk of tile-primitive pairs, all of one kind."""
    matrix = scenes.to_unit.flatten(0, 1)[flat]
    o = torch.baddbmm(matrix[..., 3:], matrix[..., :3], origin)
    d = torch.bmm(matrix[..., :3], direction)
    if kind == BOX:
        return primitives.hit_box(o, d)
    if kind == ELLIPSOID:
        return primitives.hit_ellipsoid(o, d)
    extra = scenes.extra.flatten()[flat]
    if kind == CONE:
        return primitives.hit_cone(o, d, extra)
    if kind == PRISM:
        return primitives.hit_prism(o, d, scenes.outline[extra.long()])
    return primitives.hit_height(o, d, scenes.grid, extra.long())


def trace(
    scenes: Scenes,
    mask: Bool[Tensor, "b t n"],
    origin: Float[Tensor, " b #t 3 #r"],
    direction: Float[Tensor, "b t 3 r"],
) -> Hits:
    """Nearest hit of every ray with the primitives its tile's row of `mask` names.

    `origin` may hold one point a tile (its r = 1) or one a ray.
    """
    b, tiles, _, r = direction.shape
    n = mask.shape[2]
    origin = origin.expand(b, tiles, 3, origin.shape[3]).flatten(0, 1)
    direction = direction.flatten(0, 1)
    best = direction.new_full((b * tiles, r), INF)
    who = torch.full((b * tiles, r), -1, dtype=torch.int64, device=direction.device)
    pairs = mask.flatten(0, 1).nonzero()
    flat = pairs[:, 1] + pairs[:, 0] // tiles * n
    kinds = scenes.kind.flatten()[flat]
    chunk = max(1, (CHUNK_GPU if direction.is_cuda else CHUNK_CPU) // r)
    for kind in (BOX, ELLIPSOID, CONE, PRISM, HEIGHT):
        chosen = (kinds == kind).nonzero()[:, 0]
        for part in torch.split(chosen, chunk):
            tile, primitive = pairs[part, 0], flat[part]
            t = _test(scenes, kind, primitive, origin[tile], direction[tile])
            where = tile[:, None].expand_as(t)
            best.scatter_reduce_(0, where, t, "amin")
            # Who is nearest so far: those equal to the new minimum overwrite the earlier index.
            nearest = (t <= best[tile]) & torch.isfinite(t)
            row, ray = nearest.nonzero().unbind(1)
            who[tile[row], ray] = pairs[part, 1][row]
    return Hits(best.view(b, tiles, r), who.view(b, tiles, r))
