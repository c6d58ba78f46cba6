"""LeReS and DiverseDepth: whole frames, a fit over all of them, pixels of all images pooled."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from benchmarks.upstream.cases import AFFINE, Case
from benchmarks.upstream.runs import Comparison, Values, definitions, maps

from featherdepth.evaluation.summary import figures, row_of
from featherdepth.metrics import order
from featherdepth.metrics.map_measures import SEED
from featherdepth.metrics.protocols import load_protocol
from featherdepth.metrics.score_maps import score_map

METRICS = {
    "err_absRel": "abs_rel",
    "err_squaRel": "sq_rel_norm",
    "err_rms": "rmse",
    "err_logRms": "rmse_log",
    "err_log10": "log10",
    "err_delta1": "delta1",
    "err_delta2": "delta2",
    "err_delta3": "delta3",
    "err_whdr": "whdr",
}


class Sums:
    """Stands in for their SmoothedValue: a sum and a count."""

    def __init__(self) -> None:
        self.total = self.count = 0.0

    def AddValue(self, value: float, count: int) -> None:  # noqa: N802 - its name there
        self.total, self.count = self.total + float(value), self.count + count

    def mean(self) -> float:
        return self.total / self.count


class LeReS:
    """tools/test_multiauxiv2_nyu.py after the network: fit, errors, global averages."""

    file = "Train/lib/utils/evaluate_depth_error.py"

    def __init__(self, path: Path, *, own_pairs: bool = False) -> None:
        names = ("recover_metric_depth", "evaluate_rel_err", "weighted_human_disagreement_rate")
        self.code = definitions(path, *names, "select_index")
        self.own_pairs = own_pairs

    def __call__(self, cases: Sequence[Case]) -> Values:
        sums = {name: Sums() for name in (*METRICS, "err_silog", "err_silog2")}
        for case in cases:
            prediction, truth = maps(case)
            if not self.own_pairs:  # the pairs that we draw: theirs come from a global state
                self.code.space["select_index"] = lambda gt, case=case: dict(
                    zip(("p1", "p2"), order.random_pairs(gt.size, SEED, case.key), strict=True)
                )
            aligned = self.code.recover_metric_depth(prediction, truth)
            self.code.evaluate_rel_err(aligned, truth, sums)
        found = {ours: sums[theirs].mean() for theirs, ours in METRICS.items()}
        spread = np.sqrt(sums["err_silog2"].mean() - sums["err_silog"].mean() ** 2)
        roots = {"rmse": np.sqrt(found["rmse"]) / 10, "rmse_log": np.sqrt(found["rmse_log"])}
        return {**found, **roots, "silog": 100 * spread}


def compare(
    folder: Path, rooms: Sequence[Case], file: str = f"LeReS/{LeReS.file}"
) -> Iterator[Comparison]:
    code, protocol = LeReS(folder / file), load_protocol("leres")
    turned = [_turned(case) if i % 9 == 4 else case for i, case in enumerate(rooms)]
    for data, cases in (("affine", rooms), ("affine, one in nine upside down", turned)):
        scores = [score_map(protocol, c.prediction, c.truth, c.usable, key=c.key) for c in cases]
        rows = [row_of(c.key, s, pooled=True) for c, s in zip(cases, scores, strict=True)]
        values = figures(rows, protocol.as_dict(), np.ones((1, len(rows))))[0].tolist()
        yield Comparison(
            file=file,
            protocol="leres",
            data=f"NYUv2 val, {data}; {len(cases)} images pooled",
            ours=[dict(zip(protocol.measures, values, strict=True))],
            theirs=[code(cases)],
        )


def _turned(case: Case) -> Case:
    """Upside down, with a mean above 0: the ratio of means does not turn it back."""
    values = case.prediction.values
    return case.predicting(values.max() + 1 - values, AFFINE)


def compare_diverse(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    yield from compare(folder, rooms, LeReS.file)
