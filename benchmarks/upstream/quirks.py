"""What published code does and we decided against, with its size on the same predictions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.upstream import cases as made
from benchmarks.upstream.cases import AFFINE, DISPARITY, METRIC, Case
from benchmarks.upstream.dense import HALF, nlspn_metrics
from benchmarks.upstream.eigen import bts_eval, dav2_metrics
from benchmarks.upstream.leres import LeReS
from benchmarks.upstream.marigold import Marigold
from benchmarks.upstream.runs import scored

from featherdepth.errors import InputError
from featherdepth.metrics.protocols import load_protocol

Quirk = tuple[str, str, str, float | None, float]
"""What it is, our protocol, the measure, our figure (None: refused), theirs."""


def measure(clones: Mapping[str, Path], rooms: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """The quirks of the clones that are there."""
    for repository, quirks in KNOWN.items():
        if repository in clones:
            for what, protocol, name, ours, theirs in quirks(clones[repository], rooms):
                yield {
                    "repository": repository,
                    "what": what,
                    "protocol": protocol,
                    "measure": name,
                    "ours": ours,
                    "theirs": theirs,
                }


def marigold(folder: Path, rooms: Sequence[Case]) -> Iterator[Quirk]:
    code, some = Marigold(folder), rooms[::4]

    def mean(cases: Sequence[Case], resolution: int | None = None) -> float:
        found = [code("NYU", case, resolution, eigen_valid_mask=True) for case in cases]
        return _average([values["abs_rel"] for values in found])

    def beside(
        what: str, suffix: str, cases: Sequence[Case], resolution: int | None = None
    ) -> Quirk:
        name = f"nyu-eigen-raw-v1+{suffix}"
        return what, name, "abs_rel", _mean(name, cases, "abs_rel"), mean(cases, resolution)

    low = [_lowered(made.disparity(case)) for case in some]
    yield beside("disparity at or below 0 is scored but not fitted", "affine-disp", low)
    turned = [case.predicting(-case.prediction.values, AFFINE) for case in some]
    yield beside(
        "a slope below 0 is kept: an upside-down map is turned over", "affine-depth", turned
    )
    yield beside("the fit on a copy of at most 256 pixels, nearest", "affine-depth", some, 256)


def bts(folder: Path, rooms: Sequence[Case]) -> Iterator[Quirk]:
    run, name = bts_eval(folder), "nyu-eigen-raw-v1+none"
    inside = {"dataset": "nyu", "garg_crop": False, "eigen_crop": True}
    cases = [made.metric(case) for case in rooms[::4]]
    broken = [_broken(case) for case in cases]
    theirs = [run(c, 10, v, **inside)["abs_rel"] for c, v in zip(cases, broken, strict=True)]
    found = (c.predicting(v, METRIC) for c, v in zip(cases, broken, strict=True))
    ours = _mean(name, found, "abs_rel")
    yield "NaN becomes the nearest depth and is scored", name, "abs_rel", ours, _average(theirs)


def dav2(folder: Path, rooms: Sequence[Case]) -> Iterator[Quirk]:
    run, cases = dav2_metrics(folder), [made.metric(case) for case in rooms[::4]]
    theirs = _average([run(case)["silog"] for case in cases])
    what = "silog takes off half of the squared mean, and is no percentage"
    yield what, "metric", "silog", _mean("metric", cases, "silog"), theirs


def leres(folder: Path, rooms: Sequence[Case]) -> Iterator[Quirk]:
    path, some = folder / "LeReS" / LeReS.file, rooms[::4]
    np.random.seed(0)  # noqa: NPY002 - the state that their pairs come from
    whdr = [LeReS(path, own_pairs=True)(some)["whdr"] for _ in range(4)]
    ours = _mean("leres", some, "whdr")
    turned = [
        c.predicting(c.prediction.values.min() - c.prediction.values - 1, AFFINE) for c in some
    ]
    what = "WHDR after the fit: upside-down maps below 0 are turned over by the ratio of means"
    yield what, "leres", "whdr", _mean("leres", turned, "whdr"), LeReS(path)(turned)["whdr"]
    for what, theirs in (("lowest", min(whdr)), ("highest", max(whdr))):
        yield f"pairs of a global random state; {what} of 4 runs", "leres", "whdr", ours, theirs


def nlspn(folder: Path, rooms: Sequence[Case]) -> Iterator[Quirk]:
    run, name = nlspn_metrics(folder), "nyu-dc-500-304x228-v1"
    cases = [_holed(made.halved(made.metric(case, 1.02), HALF)) for case in rooms[::4]]
    what = "a prediction of 0 m stays 0 where ours is raised to 1e-4 m (a hundredth of the pixels)"
    for measure_name in ("rmse", "irmse"):
        theirs = _average([run(case)[measure_name] for case in cases])
        yield what, name, measure_name, _mean(name, cases, measure_name), theirs


def _mean(protocol: str, cases: Iterable[Case], name: str) -> float | None:
    """Our figure, None where a prediction is refused."""
    rules = replace(load_protocol(protocol), measures=(name,))
    try:
        return _average([scored(rules, case)[name] for case in cases])
    except (InputError, ValueError):  # ValueError: a `Depth` refuses values that are not finite
        return None


def _average(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _broken(case: Case) -> np.ndarray:
    values = case.prediction.values.copy()
    values[200:210, 300:310] = np.nan
    return values


def _lowered(case: Case) -> Case:
    """A twentieth of a disparity map at or below 0."""
    values = case.prediction.values
    return case.predicting(values - np.quantile(values, 0.05), DISPARITY)


def _holed(case: Case) -> Case:
    values = case.prediction.values.copy()
    values[np.random.default_rng(0).random(values.shape) < 0.01] = 0
    return case.predicting(values, METRIC)


KNOWN: dict[str, Callable[[Path, Sequence[Case]], Iterator[Quirk]]] = {
    "prs-eth/Marigold": marigold,
    "cleinc/bts": bts,
    "DepthAnything/Depth-Anything-V2": dav2,
    "aim-uofa/AdelaiDepth": leres,
    "zzangjinsun/NLSPN_ECCV20": nlspn,
}
"""Repository -> what of its code is measured here."""
