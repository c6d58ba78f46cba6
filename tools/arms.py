"""Compare distillation runs that differ in one thing, photo by photo.

python -m tools.arms NAME=RUN NAME=RUN ... -o OUT.json

Every run must have held out the same photos. Differences are to the first run, with 95 % bootstrap
intervals over photos; of rms less is better.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.distill.agreement import MEASURES, Rows, interval
from featherdepth.distill.outcome import DOCUMENT


def rows_of(run: Path) -> tuple[dict[str, Any], list[str], Rows]:
    """The document of a run, its held-out photos, and their agreement after training."""
    document = json.loads((run / DOCUMENT).read_text(encoding="utf-8"))
    photos = document["agreement"]["photos"]
    rows = np.array([[photo["after"][name] for name in MEASURES] for photo in photos])
    return document, [photo["key"] for photo in photos], rows


def main(arguments: list[str]) -> int:
    """Write the comparison; exit 1 if the runs held out other photos."""
    parser = argparse.ArgumentParser(prog="tools.arms", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    arms = {name: rows_of(Path(run)) for name, _, run in (r.partition("=") for r in options.runs)}
    first, (_, keys, base) = next(iter(arms.items()))
    result: dict[str, Any] = {"photos": len(keys), "against": first, "arms": {}}
    for name, (document, own, rows) in arms.items():
        if own != keys:
            print(f"{name}: other held-out photos than {first}", file=sys.stderr)
            return 1
        result["arms"][name] = {
            "steps": document["training"]["steps"],
            "losses": document["training"]["losses"],
            "after": interval(rows, 0),
            "difference": interval(rows - base, 0),
        }
    options.output.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
