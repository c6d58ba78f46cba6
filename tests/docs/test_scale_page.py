"""The figures of the page on scale are those of the JSON files."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_worked_out_from_what_was_measured() -> None:
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.scale import table
    finally:
        sys.path.remove(str(ROOT))
    document = json.loads((ROOT / "docs" / "results" / "cluster.json").read_text())

    page = (ROOT / "docs" / "explanation" / "scale.md").read_text(encoding="utf-8")

    assert table(document) in page


def test_what_was_measured_keeps_what_the_page_promises() -> None:
    document = json.loads((ROOT / "docs" / "results" / "cluster.json").read_text())
    kill = document["kill"]

    assert (kill["photos"], kill["maps"], kill["killed"]) == (2000, 2000, 2)
    assert kill["twice"] == kill["missing"] == kill["different"] == 0
