"""The log-ratio field by a weighted Poisson equation, solved with conjugate gradients."""

import numpy as np
from jaxtyping import Float32

from featherdepth.completion.pull_push import pull_push
from featherdepth.completion.scene import CELL, Coarse, Field, Fine, Scene

STEPS = 32
DATA = 5.0
"""Weight of a cell with points beside the edges of weight 1 around it."""
RELIEF = 0.015
"""Step of log depth a pixel at which an edge of the grid counts half."""
LEAST_EDGE = 1e-4
"""A weight below would cut cells off from all points."""

Map = Float32[np.ndarray, "_ _"]


def solve(values: Map, known: Map, across: Map, down: Map, *, steps: int = STEPS) -> Coarse:
    """Minimize sum(w (u_i - u_j)^2) over neighbors + DATA * sum(known (u - values)^2).

    Conjugate gradients, preconditioned by the diagonal, from the pull-push filling; float32. A
    fixed number of steps: long-wave errors are gone from the start, short ones go first.

    Args:
        values: anything where `known` is 0.
        known: 0 or the weight of a cell's value.
        across: edge weights between a cell and its right neighbor, one column less.
        down: edge weights between a cell and the one below, one row less.
    """
    u = pull_push(values, known)
    diagonal = np.float32(DATA) * known
    own = diagonal.copy()
    diagonal[:, :-1] += across
    diagonal[:, 1:] += across
    diagonal[:-1] += down
    diagonal[1:] += down
    diagonal = np.maximum(diagonal, np.float32(LEAST_EDGE))

    flow_across, flow_down = np.empty_like(across), np.empty_like(down)

    def applied(field: Map) -> Map:
        result: Map = own * field
        np.subtract(field[:, :-1], field[:, 1:], out=flow_across)
        np.multiply(flow_across, across, out=flow_across)
        result[:, :-1] += flow_across
        result[:, 1:] -= flow_across
        np.subtract(field[:-1], field[1:], out=flow_down)
        np.multiply(flow_down, down, out=flow_down)
        result[:-1] += flow_down
        result[1:] -= flow_down
        return result

    residual = own * values - applied(u)
    scaled = residual / diagonal
    direction = scaled.copy()
    power = float(np.vdot(residual, scaled))
    start = power
    for _ in range(steps):
        if power <= 1e-10 * start or power <= 1e-20:
            break
        turned = applied(direction)
        length = np.float32(power / max(float(np.vdot(direction, turned)), 1e-30))
        u = u + length * direction
        residual -= length * turned
        np.divide(residual, diagonal, out=scaled)
        updated = float(np.vdot(residual, scaled))
        direction *= np.float32(updated / power)
        direction += scaled
        power = updated
    return u


def edge_weights(prior: Coarse) -> tuple[Map, Map]:
    """1 / (1 + (step of log depth a pixel / RELIEF)^2): where the prior jumps, so may the ratio."""
    weights = []
    for axis in (1, 0):
        step = np.diff(prior, axis=axis) / np.float32(CELL * RELIEF)
        weights.append(np.maximum(1 / (1 + step**2), np.float32(LEAST_EDGE)))
    return weights[0], weights[1]


def poisson_field(scene: Scene) -> Field:
    """The log-ratio, smooth within what the prior shows as one surface."""
    means, count = scene.gathered(scene.log_ratio)
    known = np.minimum(count, 1)
    return Field(values=solve(means, known, *edge_weights(scene.coarse_prior)))


def harmonic_field(scene: Scene) -> Field:
    """The log-ratio, smooth everywhere."""
    means, count = scene.gathered(scene.log_ratio)
    rows, columns = scene.grid
    across = np.ones((rows, columns - 1), dtype=np.float32)
    down = np.ones((rows - 1, columns), dtype=np.float32)
    return Field(values=solve(means, np.minimum(count, 1), across, down))


def poisson(scene: Scene) -> Fine:
    """The method `poisson`."""
    return poisson_field(scene).log_depth(scene)


def harmonic(scene: Scene) -> Fine:
    """The method `harmonic`."""
    return harmonic_field(scene).log_depth(scene)
