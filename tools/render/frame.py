"""From frame numbers to pictures: build, choose a camera, cast, shade, develop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from tools.render import edges, light, sky
from tools.render.camera_effects import Look, develop, random_look
from tools.render.cull import by_frustum
from tools.render.indoors import build_indoor
from tools.render.outdoors import build_outdoor
from tools.render.rays import TILE, Cameras, from_tiles, look, to_tiles
from tools.render.scene import FIELDS, Builder, Scenes, View, pack
from tools.render.surface import albedo, mixed, surface_at
from tools.render.textures import Bank, load_bank
from tools.render.trace import trace
from torch import Tensor

from featherdepth.rng import derive, generator

INDOOR_SHARE = 0.7
FARTHEST = 200.0  # meters; beyond it the depth is unknown, like the sky
RICH = 0.045  # how much one more thing in view is worth, in log depth
PROBE = (9, 12)  # rays of a candidate camera
Place = Literal["indoor", "outdoor", "mixed"]


@dataclass(frozen=True, slots=True)
class Frames:
    """Rendered frames: pictures sRGB, depth z in meters with 0 = unknown, fx fy cx cy."""

    images: UInt8[Tensor, "b 3 h w"]
    depth: Float[Tensor, "b 1 h w"]
    intrinsics: Float[Tensor, "b 4"]


def is_indoor(index: int, seed: int, place: Place = "mixed") -> bool:
    """Which sort of scene frame `index` shows."""
    if place != "mixed":
        return place == "indoor"
    return float(generator(seed, "place", index).random()) < INDOOR_SHARE


def build(index: int, seed: int, bank: Bank, indoor: bool) -> Builder:
    """The scene of frame `index`, the same in every process and batch."""
    rng = generator(seed, "scene", index)
    return build_indoor(rng, bank) if indoor else build_outdoor(rng, bank)


def _intrinsics(rng: np.random.Generator, size: tuple[int, int]) -> tuple[float, ...]:
    """Horizontal field of view 45 to 75 degrees, principal point a little off the middle."""
    width, height = size
    fov = np.radians(float(np.clip(rng.normal(61, 7), 45, 75)))
    f = width / 2 / np.tan(fov / 2)
    off = rng.normal(0, 0.01, 2) * width
    return f, f * float(rng.normal(1, 0.003)), (width - 1) / 2 + off[0], (height - 1) / 2 + off[1]


def _probe(
    scenes: Scenes, views: list[list[View]], k: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Depths and primitives (b, candidates, rays) on a coarse grid of each candidate camera."""
    count = max(len(v) for v in views)
    padded = [list(v) + [v[-1]] * (count - len(v)) for v in views]
    device = k.device
    origin = torch.tensor([[w.position for w in v] for v in padded], device=device)
    turns = np.array([[look(w.yaw, w.pitch, w.roll) for w in v] for v in padded], np.float32)
    rotation = torch.from_numpy(turns).to(device)
    rows, columns = PROBE
    u = (torch.arange(columns, device=device) + 0.5) / columns * size[0] - 0.5
    v = (torch.arange(rows, device=device) + 0.5) / rows * size[1] - 0.5
    x = ((u - k[:, 2:3]) / k[:, 0:1])[:, None].expand(-1, rows, -1)
    y = ((v - k[:, 3:4]) / k[:, 1:2])[:, :, None].expand(-1, -1, columns)
    rays = torch.stack([x, y, torch.ones_like(x)], 1).flatten(2)  # b 3 r
    direction = rotation @ rays[:, None]
    mask = scenes.present[:, None].expand(-1, count, -1)
    hits = trace(scenes, mask, origin[..., None], direction)
    return hits.t, hits.index


def _choose(
    scenes: Scenes,
    builders: list[Builder],
    rngs: list[np.random.Generator],
    indoor: Sequence[bool],
    k: Tensor,
    size: tuple[int, int],
) -> Cameras:
    """Of each scene's candidates the one whose median depth comes nearest to a drawn one.

    The draws follow the median depths of rooms (2.6 m, quartiles 2.1 and 3.3) and of streets.
    """
    depths, shown = (v.cpu() for v in _probe(scenes, [b.views for b in builders], k, size))
    chosen = []
    for i, (builder, rng) in enumerate(zip(builders, rngs, strict=True)):
        mine = depths[i, : len(builder.views)].clamp(max=1e3)
        goal = np.exp(rng.normal(np.log(2.55), 0.33) if indoor[i] else rng.normal(np.log(11), 0.6))
        cost = (mine.median(1).values / goal).log().abs()
        close = 0.95 if indoor[i] else 1.8
        blocked = (mine < close).float().mean(1)  # something right before the lens
        things = torch.tensor([len(seen.unique()) for seen in shown[i, : len(mine)]])
        cost = cost - RICH * things.clamp(max=28)
        cost = cost + 4 * (blocked - 0.03).clamp(min=0) + 9.0 * (mine.amin(1) < 0.35)
        chosen.append(builder.views[int(cost.argmin())])
    turns = np.stack([look(v.yaw, v.pitch, v.roll) for v in chosen]).astype(np.float32)
    return Cameras(
        origin=torch.tensor([v.position for v in chosen], device=k.device),
        rotation=torch.from_numpy(turns).to(k.device),
        intrinsics=k,
        width=size[0],
        height=size[1],
    )


