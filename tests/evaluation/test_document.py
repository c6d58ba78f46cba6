"""Results of suites: whole, small, and exact where it matters."""

import json
from pathlib import Path

from featherdepth.evaluation.measured import write_document


def test_figures_have_seven_digits_and_counts_all_of_theirs(tmp_path: Path) -> None:
    third = 1 / 3
    document = {
        "images": [{"key": "0.123456789", "abs_rel": third, "rmse": 1e-9 * third}],
        "low": third * 1e5,
        "params": 20_812_503_041,
        "reproduce": {"seed": 0, "given": None},
    }

    write_document(tmp_path / "a" / "row.json", document)

    text = (tmp_path / "a" / "row.json").read_text()
    assert json.loads(text) == {
        "images": [{"key": "0.123456789", "abs_rel": 0.3333333, "rmse": 3.333333e-10}],
        "low": 33333.33,
        "params": 20_812_503_041,
        "reproduce": {"seed": 0, "given": None},
    }
    assert ": " not in text
