"""A weighted Poisson solve inside a network: a fixed number of conjugate-gradient steps.

The field u minimizes

    sum over edges w (step(u) - g)^2 + sum over cells k (u - target)^2

where an edge joins a cell with its right or its lower neighbor, w >= 0 says how stiff it is, g
which step it wants, and k >= 0 how much a cell's target counts: (A' W A + K) u = A' W g + K target.
`cascade` solves it coarse to fine, each grid from the solution of the one before: long waves are
settled where they cost little. Every operation is differentiable and of a kind that ONNX has, so
the unrolled steps are part of an exported graph.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

TINY = 1e-16
"""What is divided by at least, where a small grid is solved exactly before its steps are done. Not
added: an exporter takes a sum with it for one with 0."""


class Edges(NamedTuple):
    """One value for each cell and its right, and its lower neighbor.

    The last column of `right` and the last row of `down` belong to no edge.
    """

    right: Float[Tensor, "b 1 h w"]
    down: Float[Tensor, "b 1 h w"]


class System(NamedTuple):
    """What is solved on one grid."""

    weight: Edges
    """w; 0 where there is no edge."""
    step: Edges
    """g"""
    trust: Float[Tensor, "b 1 h w"]
    """k; above 0 somewhere, or the system is singular."""
    target: Float[Tensor, "b 1 h w"]


def steps_of(field: Float[Tensor, "b 1 h w"]) -> Edges:
    """The steps of a field along its edges; no meaning where there is no edge."""
    return Edges(F.pad(field, (-1, 1)) - field, F.pad(field, (0, 0, -1, 1)) - field)


def gathered(right: Tensor, down: Tensor) -> Float[Tensor, "b 1 h w"]:
    """What comes in over the left and upper edge less what leaves: the transpose of `steps_of`.

    Both must be 0 where there is no edge.
    """
    return (F.pad(right, (1, -1)) - right) + (F.pad(down, (0, 0, 1, -1)) - down)


def edges_inside(like: Float[Tensor, "b 1 h w"]) -> Edges:
    """1 where there is an edge, else 0."""
    ones = torch.ones_like(like)
    return Edges(F.pad(ones, (-1, 1)), F.pad(ones, (0, 0, -1, 1)))


def relief_weights(log_depth: Float[Tensor, "b 1 h w"], scale: float) -> Edges:
    """Stiffness of edges by a map's own relief: 1 / (1 + (step / scale)^2)."""
    right, down = steps_of(log_depth)
    inside = edges_inside(log_depth)
    square = scale * scale
    return Edges(
        inside.right * (square / (square + right * right)),
        inside.down * (square / (square + down * down)),
    )


def solve(system: System, start: Float[Tensor, "b 1 h w"], steps: int) -> Float[Tensor, "b 1 h w"]:
    """`steps` steps of conjugate gradients with Jacobi's preconditioner, from `start`."""
    weight, trust = system.weight, system.trust
    diagonal = trust + (F.pad(weight.right, (1, -1)) + weight.right)
    diagonal = diagonal + (F.pad(weight.down, (0, 0, 1, -1)) + weight.down)
    inverse = 1 / diagonal
    moved = gathered(weight.right * system.step.right, weight.down * system.step.down)
    field = start
    residual = moved + trust * system.target - _apply(system, field)
    scaled = residual * inverse
    direction = scaled
    energy = _dot(residual, scaled)
    for step in range(steps):
        image = _apply(system, direction)
        length = energy / _dot(direction, image).clamp(min=TINY)
        field = field + length * direction
        if step + 1 == steps:
            break
        residual = residual - length * image
        scaled = residual * inverse
        before, energy = energy, _dot(residual, scaled)
        direction = scaled + energy / before.clamp(min=TINY) * direction
    return field


def cascade(
    systems: Sequence[System], start: Float[Tensor, "b 1 h w"], steps: Sequence[int]
) -> Float[Tensor, "b 1 H W"]:
    """Solve one grid after the other, each of twice the size.

    Args:
        systems, steps: from the coarsest grid.
        start: on the coarsest.
    """
    field = solve(systems[0], start, steps[0])
    for system, count in zip(systems[1:], steps[1:], strict=True):
        field = F.interpolate(field, scale_factor=2.0, mode="bilinear", align_corners=False)
        field = solve(system, field, count)
    return field


def coarser(trust: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Trust and target of the grid of half the size: sums of trust, and means weighted by it."""
    total = F.avg_pool2d(trust, 2)
    known = total > 0
    mean = F.avg_pool2d(trust * target, 2) / torch.where(known, total, 1.0)
    return 4 * total, mean


def _apply(system: System, field: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    right, down = steps_of(field)
    flow = gathered(system.weight.right * right, system.weight.down * down)
    return flow + system.trust * field


def _dot(a: Float[Tensor, "b 1 h w"], b: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 1 1"]:
    return torch.sum(a * b, dim=(2, 3), keepdim=True)