def _as_map(values: Float[Tensor, "b m c"], size: torch.Size) -> Float[Tensor, "b c h w"]:
    return values.transpose(1, 2).reshape(len(values), -1, *size)


def cast(
    scenes: Scenes, cameras: Cameras, mask: Bool[Tensor, "b t n"]
) -> tuple[Float[Tensor, "b 1 y x"], Int[Tensor, "b 1 y x"]]:
    """z-depth (inf = sky) and primitive (-1 = sky) of each pixel of the picture in whole tiles."""
    rays = to_tiles(cameras.directions(), TILE)
    hits = trace(scenes, mask, cameras.origin[:, None, :, None], rays)
    depth = from_tiles(hits.t[:, :, None], TILE, cameras.columns)
    return depth, from_tiles(hits.index[:, :, None], TILE, cameras.columns)


def shade(
    scenes: Scenes, cameras: Cameras, bank: Bank
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
    """Linear light and z-depth (inf = sky) of every pixel."""
    directions = cameras.directions()
    mask = by_frustum(scenes, cameras)
    depth, index = cast(scenes, cameras, mask)
    finite = torch.where(torch.isfinite(depth), depth, torch.full_like(depth, 1.0))
    point = cameras.origin[:, :, None, None] + directions * finite
    size = point.shape[2:]
    ray = directions.flatten(2).transpose(1, 2)
    surface = surface_at(scenes, index.flatten(1), point.flatten(2).transpose(1, 2), ray)
    normal = _as_map(surface.normal, size)
    slant = (surface.normal * ray).sum(-1).abs() / (ray * ray).sum(-1).sqrt()
    focal = cameras.intrinsics[:, 0, None]
    footprint = finite.flatten(1) / focal / slant.clamp(min=0.15) ** 0.7
    color = albedo(bank, surface, footprint)
    full = light.Field(point=point, normal=normal, depth=depth)
    half = light.Field(
        point=point[:, :, ::2, ::2], normal=normal[:, :, ::2, ::2], depth=depth[:, :, ::2, ::2]
    )
    texture = scenes.field("texture").long()
    mean = mixed(bank.mean[texture], scenes.material)
    coarse = light.light_field(scenes, half, cameras.origin, mean)
    lit = light.enlarge(coarse, half, full)
    material = surface.material
    gloss = _as_map(material[..., FIELDS["gloss"], None], size)
    glow = _as_map(material[..., FIELDS["glow"], None], size)
    color = _as_map(color, size)
    radiance = color * (lit[:, :3] + glow) + gloss * lit[:, 3:]
    seen = sky.with_air(scenes, bank, radiance, depth, directions)
    seen = edges.soften(scenes, cameras, mask, index, seen.clamp(max=12))
    h, w = cameras.height, cameras.width
    return seen[:, :, :h, :w], depth[:, :, :h, :w]


def render_batch(
    indices: Sequence[int],
    seed: int,
    size: tuple[int, int] = (320, 240),
    device: torch.device | str = "cpu",
    place: Place = "mixed",
) -> Frames:
    """Render frames `indices` of the endless set `seed` at `size` = (width, height)."""
    where = torch.device(device)
    bank = load_bank(where)
    indoor = [is_indoor(i, seed, place) for i in indices]
    builders = [build(i, seed, bank, inside) for i, inside in zip(indices, indoor, strict=True)]
    rngs = [generator(seed, "camera", i) for i in indices]
    looks: list[Look] = [
        random_look(rng, derive(seed, "noise", i) % 2**31, inside)
        for rng, i, inside in zip(rngs, indices, indoor, strict=True)
    ]
    k = torch.tensor([_intrinsics(rng, size) for rng in rngs], dtype=torch.float32, device=where)
    with torch.inference_mode():
        scenes = pack(builders, where)
        cameras = _choose(scenes, builders, rngs, indoor, k, size)
        linear, depth = shade(scenes, cameras, bank)
        images = develop(linear, looks)
        known = depth.where((depth > 0) & (depth <= FARTHEST), torch.zeros_like(depth))
    return Frames(images, known, k)
