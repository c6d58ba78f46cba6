"""Kriging: log depth as a trend that follows the prior, and a random walk around it.

    log depth(p) = l(p) + b0 + b1 * l(p) - sum_i a_i |f(p) - f_i|,   f = (row, column, relief * l)

with l the log of the aligned map. Weights a_i and trend b are the best linear unbiased prediction
for the linear variogram with a nugget for noise of the points; b1 = 0 keeps the prior's relief,
b1 = -1 discards it, and points that contradict it move b1 there. With `relief` above 0 points
behind an edge of the prior count as far away. Everything is linear in the log-ratios: a multiple
of the points gives the same multiple of the result. Source: universal kriging (Matheron 1969);
the prior as a coordinate and as external drift is the choice made here.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from featherdepth.completion.poisson import edge_weights, solve
from featherdepth.completion.pull_push import pull_push
from featherdepth.completion.scene import Field, Fine, Scene

MOST = 400
"""Points that are solved for; of more a random selection, the rest corrects what is left."""
RELIEF = 0.5
"""Diagonals of the picture that one unit of log depth counts for."""
NUGGET = 0.002
"""Variance of the noise of a point, over that of the walk along one diagonal."""
DRIFT = 9.0
"""Variance of b1 beforehand, over the same: two or three points do not turn the relief."""
AT_ONCE = 1 << 24
"""Distances that are held at a time."""
BAND = 64
"""Rows of them that are worked on at a time: they stay in the cache."""
DENSE = 0.02
"""Share of measured pixels from which on cells of 4 pixels lose detail: corrected by pixels."""

Values = Float64[np.ndarray, " n"]
Matrix = Float64[np.ndarray, "n k"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Kriging:
    """A solved system: the prediction, and what it would be without some of its points."""

    chosen: Int[np.ndarray, " n"]
    """Of the scene's points."""
    features: Matrix
    weights: Values
    trend: Float64[np.ndarray, " t"]
    relief: float
    inverse: Float64[np.ndarray, "m m"]
    target: Values

    @classmethod
    def fit(
        cls,
        scene: Scene,
        *,
        guided: bool,
        relief: float = RELIEF,
        nugget: float = NUGGET,
        drift: float = DRIFT,
    ) -> "Kriging":
        """Solve for the weights.

        Args:
            guided: predict the log-ratio with a trend along the prior; else log depth alone, in
                which the prior has no part (`relief` is then 0).
            nugget, drift: in place of `NUGGET` and `DRIFT`.
        """
        chosen = _selection(len(scene.anchors))
        prior = scene.anchors.at(scene.log_prior)[chosen]
        relief = relief if guided else 0.0
        features = _features(scene, scene.anchors.places[chosen], prior, relief)
        n, t = len(chosen), 2 if guided else 1
        system = np.zeros((n + t, n + t))
        system[:n, :n] = nugget * np.eye(n) - _distances(features, features)
        system[:n, n] = system[n, :n] = 1
        if guided:
            system[:n, n + 1] = system[n + 1, :n] = prior - prior.mean()
            system[n + 1, n + 1] = -1 / drift
        inverse = np.linalg.inv(system)
        target = (scene.log_ratio if guided else scene.log_meters)[chosen]
        solved = inverse[:, :n] @ target
        trend = solved[n:].copy()
        if guided:
            trend[0] -= trend[1] * prior.mean()
        return cls(
            chosen=chosen,
            features=features,
            weights=solved[:n],
            trend=trend,
            relief=relief,
            inverse=inverse,
            target=target,
        )

    def field(self, scene: Scene) -> Field:
        """The prediction on the grid."""
        rows, columns = scene.grid
        height, width = scene.size
        row = (np.arange(rows) + 0.5) * (height / rows) - 0.5
        column = (np.arange(columns) + 0.5) * (width / columns) - 0.5
        places = np.stack(np.meshgrid(row, column, indexing="ij"), axis=2).reshape(-1, 2)
        prior = scene.coarse_prior.reshape(-1)
        here = _features(scene, places, prior, self.relief).astype(np.float32)
        there, weights = (part.astype(np.float32) for part in (self.features, self.weights))
        parts = np.array_split(here, -(-len(here) * len(there) // AT_ONCE))
        walk = np.concatenate([_distances(part, there) @ weights for part in parts])
        values = (np.float32(self.trend[0]) - walk).reshape(rows, columns)
        trust = 1.0 + float(self.trend[1]) if len(self.trend) > 1 else 0.0
        return Field(values=values, trust=trust)

    def errors_without(self, blocks: Int[np.ndarray, " n"]) -> Values:
        """Error in log depth at each point when its whole block is left out.

        In closed form: with the inverse K of the system and its part of a block, the errors are
        K[block, block]^-1 (K target)[block].
        """
        n = len(self.chosen)
        solved = self.inverse[:n, :n] @ self.target
        errors = np.empty(n)
        _, block, sizes = np.unique(blocks, return_inverse=True, return_counts=True)
        order = np.argsort(block, kind="stable")
        of_size = sizes[block[order]]
        for size in np.unique(sizes):  # all of one size at once
            inside = order[of_size == size].reshape(-1, size)
            part = self.inverse[inside[:, :, None], inside[:, None]]
            errors[inside] = np.linalg.solve(part, solved[inside][:, :, None])[:, :, 0]
        return errors


def completed(scene: Scene, made: Kriging) -> Fine:
    """Log depth at every pixel: the prediction, and what it leaves at the points spread around.

    What is left is spread by the Poisson equation on the grid and, where many pixels are measured,
    once more from pixel to pixel.
    """
    field = made.field(scene)
    left = scene.log_meters - field.at(scene, scene.anchors.places)
    means, count = scene.gathered(left)
    spread = solve(means, np.minimum(count, 1), *edge_weights(scene.coarse_prior))
    field = Field(values=field.values + spread, trust=field.trust)
    fine = field.log_depth(scene)
    height, width = scene.size
    if len(scene.anchors) > DENSE * height * width:
        rows, columns = scene.anchors.places.T
        values, known = np.zeros_like(fine), np.zeros_like(fine)
        values[rows, columns] = scene.log_meters - fine[rows, columns]
        known[rows, columns] = 1
        fine = fine + pull_push(values, known)
    return fine


def kriging(scene: Scene) -> Fine:
    """The method `kriging`."""
    return completed(scene, Kriging.fit(scene, guided=True))


def plain(scene: Scene) -> Fine:
    """The method `kriging-plain`: without the prior, in place of linear interpolation."""
    return completed(scene, Kriging.fit(scene, guided=False))


def _selection(count: int) -> Int[np.ndarray, " n"]:
    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:MOST])


def _features(scene: Scene, places: np.ndarray, prior: np.ndarray, relief: float) -> Matrix:
    """Rows and columns in diagonals about the center, and the prior about its mean."""
    height, width = scene.size
    diagonal = float(np.hypot(height, width))
    parts = [(places[:, 0] - height / 2) / diagonal, (places[:, 1] - width / 2) / diagonal]
    if relief:
        center = float(scene.coarse_prior.mean(dtype=np.float64))
        parts.append(relief * (prior.astype(np.float64) - center))
    return np.stack(parts, axis=1)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    here, there = (a**2).sum(axis=1)[:, None], (b**2).sum(axis=1)
    distances: np.ndarray = a @ b.T
    for at in range(0, len(a), BAND):
        some = distances[at : at + BAND]
        some *= 2
        np.subtract(here[at : at + BAND] + there, some, out=some)
        np.maximum(some, 0, out=some)
        np.sqrt(some, out=some)
    return distances
