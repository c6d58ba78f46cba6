"""Two results on the same images: paired differences, and the images that differ most."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import numpy as np

from featherdepth.errors import InputError
from featherdepth.evaluation.reading import check_figures, reading
from featherdepth.evaluation.summary import figures
from featherdepth.metrics.bootstrap import draw_counts, ends
from featherdepth.metrics.map_measures import DECLARED

WORST = 10
"""Images that are listed."""
POINTS = ("pattern", "seed", "held_out")
"""Of a completion: what says where the points are, and what is scored."""
ALONE = "one image in common: its interval has no width, and nothing is told apart"
NEEDED = ("model", "protocol", "data", "metrics", "images")


def compare(
    a: dict[str, Any], b: dict[str, Any], *, names: tuple[str, str] = ("A", "B"), seed: int = 0
) -> dict[str, Any]:
    """Compare two documents of `evaluate`, image by image.

    Images that only one of them scored are left out of both and listed.

    Args:
        names: of the documents, for messages.

    Returns:
        `a`, `b` (models), `protocol`, `data`, `count` (images in both), `only_a`, `only_b`,
        `metrics` (measure -> a, b, difference = b - a, low, high: its 95 % interval of a paired
        bootstrap over images, better: "a", "b", or None where the interval holds 0 or is of one
        image), `notes` (what the figures cannot tell), `measure`
        (the first of the protocol), `worst` (key, a, b, difference by that measure, largest
        difference first, none of 0); of completions `completion` (pattern, seed, held_out, and
        a, b: what completed).

    Raises:
        InputError: not such documents, or not of one data set, split and protocol, or completed
            from other points.
    """
    for document, name in zip((a, b), names, strict=True):
        missing = [key for key in NEEDED if key not in document]
        if missing:
            raise InputError(f"{name}: no {missing[0]!r}; expected a document of evaluate -o")
        with reading(name, "a document of evaluate -o"):
            check_figures(document)
            if "completion" in document:
                itemgetter(*POINTS)(document["completion"])
                completed_by(document["completion"])
    _check_same(a, b, names)
    protocol = a["protocol"]
    rows_a, rows_b = ({row["key"]: row for row in document["images"]} for document in (a, b))
    keys = [key for key in rows_a if key in rows_b]
    if not keys:
        raise InputError(f"{names[0]} and {names[1]} have no image in common")
    pair = [rows_a[key] for key in keys], [rows_b[key] for key in keys]
    once = np.ones((1, len(keys)))
    value_a, value_b = (figures(rows, protocol, once)[0] for rows in pair)
    drawn = [
        figures(pair[1], protocol, counts) - figures(pair[0], protocol, counts)
        for counts in draw_counts(len(keys), seed=seed)
    ]
    low, high = ends(np.concatenate(drawn))
    alone = len(keys) < 2
    measure = protocol["measures"][0]
    differ = [key for key in keys if rows_a[key][measure] != rows_b[key][measure]]
    worst = sorted(differ, key=lambda k: -abs(rows_b[k][measure] - rows_a[k][measure]))[:WORST]
    result = {
        "a": a["model"],
        "b": b["model"],
        "protocol": protocol,
        "data": {key: a["data"][key] for key in ("name", "split")},
        "count": len(keys),
        "only_a": sorted(set(rows_a) - set(keys)),
        "only_b": sorted(set(rows_b) - set(keys)),
        "metrics": {
            name: {
                "a": float(value_a[i]),
                "b": float(value_b[i]),
                "difference": float(value_b[i] - value_a[i]),
                "low": float(low[i]),
                "high": float(high[i]),
                "better": None if alone else _better(name, float(low[i]), float(high[i])),
            }
            for i, name in enumerate(protocol["measures"])
        },
        "notes": [ALONE] if alone else [],
        "measure": measure,
        "worst": [
            {
                "key": key,
                "a": rows_a[key][measure],
                "b": rows_b[key][measure],
                "difference": rows_b[key][measure] - rows_a[key][measure],
            }
            for key in worst
        ],
    }
    if "completion" in a:
        points = {key: a["completion"][key] for key in POINTS}
        by = {"a": completed_by(a["completion"]), "b": completed_by(b["completion"])}
        result["completion"] = points | by
    return result


def completed_by(completion: Mapping[str, Any]) -> str:
    """The method, or the published system that needs none."""
    return str(completion.get("system") or completion["method"])


def _check_same(a: dict[str, Any], b: dict[str, Any], names: tuple[str, str]) -> None:
    for key in ("name", "split"):
        here, there = a["data"][key], b["data"][key]
        if here != there:
            raise InputError(
                f"{names[0]} is of data {key} {here!r}, {names[1]} of {there!r}; compare results"
                " on the same images"
            )
    points_a, points_b = (document.get("completion") or {} for document in (a, b))
    for key in POINTS:
        here, there = points_a.get(key), points_b.get(key)
        if here != there:
            raise InputError(
                f"{names[0]} is of completion {key} {here!r}, {names[1]} of {there!r}; compare"
                " completions from the same points"
            )
    one, other = a["protocol"], b["protocol"]
    # The name first: documents read from files have their keys in the order of the alphabet.
    keys = ["name", *sorted({*one, *other} - {"name"})]
    differ = [key for key in keys if one.get(key) != other.get(key)]
    if differ:
        shown = ", ".join(f"{k} {one.get(k)!r} and {other.get(k)!r}" for k in differ[:3])
        raise InputError(
            f"{names[0]} and {names[1]} are scored by different protocols: {shown}; score both"
            " under one"
        )


def _better(name: str, low: float, high: float) -> str | None:
    if low <= 0 <= high:
        return None
    larger_is_b = low > 0
    return "b" if larger_is_b == (DECLARED[name].better == "larger") else "a"
