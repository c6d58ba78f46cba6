"""Code for completion (NLSPN, PENet), for edges (Depth Pro) and for robust fits (MoGe)."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from benchmarks.upstream import cases as made
from benchmarks.upstream.cases import AFFINE, Case
from benchmarks.upstream.runs import Comparison, Values, both, definitions, maps

NLSPN = "src/metric/nlspnmetric.py"
HALF, CROP = (240, 320), (slice(6, 234), slice(8, 312))
L1_SIZE = (48, 64)
"""So small that all pixels enter the absolute fit of both."""


class Settings:
    """Stands in for the base class of a metric, which only keeps its settings."""

    def __init__(self, args: Any) -> None:
        self.args = args


def nlspn_metrics(folder: Path) -> Callable[[Case], Values]:
    """Their metrics of one image of 240x320, cut as their data set cuts it."""
    metric = definitions(folder / NLSPN, "NLSPNMetric", BaseMetric=Settings).NLSPNMetric(None)
    names = ("rmse", "mae", "irmse", "imae", "abs_rel", "delta1", "delta2", "delta3")

    def run(case: Case) -> Values:
        prediction, truth = (torch.from_numpy(m[CROP].copy())[None, None] for m in maps(case))
        found = metric.evaluate({"gt": truth}, {"pred": prediction}, "test")[0].tolist()
        values = dict(zip(names, found, strict=True))
        return {**values, "irmse": 1000 * values["irmse"], "imae": 1000 * values["imae"]}

    return run


def nlspn(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    cases = [made.halved(made.metric(case, 1.02), HALF) for case in rooms]
    data, run = "NYUv2 val at 240x320, metric", nlspn_metrics(folder)
    yield both(NLSPN, "nyu-dc-500-304x228-v1", data, cases, run)


def penet(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    del rooms
    file, names = "metrics.py", {"rmse": "rmse_mm", "mae": "mae_mm", "absrel": "abs_rel"}
    names |= {"squared_rel": "sq_rel_norm", "lg10": "log10"}
    names |= {name: name for name in ("irmse", "imae", "silog", "delta1", "delta2", "delta3")}
    code = definitions(folder / file, "Result", "log10", lg_e_10=float(np.log(10)), math=math)

    def run(case: Case) -> Values:
        result = code.Result()
        result.evaluate(*map(torch.from_numpy, maps(case)))
        return {ours: float(getattr(result, theirs)) for theirs, ours in names.items()}

    cases = made.roads(8, size=(352, 1216))
    yield both(file, "kitti-dc-val1000-v1", "made roads, metric", cases, run)


def depth_pro(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    file = "src/depth_pro/eval/boundary_metrics.py"
    names = ("boundary_f1", "fgbg_depth", "get_thresholds_and_weights", "invert_depth")
    code = definitions(folder / file, *names, "SI_boundary_F1")
    yield both(
        file,
        "ibims-100-v1+none",
        "NYUv2 val, holes filled, metric",
        [made.dense(made.metric(case)) for case in rooms[::4]],
        lambda case: {"boundary_f1": float(code.SI_boundary_F1(*maps(case)))},
    )


def moge(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    align = "moge/utils/alignment.py"
    file = "moge/test/metrics.py"
    fits = definitions(
        folder / align,
        *("align", "scatter_min", "align_affine_lstsq", "align_depth_affine"),
        math=math,
    )
    # Their smaller copy for the absolute fit, of maps that are small already.
    whole = SimpleNamespace(masked_nearest_resize=lambda mask, **_: (mask, slice(None)))
    metrics = ("compute_metrics", "rel_depth", "delta1_depth")
    code = definitions(folder / file, *metrics, utils3d=SimpleNamespace(pt=whole), **vars(fits))

    def run(case: Case, kind: str) -> Values:
        prediction, truth = map(torch.from_numpy, maps(case))
        mask = torch.from_numpy(case.truth.valid & (case.truth.values < 10))
        about = {"depth": truth, "points": None, "depth_mask": mask, "has_sharp_boundary": False}
        found, _ = code.compute_metrics({kind: prediction}, {**about, "is_metric": True})
        return {"abs_rel": found[kind]["rel"], "delta1": found[kind]["delta1"]}

    inverse = [_whole(made.disparity(case)) for case in rooms]
    yield both(
        f"{file}, {align}",
        "nyu-eigen-raw-v1+affine-disp-floor",
        "NYUv2 val, whole frame, affine_invariant_disparity",
        inverse,
        lambda case: run(case, "disparity_affine_invariant"),
    )
    yield both(
        f"{file}, {align}",
        "nyu-eigen-raw-v1+affine-l1",
        f"NYUv2 val at {L1_SIZE[1]}x{L1_SIZE[0]}, whole frame, {AFFINE}",
        [made.halved(case, L1_SIZE) for case in rooms[::16]],
        lambda case: run(case, "depth_affine_invariant"),
    )


def _whole(case: Case) -> Case:
    return Case(key=case.key, prediction=case.prediction, truth=case.truth)
