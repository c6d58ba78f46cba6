"""How far features move when a cloud changes: trained ones should see what random ones do not."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32
from tools.pointnet.distort import bent
from tools.pointnet.scenes import Scene
from torch import Tensor

from featherdepth.losses.geometric import Geometric
from featherdepth.losses.pointnet import FrozenTrunk
from featherdepth.losses.positive_depth import fit_positive
from featherdepth.types import DepthKind

EPSILON = 0.1
KIND = DepthKind.AFFINE_INVARIANT
CHANGES = ("shift 0.1", "scale 1.1", "noise 0.05", "blur 5x5", "bend 10 %")


def teacher_clouds(scenes: list[Scene], points: int, seed: int) -> Float32[Tensor, "b n 3"]:
    """The clouds that the loss would make of a teacher which sees these scenes without error."""
    numbered = enumerate(scenes)
    return torch.stack([_cloud(s, _positive(s), points, seed + k) for k, s in numbered])


@torch.no_grad()
def sensitivity(
    trunk: FrozenTrunk, scenes: list[Scene], points: int
) -> dict[str, dict[str, float]]:
    """Mean square change of the normalized features for each change of positive depth."""
    rng = np.random.default_rng(0)
    before = trunk(teacher_clouds(scenes, points, 0))
    rows = {}
    for change in CHANGES:
        changed = [_changed(_positive(scene), scene, change, rng) for scene in scenes]
        pairs = enumerate(zip(scenes, changed, strict=True))
        after = trunk(torch.stack([_cloud(s, depth, points, k) for k, (s, depth) in pairs]))
        rows[change] = {
            "points": float((after.points - before.points).square().mean()),
            "pooled": float((after.pooled - before.pooled).square().mean()),
        }
    return rows


def _positive(scene: Scene) -> Float32[np.ndarray, "h w"]:
    raw, valid = (torch.from_numpy(part)[None, None] for part in (scene.depth, scene.valid))
    to_depth = fit_positive(raw, valid, kind=KIND, epsilon=EPSILON)
    return to_depth(raw.flatten(1)).view(scene.depth.shape).numpy()


def _cloud(
    scene: Scene, depth: Float32[np.ndarray, "h w"], points: int, seed: int
) -> Float32[Tensor, "n 3"]:
    """Pixels are those of the scene, whatever `depth` is: points correspond."""
    raw, valid = (torch.from_numpy(part)[None, None] for part in (scene.depth, scene.valid))
    loss = Geometric(Geometric.Config(points=points, trunk="none", epsilon=EPSILON), kind=KIND)
    pixels = loss.draw_pixels(raw, valid, [torch.Generator().manual_seed(seed)])[0].numpy()
    cloud = scene.rays.reshape(-1, 3)[pixels] * depth.reshape(-1, 1)[pixels]
    return torch.from_numpy(cloud)


def _changed(
    depth: Float32[np.ndarray, "h w"], scene: Scene, change: str, rng: np.random.Generator
) -> Float32[np.ndarray, "h w"]:
    if change == "shift 0.1":
        return depth + np.float32(0.1)
    if change == "scale 1.1":
        return depth * np.float32(1.1)
    if change == "noise 0.05":
        return depth + rng.normal(0, 0.05, depth.shape).astype(np.float32)
    if change == "blur 5x5":
        raw, known = (torch.from_numpy(part)[None, None] for part in (depth, scene.valid))
        total = F.avg_pool2d(raw * known, 5, 1, padding=2)
        share = F.avg_pool2d(known.float(), 5, 1, padding=2)
        return (total / share.clamp(min=1e-6))[0, 0].numpy()
    return bent(depth, scene.rays, 0.1, rng.uniform(0, 2 * np.pi))
