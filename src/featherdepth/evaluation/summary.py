"""From rows, one an image, to the figures of a result and to its document.

Everything is computed from the rows as they stand in the document, so that parts of a run that
were measured apart give the same document as one run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from featherdepth.errors import InputError
from featherdepth.metrics.bootstrap import draw_counts, ends, mean_intervals
from featherdepth.metrics.map_measures import DECLARED, ImageMeasure
from featherdepth.metrics.scores import Score

Row = dict[str, Any]


def row_of(key: str, score: Score, *, pooled: bool) -> Row:
    """What a document keeps of one image; moments where pixels are pooled over images."""
    row: Row = {
        "key": key,
        **score.values,
        "negative_scale": score.negative_scale,
        "valid_fraction": score.valid_fraction,
        "clamped_fraction": score.clamped_fraction,
        "dropped_fraction": score.dropped_fraction,
    }
    if pooled:
        row["pixels"] = score.pixels
        row["moments"] = {name: list(means) for name, means in score.moments.items()}
    return row


def figures(
    rows: Sequence[Row],
    protocol: Mapping[str, Any],
    counts: Float64[np.ndarray, "d n"],
) -> Float64[np.ndarray, "d m"]:
    """The protocol's measures over the rows, taken as often as `counts` says, for each draw."""
    names = protocol["measures"]
    if protocol["aggregate"] == "image":
        values = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)
        means: Float64[np.ndarray, "d m"] = counts @ values / counts.sum(axis=1, keepdims=True)
        return means
    return np.stack([_pooled(rows, name, counts) for name in names], axis=1)


def _pooled(
    rows: Sequence[Row], name: str, counts: Float64[np.ndarray, "d n"]
) -> Float64[np.ndarray, " d"]:
    """One measure over the pixels of all rows together; what is no mean over pixels, over rows."""
    measure = DECLARED[name]
    weights = np.array([row["pixels"] for row in rows], dtype=np.float64)
    if isinstance(measure, ImageMeasure) and not measure.per_pair:
        weights = np.ones_like(weights)
    moments = np.array([row["moments"][name] for row in rows], dtype=np.float64)
    means = counts @ (weights[:, None] * moments) / (counts @ weights)[:, None]
    return np.array([measure.finish(tuple(drawn)) for drawn in means.tolist()])


def summarize(
    rows: Sequence[Row], protocol: Mapping[str, Any], seed: int
) -> dict[str, dict[str, float]]:
    """Measure -> value, and the ends of its 95 % bootstrap interval over images."""
    if not rows:
        return {}
    names = protocol["measures"]
    if protocol["aggregate"] == "image":
        values = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)
        value = values.mean(axis=0)
        low, high = mean_intervals(values, seed=seed)
    else:
        value = figures(rows, protocol, np.ones((1, len(rows))))[0]
        drawn = [figures(rows, protocol, counts) for counts in draw_counts(len(rows), seed=seed)]
        low, high = ends(np.concatenate(drawn))
    return {
        name: {"value": float(value[i]), "low": float(low[i]), "high": float(high[i])}
        for i, name in enumerate(names)
    }


def assemble(
    *,
    model: str,
    protocol: dict[str, Any],
    data: Mapping[str, Any],
    rows: list[Row],
    baselines: Mapping[str, list[Row]],
    skipped: Mapping[str, str],
    faulty: Sequence[str],
    notes: Sequence[str],
    seed: int,
    environment: dict[str, Any],
) -> dict[str, Any]:
    """The document of a result."""
    return {
        "model": model,
        "protocol": protocol,
        "data": {
            "name": data["name"],
            "split": data["split"],
            "count": len(rows),
            "valid_fraction": float(np.mean([r["valid_fraction"] for r in rows])) if rows else 0.0,
        },
        "metrics": summarize(rows, protocol, seed),
        "images": rows,
        "skipped": skipped_rows(skipped),
        "faulty_predictions": sorted(faulty),
        "negative_scale": sum(row["negative_scale"] for row in rows),
        "notes": [*notes, *_doubts(rows, protocol)],
        "baselines": {name: summarize(r, protocol, seed) for name, r in baselines.items()},
        "environment": environment,
    }


def skipped_rows(skipped: Mapping[str, str]) -> list[dict[str, str]]:
    """What a document says of images that are in no figure, from key -> reason."""
    return [{"key": key, "reason": skipped[key]} for key in sorted(skipped)]


def nothing_scored(what: str, skipped: Mapping[str, str]) -> InputError:
    """The error of a run without one row; it gives the first reason."""
    key, reason = next(iter(skipped.items()), ("", "no image"))
    return InputError(f"{what}: no image could be scored; {key}: {reason}")


def spread_over(count: int, most: int) -> list[int]:
    """Positions of at most `most` of `count` images, evenly spaced, from the first to the last."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most))})


def _doubts(rows: Sequence[Row], protocol: Mapping[str, Any]) -> list[str]:
    """Where the data does not look like that of the protocol, or is too little for an interval."""
    found = []
    if len(rows) == 1:
        found.append("one image scored: its interval has no width and says nothing of others")
    expected, name = protocol["count"], protocol["name"]
    if expected is not None and len(rows) != expected:
        found.append(f"{len(rows)} images scored; {name} is of {expected}")
    if protocol["valid"] is not None and rows:
        share = float(np.mean([row["valid_fraction"] for row in rows]))
        low, high = protocol["valid"]
        if not low <= share <= high:
            found.append(
                f"{share:.3f} of the pixels have truth; {name} is of {low:g} to {high:g}"
                f" ({protocol['data']})"
            )
    return found
