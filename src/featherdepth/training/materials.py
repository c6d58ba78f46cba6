"""The bill of materials: every data set, start and teacher that went into weights, with its terms.

One row an ingredient: `name`, `class` (A, B or C, by what the terms allow), `terms`, `use`.
"""

import re
from pathlib import Path
from typing import Any

from featherdepth.data.reader import Reader
from featherdepth.networks.encoder_start import is_model
from featherdepth.networks.folder import read_preset

Row = dict[str, Any]


def data_rows(reader: Reader, use: str, terms: str = "") -> list[Row]:
    """The row of a data set, and those of the teacher whose maps are its truth.

    Args:
        terms: in place of what the reader knows of them.
    """
    terms = terms or reader.terms
    row = {
        "name": f"{reader.name}{f' ({reader.split})' if reader.split else ''}",
        "class": _strictest(terms),
        "terms": terms,
        "use": use,
    }
    return [row, *map(dict, reader.materials)]


def start_rows(init: Path | None, encoder_weights: str) -> list[Row]:
    """The rows of what training began from: all that a model was made from, or ImageNet weights.

    Raises:
        WeightsError: `init` is no model folder, or one of the two is damaged.
    """
    start = Path(encoder_weights) if is_model(encoder_weights) else init
    rows = [] if start is None else [dict(row) for row in read_preset(start).materials]
    if encoder_weights and start is None:
        rows.append(
            {
                "name": Path(encoder_weights).name,
                "class": "B",
                "terms": "ImageNet-pretrained weights (class B: research terms of the images)",
                "use": "start of the encoder",
            }
        )
    return rows


def _strictest(terms: str) -> str:
    """The last of the classes A, B, C that the terms name; unknown terms count as C."""
    return max(re.findall(r"class ([ABC])\b", terms), default="C")
