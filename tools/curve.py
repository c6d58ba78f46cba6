"""The validation curve of one or more runs as one JSON: python -m tools.curve RUN... -o FILE"""

import argparse
import json
from pathlib import Path


def curve(runs: list[Path]) -> list[dict[str, object]]:
    """One row a validation: run, step, figures; runs in the order given."""
    rows = []
    for run in runs:
        for line in (run / "journal.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if "validation" in entry:
                rows.append({"run": run.name, "step": entry["step"], **entry["validation"]})
    return rows


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    text = json.dumps({"rows": curve(options.runs)}, indent=1) + "\n"
    options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
