"""What is wrong with the depth of a sample: outliers, noise, coarse steps, coarse pixels."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from featherdepth.data.patterns.base import check_count, known, with_values
from featherdepth.types import Depth


@dataclass(frozen=True, slots=True)
class Outliers:
    """Each sample with probability SHARE becomes any depth between the 10 % and 90 % quantiles.

    Of the whole true map.
    """

    share: float

    def __post_init__(self) -> None:
        _check_share(self.share)

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:
        low, high = np.quantile(truth.values[known(truth)], (0.1, 0.9))
        wrong = rng.uniform(low, high, sparse.size)
        hit = rng.random(sparse.size) < self.share
        return _changed(sparse, np.where(hit, wrong, sparse.values))


@dataclass(frozen=True, slots=True)
class Gauss:
    """Each sample is off by a normal share of its own depth, with standard deviation SIGMA."""

    sigma: float

    def __post_init__(self) -> None:
        _check_share(self.sigma)

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        # A sample never falls to 0: that would be "not measured".
        factor = np.maximum(1 + self.sigma * rng.standard_normal(sparse.size), 0.01)
        return _changed(sparse, sparse.values * factor)


@dataclass(frozen=True, slots=True)
class Quantize:
    """Depth is rounded to whole steps of STEP millimetres (3.90625mm is 1/256 m), at least one."""

    step: float = field(metadata={"unit": "mm"})

    def __post_init__(self) -> None:
        if not 0 < self.step <= 10_000:
            raise ValueError(f"steps of {self.step:g} mm; expected above 0, up to 10000")

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        step_m = self.step / 1000
        steps = np.maximum(np.rint(sparse.values.astype(np.float64) / step_m), 1)
        return _changed(sparse, steps * step_m)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Each sample takes the true depth at the middle of its block of SIZE x SIZE pixels."""

    size: int = field(metadata={"unit": "px"})

    def __post_init__(self) -> None:
        if not 2 <= self.size <= 256:
            raise ValueError(f"blocks of {self.size} px; expected 2 to 256")

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        middles = [
            np.minimum(np.arange(length) // self.size * self.size + self.size // 2, length - 1)
            for length in sparse.size
        ]
        coarse = np.where(known(truth), truth.values, np.float32(0))[np.ix_(*middles)]
        return _changed(sparse, np.where(coarse > 0, coarse, sparse.values))


@dataclass(frozen=True, slots=True)
class Drop:
    """Each sample is lost with probability SHARE."""

    share: float

    def __post_init__(self) -> None:
        _check_share(self.share)

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        lost = rng.random(sparse.size) < self.share
        return with_values(sparse, np.where(lost, np.float32(0), sparse.values))


@dataclass(frozen=True, slots=True)
class Only:
    """All but COUNT samples are lost, at random."""

    count: int

    def __post_init__(self) -> None:
        check_count(self.count)

    def apply(self, sparse: Depth, truth: Depth, rng: np.random.Generator) -> Depth:  # noqa: ARG002
        lost = rng.permutation(np.flatnonzero(sparse.valid))[self.count :]
        values = sparse.values.copy()
        values.ravel()[lost] = 0
        return with_values(sparse, values)


def _changed(sparse: Depth, values: Float[np.ndarray, "h w"]) -> Depth:
    return with_values(sparse, np.where(sparse.valid, values, 0.0))


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"share {share:g}; expected 0 to 1")
