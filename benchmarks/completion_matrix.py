"""Pattern x method of completion: `python -m benchmarks.completion_matrix`.

    python -m benchmarks.completion_matrix DATA FIRST -o docs/results/completion-matrix.json

FIRST is a folder of `featherdepth evaluate --save-predictions`: the first stage's maps. The file is
written anew after every pattern. Differences are paired over images, against `linear`, which
interpolates all points as they are, and against the alignments. Laser scans, scored where no point
was given:

    ... --split kitti --protocol kitti-dc-val1000-v1 --patterns keep-lines-16 --held-out
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
AGAINST = ("linear", "global", "local")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("first", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--protocol", default="nyu-dc-480x640-v1")
    parser.add_argument("--held-out", action="store_true", help="score where no point was given")
    parser.add_argument("--patterns", default=PATTERNS)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--shard", default="1/1", help="i/n: images i-1, i-1+n, ...")
    given = parser.parse_args()
    part, parts = (int(number) for number in given.shard.split("/"))
    cells: dict[str, dict[str, Any]] = {}
    for pattern in given.patterns.split(","):
        results = {
            method: api.evaluate(
                given.data,
                split=given.split,
                protocol=given.protocol,
                pattern=pattern,
                method=method,
                held_out=given.held_out,
                first_predictions=given.first,
                shard=(part, parts),
            )
            for method in given.methods.split(",")
        }
        made = cells[pattern] = {method: cell(method, results) for method in results}
        about = {
            "held_out": given.held_out,
            "protocol": given.protocol,
            "shard": given.shard,
            "split": given.split,
        }
        text = json.dumps({**about, "cells": cells}, indent=2, sort_keys=True) + "\n"
        write_atomic(given.output, text.encode())
        print(pattern, {m: round(c["metrics"][c["measure"]]["value"], 4) for m, c in made.items()})


def cell(method: str, results: dict[str, Any]) -> dict[str, Any]:
    """Means with intervals, and the paired differences of rmse to others as shares of theirs."""
    result = results[method]
    measure = "rmse" if "rmse" in result["metrics"] else "rmse_mm"
    said = {
        "measure": measure,
        "first": result["completion"]["first"],
        "images": result["data"]["count"],
        "skipped": len(result["skipped"]),
        "metrics": result["metrics"],
    }
    own = {image["key"]: image[measure] for image in result["images"]}
    for other in set(AGAINST) & set(results) - {method}:
        base = {image["key"]: image[measure] for image in results[other]["images"]}
        keys = [key for key in own if key in base]
        mean = float(np.mean([base[key] for key in keys]))
        difference = np.array([[own[key] - base[key]] for key in keys])
        low, high = mean_intervals(difference, seed=0)
        said[f"rmse_against_{other}"] = {
            "value": float(difference.mean()) / mean,
            "low": float(low[0]) / mean,
            "high": float(high[0]) / mean,
        }
    return said


if __name__ == "__main__":
    main()
