"""Pattern x method of completion on NYUv2, the network beside the methods without training.

    python -m benchmarks.completion_learned DATA FIRST -o docs/results/completion-learned.json

FIRST is a folder of `featherdepth evaluate --save-predictions` with the first stage's maps. Here
`linear` interpolates all points as they are; a method with `/all` behind it leaves none out.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.data.probe import open_data
from featherdepth.evaluation.completion import Completer
from featherdepth.evaluation.kept import KeptPredictions
from featherdepth.images.atomic import write_atomic
from featherdepth.metrics.bootstrap import mean_intervals
from featherdepth.metrics.protocols import load_protocol

PATTERNS = (
    "uniform-500,uniform-100,uniform-50,lines-16,lines-8,keypoints-500,zones-8x8,range-0.6-2000,"
    "uniform-500+outliers-0.05,uniform-500+outliers-0.2,uniform-500+shift-5px,uniform-2000,holes"
)
METHODS = "global,local,linear/all,kriging/all,auto,learned"
PROTOCOL = "nyu-dc-480x640-v1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("first", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--patterns", default=PATTERNS)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--every", type=int, default=1, help="only every n-th image")
    given = parser.parse_args()
    reader, kept = open_data(given.data, given.split), KeptPredictions.open(given.first)
    rules = load_protocol(PROTOCOL)
    scores: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    if given.output.exists():
        scores = json.loads(given.output.read_text())["scores"]
    for pattern in given.patterns.split(","):
        for method in given.methods.split(","):
            name, _, all_points = method.partition("/")
            completer = Completer(
                rules=rules, pattern=pattern, method=name, reject_outliers=not all_points
            )
            rows = scores.setdefault(pattern, {})[method] = {}
            for i in range(0, len(reader), given.every):
                sample = reader[i]
                first = kept.read(sample.image.name)
                done, framed = completer(sample, first, reader.usable(i))
                assert framed.depth is not None  # noqa: S101 - points were drawn from it
                scored = rules.score(done, framed.depth, reader.usable(i))
                rows[sample.key] = {k: float(scored.values[k]) for k in rules.measures}
        print(
            pattern, {m: round(mean(r, "rmse"), 4) for m, r in scores[pattern].items()}, flush=True
        )
        document = {
            "every": given.every,
            "protocol": PROTOCOL,
            "split": given.split,
            "rows": [row(p, m, scores[p]) for p in scores for m in scores[p]],
            "scores": scores,
        }
        write_atomic(given.output, (json.dumps(document, indent=1, sort_keys=True) + "\n").encode())


def mean(rows: dict[str, dict[str, float]], name: str) -> float:
    """Of a measure over images."""
    return float(np.mean([values[name] for values in rows.values()]))


def row(
    pattern: str, method: str, results: dict[str, dict[str, dict[str, float]]]
) -> dict[str, Any]:
    """Means, and the paired difference of rmse to other methods as a share of theirs."""
    own = results[method]
    said: dict[str, Any] = {"pattern": pattern, "method": method, "images": len(own)}
    said["metrics"] = {name: mean(own, name) for name in next(iter(own.values()))}
    for other in ("linear/all", "global", "local", "kriging/all"):
        if other in results and other != method:
            base = results[other]
            pairs = np.array([[own[k]["rmse"] - base[k]["rmse"]] for k in own])
            low, high = mean_intervals(pairs, seed=0)
            scale = mean(base, "rmse")
            values = (float(pairs.mean()), float(low[0]), float(high[0]))
            said[f"rmse_against_{other}"] = dict(
                zip(("value", "low", "high"), (v / scale for v in values), strict=True)
            )
    return said


if __name__ == "__main__":
    main()
