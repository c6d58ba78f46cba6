"""Our numbers beside those of published evaluation code, on the same predictions.

    featherdepth evaluate --model small --data DATA --split val --save-predictions KEPT
    python -m benchmarks.upstream CLONE... --data DATA --predictions KEPT -o OUT.json

A clone is a folder of one of the repositories of `KNOWN`, fetched by the user; nothing of it is
kept here. For every protocol that names the code, each image is scored by both, and the largest
difference of each metric is written: of figures above 1 as a share of the figure. Where code does
what we decided against, the size of that is measured beside it. Exit 1 where a difference is above
1e-5.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.timing import machine
from benchmarks.upstream import dense, eigen, leres, marigold, quirks
from benchmarks.upstream.cases import Case, rooms
from benchmarks.upstream.runs import Comparison

BOUND = 1e-5
Comparing = Callable[[Path, Sequence[Case]], Iterator[Comparison]]
KNOWN: dict[str, tuple[str, Comparing]] = {
    "cleinc/bts": ("pytorch/bts_eval.py", eigen.bts),
    "prs-eth/Marigold": ("src/util/alignment.py", marigold.compare),
    "aim-uofa/AdelaiDepth": (f"LeReS/{leres.LeReS.file}", leres.compare),
    "YvanYin/DiverseDepth": ("Train/tools/test_diversedepth_nyu.py", leres.compare_diverse),
    "nianticlabs/monodepth2": ("evaluate_depth.py", eigen.monodepth2),
    "isl-org/ZoeDepth": ("zoedepth/utils/misc.py", eigen.zoedepth),
    "DepthAnything/Depth-Anything-V2": ("metric_depth/util/metric.py", eigen.depth_anything_v2),
    "zzangjinsun/NLSPN_ECCV20": ("src/metric/nlspnmetric.py", dense.nlspn),
    "JUGGHM/PENet_ICRA2021": ("metrics.py", dense.penet),
    "apple/ml-depth-pro": ("src/depth_pro/eval/boundary_metrics.py", dense.depth_pro),
    "microsoft/MoGe": ("moge/test/metrics.py", dense.moge),
}
"""Repository -> a file by which its clone is known, and what is compared."""


def recognise(folder: Path) -> str:
    """The repository that a folder is a clone of."""
    found = [name for name, (file, _) in KNOWN.items() if (folder / file).is_file()]
    if len(found) != 1:
        raise SystemExit(f"{folder}: a clone of none of {', '.join(KNOWN)}")
    return found[0]


def commit_of(folder: Path) -> str:
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def largest(comparison: Comparison) -> dict[str, float]:
    """Largest difference of each metric over the images."""
    return {
        name: max(
            abs(ours[name] - theirs[name]) / max(1.0, abs(theirs[name]))
            for ours, theirs in zip(comparison.ours, comparison.theirs, strict=True)
        )
        for name in comparison.theirs[0]
    }


def row(repository: str, commit: str, comparison: Comparison) -> dict[str, Any]:
    mean = {
        name: float(np.mean([v[name] for v in comparison.ours])) for name in comparison.theirs[0]
    }
    return {
        "repository": repository,
        "commit": commit,
        "file": comparison.file,
        "protocol": comparison.protocol,
        "data": comparison.data,
        "compared": len(comparison.ours),
        "mean": mean,
        "max_difference": largest(comparison),
    }


def main() -> int:
    """Compare with every clone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clones", nargs="+", type=Path, metavar="CLONE")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--images", type=int, help="about so many frames; all by default")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    clones = {recognise(folder): folder for folder in options.clones}
    cases = rooms(options.data, options.split, options.predictions, options.images)
    rows = []
    for repository, folder in clones.items():
        for comparison in KNOWN[repository][1](folder, cases):
            rows.append(row(repository, commit_of(folder), comparison))
            print(repository, comparison.protocol, max(rows[-1]["max_difference"].values()))
    worst = max(max(r["max_difference"].values()) for r in rows)
    result = {
        "bound": BOUND,
        "max_difference": worst,
        "count": len(rows),
        "repositories": len(clones),
        "images": len(cases),
        "rows": rows,
        "quirks": [*quirks.measure(clones, cases)],
        "machine": machine(),
    }
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return int(worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
