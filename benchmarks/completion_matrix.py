"""Pattern x method of completion on NYUv2: `python -m benchmarks.completion_matrix`.

    python -m benchmarks.completion_matrix DATA FIRST -o docs/results/completion-matrix.json

FIRST is a folder of `featherdepth evaluate --save-predictions`: the first stage's maps. The file is
written anew after every pattern. Differences are paired over images, against `linear`, which
interpolates all points as they are.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth import api
from featherdepth.images.atomic import write_atomic
from featherdepth.metrics.bootstrap import mean_intervals

PATTERNS = (
    "uniform-500,uniform-100,uniform-50,lines-16,lines-8,keypoints-500,zones-8x8,range-0.6-2000,"
    "uniform-500+outliers-0.05,uniform-500+outliers-0.2,uniform-500+shift-5px,"
    "uniform-2000,uniform-20000,holes"
)
METHODS = "global,local,linear,auto,learned"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("first", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--patterns", default=PATTERNS)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--shard", default="1/1", help="i/n: images i-1, i-1+n, ...")
    given = parser.parse_args()
    part, parts = (int(number) for number in given.shard.split("/"))
    rows: list[dict[str, Any]] = []
    for pattern in given.patterns.split(","):
        results = {
            method: api.evaluate(
                given.data,
                split=given.split,
                protocol="nyu-dc-480x640-v1",
                pattern=pattern,
                method=method,
                first_predictions=given.first,
                shard=(part, parts),
            )
            for method in given.methods.split(",")
        }
        rows += [row(pattern, method, results) for method in results]
        about = {"shard": given.shard, "protocol": "nyu-dc-480x640-v1", "split": given.split}
        text = json.dumps({**about, "rows": rows}, indent=2, sort_keys=True) + "\n"
        write_atomic(given.output, text.encode())
        print(pattern, {m: round(r["metrics"]["rmse"]["value"], 4) for m, r in results.items()})


def row(pattern: str, method: str, results: dict[str, Any]) -> dict[str, Any]:
    """Means with intervals, and the paired difference of rmse to `linear` as a share of it."""
    result = results[method]
    said = {
        "pattern": pattern,
        "method": method,
        "first": result["completion"]["first"],
        "images": result["data"]["count"],
        "skipped": len(result["skipped"]),
        "metrics": result["metrics"],
    }
    if "linear" in results:
        own, base = (
            {i["key"]: i["rmse"] for i in results[m]["images"]} for m in (method, "linear")
        )
        keys = [key for key in own if key in base]
        difference = np.array([[own[key] - base[key]] for key in keys])
        mean = float(np.mean([base[key] for key in keys]))
        low, high = mean_intervals(difference, seed=0)
        said["rmse_against_linear"] = {
            "value": float(difference.mean()) / mean,
            "low": float(low[0]) / mean,
            "high": float(high[0]) / mean,
        }
    return said


if __name__ == "__main__":
    main()
