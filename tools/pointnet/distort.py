"""Clouds with known faults: what the trunk learns from, a pure function of seed and step."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from tools.pointnet.scenes import Scene
from torch import Tensor

from featherdepth.rng import generator

FAULTS = ("shift", "focal", "noise", "bend")
"""Targets, in this order: shift of depth in units of the far end; ln of the factor on the focal
length; standard deviation of relative noise; relative bending."""
SHIFT = (-0.25, 0.8)
NEAREST = 0.8
"""A negative shift takes at most this share of the nearest depth."""
FOCAL = (0.6, 1.25)
NOISE = 0.05
BEND = 0.15
WINDOW = (0.6, 1.0)
"""Share of the picture, along each side, that a cloud shows: students are trained on crops."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clouds:
    """Batches of distorted clouds, as the training loop asks for them."""

    scenes: list[Scene]
    seed: int
    size: int = 32
    points: int = 1024
    roughness: float = 0.5
    """Probability of noise, and of bending."""

    def __call__(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = generator(self.seed, "clouds", step)
        chosen = rng.integers(len(self.scenes), size=self.size)
        seeds = rng.integers(2**62, size=self.size)
        drawn = [
            self._draw(self.scenes[index], np.random.default_rng(seed))
            for index, seed in zip(chosen[rank::world], seeds[rank::world], strict=True)
        ]
        points, faults = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
        return {"points": points, "faults": faults}

    def _draw(
        self, scene: Scene, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, " 4"]]:
        depth, rays = _window(scene, self.points, rng)
        if rng.random() < 0.5:
            rays[:, 0] *= -1
        noise = rng.uniform(0, NOISE) * float(rng.random() < self.roughness)
        bend = rng.uniform(-BEND, BEND) * float(rng.random() < self.roughness)
        depth = bent(depth, rays, bend, rng.uniform(0, 2 * np.pi))
        depth *= 1 + noise * rng.standard_normal(len(depth))
        shift = rng.uniform(max(SHIFT[0], -NEAREST * float(depth.min())), SHIFT[1])
        depth += shift
        far = float(np.quantile(depth, 0.98))
        focal = rng.uniform(*FOCAL)
        rays[:, :2] /= focal
        faults = np.array([shift / far, np.log(focal), noise, bend], np.float32)
        return (rays * (depth / far)[:, None]).astype(np.float32), faults


def bent(
    depth: Float32[np.ndarray, "..."], rays: Float32[np.ndarray, "... 3"], amount: float, to: float
) -> Float32[np.ndarray, "..."]:
    """Depth times 1 + `amount` along a parabola that runs across the picture in direction `to`."""
    along = rays[..., 0] * np.cos(to) + rays[..., 1] * np.sin(to)
    low, high = float(along.min()), float(along.max())
    along = (2 * along - low - high) / max(high - low, 1e-6)
    factor = 1 + amount * (2 * along**2 - 1)
    return np.asarray(depth * factor, np.float32)


def _window(
    scene: Scene, points: int, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, " n"], Float32[np.ndarray, "n 3"]]:
    """Points of a random part of a scene; its far end is at 1 again."""
    height, width = scene.depth.shape
    for _ in range(20):
        share = rng.uniform(*WINDOW)
        h, w = int(height * share), int(width * share)
        top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
        part = slice(top, top + h), slice(left, left + w)
        usable = np.flatnonzero(scene.valid[part])
        if len(usable) >= points // 4:
            break
    picked = rng.choice(usable, points)
    depth = scene.depth[part].reshape(-1)[picked]
    return depth / np.quantile(depth, 0.98), scene.rays[part].reshape(-1, 3)[picked]
