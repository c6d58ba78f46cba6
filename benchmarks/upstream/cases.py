"""Predictions and truth that featherdepth and published evaluation code both score.

NYUv2 frames come with predictions that `evaluate --save-predictions` kept, at the 480x640 pixels
that published code has in its crop; the other kinds are made from them. Roads are made: depth that
grows to the horizon in 256ths of a metre, sparse, with truth on, below and above the cap.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from featherdepth.data.probe import open_data
from featherdepth.evaluation.kept import KeptPredictions
from featherdepth.geometry.align import fit_scale_shift
from featherdepth.geometry.resize import resize_map, resize_truth
from featherdepth.types import Depth, DepthKind, Intrinsics

METRIC, AFFINE = DepthKind.METRIC, DepthKind.AFFINE_INVARIANT
DISPARITY = DepthKind.AFFINE_INVARIANT_DISPARITY
NYU = (480, 640)
EIGEN = (45, 41, 471 - 45, 601 - 41)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One image: what was predicted, and what is true."""

    key: str
    prediction: Depth
    truth: Depth
    usable: tuple[int, int, int, int] | None = None

    def predicting(self, values: np.ndarray, kind: DepthKind) -> "Case":
        """The same image with another prediction."""
        return replace(self, prediction=_depth(values, kind))


def rooms(root: Path, split: str, predictions: Path, most: int | None) -> list[Case]:
    """Frames of NYUv2 with their kept predictions of affine depth, evenly taken."""
    reader, kept = open_data(root, split=split), KeptPredictions.open(predictions)
    step = 1 if most is None else max(1, len(reader) // most)
    cases = []
    for index in range(0, len(reader), step):
        sample = reader[index]
        if sample.depth is None:
            raise ValueError(f"{sample.key}: no truth")
        values, valid = resize_truth(sample.depth.values, sample.depth.valid, NYU)
        cases.append(
            Case(
                key=sample.key,
                prediction=_depth(resize_map(kept.read(sample.key).values, NYU), AFFINE),
                truth=Depth(values=values, valid=valid, kind=METRIC),
                usable=EIGEN,
            )
        )
    return cases


def metric(case: Case, factor: float = 1.1) -> Case:
    """The case as a metric model would have it: fitted once, then a tenth too far."""
    truth, values = case.truth, case.prediction.values.astype(np.float64)
    fit = fit_scale_shift(values, truth.values.astype(np.float64), truth.valid)
    return case.predicting(factor * (fit.scale * values + fit.shift).clip(0.01), METRIC)


def disparity(case: Case) -> Case:
    """The case as a model of disparity would have it, in a unit of its own."""
    values = metric(case).prediction.values.astype(np.float64)
    return case.predicting(3 / values.clip(0.3) + 0.2, DISPARITY)


def halved(case: Case, size: tuple[int, int]) -> Case:
    """The case at fewer pixels."""
    values, valid = resize_truth(case.truth.values, case.truth.valid, size)
    return Case(
        key=case.key,
        prediction=_depth(resize_map(case.prediction.values, size), case.prediction.kind),
        truth=Depth(values=values, valid=valid, kind=METRIC),
    )


def dense(case: Case) -> Case:
    """The case with the holes of its truth filled by one depth, and a camera."""
    truth, (height, width) = case.truth, case.truth.size
    values = np.where(truth.valid, truth.values, np.median(truth.values[truth.valid]))
    camera = Intrinsics(
        fx=519.0, fy=519.0, cx=width / 2, cy=height / 2, width=width, height=height, source="given"
    )
    return replace(
        case, truth=replace(_depth(values, METRIC), intrinsics=camera), usable=(0, 0, height, width)
    )


def roads(
    count: int, size: tuple[int, int] = (375, 1242), share: float = 0.2, farthest: float = 90
) -> list[Case]:
    """Made roads with `share` of their lower two thirds measured."""
    cases = []
    for seed in range(count):
        random = np.random.default_rng(seed)
        rows = np.linspace(0, 1, size[0])[:, None]
        depth = np.clip(4 / np.maximum(rows - 0.3, 0.04), 4, farthest)
        depth = depth * random.uniform(0.9, 1.1, size)
        depth = np.round(256 * depth) / 256
        depth[random.random(size) < 0.01] = 80.0
        valid = (random.random(size) < share) & (rows > 0.3)
        wrong = depth * np.exp(random.normal(0, 0.15, size)) * random.uniform(0.8, 1.2)
        truth = Depth(values=np.where(valid, depth, 0).astype(np.float32), valid=valid, kind=METRIC)
        cases.append(Case(key=f"road/{seed}", prediction=_depth(wrong, METRIC), truth=truth))
    return cases


def _depth(values: np.ndarray, kind: DepthKind) -> Depth:
    return Depth(
        values=values.astype(np.float32), valid=np.ones(values.shape, dtype=np.bool_), kind=kind
    )
