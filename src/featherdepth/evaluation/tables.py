"""Result documents as text tables for people."""

from typing import Any

from featherdepth.evaluation.compare import completed_by
from featherdepth.metrics.map_measures import DECLARED

PERCENT = ("delta1", "delta2", "delta3", "whdr", "whdr_3", "boundary_f1", "pair_accuracy")
"""Shares in 0..1 that are shown as percent."""


def accuracy_table(result: dict[str, Any]) -> str:
    """A result of `evaluate` as lines of text: what was measured, how, and beside which baselines.

    delta1 to delta3 are shown in percent, values in metres with three digits, the rest with four.
    """
    protocol, data = result["protocol"], result["data"]
    title = f"{result['model']} on {_named(data)}: {data['count']} images"
    baselines = result["baselines"]
    header = ["", result["model"], "95 % interval", *baselines]
    body = [
        [
            label(name),
            number(name, row["value"]),
            f"{number(name, row['low'])} .. {number(name, row['high'])}",
            *(number(name, metrics[name]["value"]) for metrics in baselines.values()),
        ]
        for name, row in result["metrics"].items()
    ]
    lines = [f"{title}, {_protocol_line(protocol)}"]
    if completion := result.get("completion"):
        lines.append(f"{_points(completion)}, completed by {completed_by(completion)}")
    lines += ["", *columns([header, *body]), ""]
    lines.append(f"scored pixels: {100 * data['valid_fraction']:.1f} % of the area")
    if result["negative_scale"]:
        lines.append(f"no scale above 0 fits: {result['negative_scale']}")
    lines += [f"note: {note}" for note in result["notes"]]
    if faulty := result["faulty_predictions"]:
        lines.append(f"corrupt predictions, in no mean: {len(faulty)}; {faulty[0]}")
    lines += _first_of(result["skipped"], "skipped")
    return "\n".join(lines)


def compare_table(result: dict[str, Any]) -> str:
    """A result of `compare` as lines of text: paired differences and the images that differ."""
    data = result["data"]
    title = f"{result['b']} (b) against {result['a']} (a) on {_named(data)}"
    body = [
        [
            label(name),
            number(name, row["a"]),
            number(name, row["b"]),
            number(name, row["difference"], sign="+"),
            f"{number(name, row['low'], sign='+')} .. {number(name, row['high'], sign='+')}",
            row["better"] or "not told apart",
        ]
        for name, row in result["metrics"].items()
    ]
    measure = result["measure"]
    worst = [
        [
            row["key"],
            *(number(measure, row[key]) for key in ("a", "b")),
            number(measure, row["difference"], sign="+"),
        ]
        for row in result["worst"]
    ]
    lines = [f"{title}: {result['count']} images, {_protocol_line(result['protocol'])}"]
    if completion := result.get("completion"):
        by = f"a completed by {completion['a']}, b by {completion['b']}"
        lines.append(f"{_points(completion)}, {by}")
    lines += [
        "",
        *columns([["", "a", "b", "b - a", "95 % interval", "better"], *body]),
        "",
        *(f"note: {note}" for note in result["notes"]),
        f"images that differ most in {measure}:" if worst else f"no image differs in {measure}",
        *(columns([["", "a", "b", "b - a"], *worst]) if worst else []),
    ]
    for key, name in (("only_a", result["a"]), ("only_b", result["b"])):
        if result[key]:
            lines.append(f"scored for {name} only, left out: {len(result[key])}; {result[key][0]}")
    return "\n".join(lines)


def why_table(result: dict[str, Any]) -> str:
    """A result of `why` as lines of text: every way to score, and which choice moved most."""
    data = result["data"]
    names = list(result["rows"][0]["metrics"])
    body = [
        [
            f"{row['choice']}: {row['name']}",
            str(row["count"]),
            *(number(name, row["metrics"][name]) for name in names),
            f"{100 * row['change']:+.1f} %",
        ]
        for row in result["rows"]
    ]
    header = ["", "images", *(label(name) for name in names), f"change of {names[0]}"]
    title = f"{result['model']} on {_named(data)}: {result['count']} kept predictions"
    lines = [f"{title}, {result['kind']}", "", *columns([header, *body]), ""]
    moved = result["moved_most"]
    if moved is not None:
        start, end = result["rows"][0]["metrics"][names[0]], moved["metrics"][names[0]]
        lines.append(
            f"one choice moved {names[0]} most: {moved['choice']} ({moved['name']}),"
            f" {start:.4f} to {end:.4f}, {100 * moved['change']:+.1f} %"
        )
    if result["missing"]:
        lines.append(f"images without a kept prediction: {result['missing']}")
    lines += _first_of(result["skipped"], "skipped")
    return "\n".join(lines)


def robustness_table(result: dict[str, Any]) -> str:
    """What a model keeps of its accuracy, as lines of text: each corruption, then conditions."""
    mrr, clean = result["mrr"], result["clean"]
    title = f"photos made worse: {result['count']} images, seed {result['seed']}"
    if mrr is not None:
        title += f"; mRR {_kept(mrr)}"
    header = ["", "RR %", "95 % interval", *(f"err at {s}" for s in result["strengths"])]
    body = [
        [
            f"{row['family']}: {row['name']}",
            *_kept_cells(row["rr"]),
            *(f"{level['err']:.4f}" for level in row["strengths"]),
        ]
        for row in result["corruptions"]
    ]
    lines = [title, f"err = {result['err']}; untouched photos: {clean['err']:.4f}", ""]
    if body:
        lines += [*columns([header, *body]), ""]
    if result["conditions"]:
        head = ["", "RR %", "95 % interval", "err", "untouched, same pixels", "images"]
        cells = [
            [
                f"{row['name']}: {row['what']}",
                *_kept_cells(row["rr"]),
                f"{row['err']:.4f}",
                f"{row['clean_err']:.4f}",
                str(row["count"]),
            ]
            for row in result["conditions"]
        ]
        lines += [*columns([head, *cells]), ""]
    lines += _first_of(result["skipped"], "left out")
    return "\n".join(lines).rstrip()


def _named(data: dict[str, Any]) -> str:
    return f"{data['name']} {data['split']}" if data["split"] else str(data["name"])


def _first_of(skipped: list[dict[str, str]], word: str) -> list[str]:
    """How many, and why the first: a line, or none."""
    return [f"{word}: {len(skipped)}; {row['key']}: {row['reason']}" for row in skipped[:1]]


def _points(completion: dict[str, Any]) -> str:
    held_out = ", scored where no point was given" if completion["held_out"] else ""
    return f"points {completion['pattern']}, seed {completion['seed']}{held_out}"


def _kept(share: dict[str, float]) -> str:
    value, interval = _kept_cells(share)
    return f"{value} % ({interval})"


def _kept_cells(share: dict[str, float]) -> tuple[str, str]:
    return f"{100 * share['value']:.2f}", f"{100 * share['low']:.2f} .. {100 * share['high']:.2f}"


def _protocol_line(protocol: dict[str, Any]) -> str:
    own = "the prediction's own" if protocol["space"] == "kind" else protocol["space"]
    fitted = {
        "none": "nothing fitted",
        "order": "order only",
        "scale_median": "scale for each image, median of ratios",
        "scale_rom": "scale for each image, ratio of medians",
        "scale_lsq": "scale for each image, least squares",
        "scale_shift": f"scale and shift for each image in {own} space",
        "scale_shift_l1": f"scale and shift of least absolute error for each image in {own} space",
    }[protocol["alignment"]]
    parts = [fitted, f"crop {protocol['crop']}"]
    if protocol["max_depth"]:
        parts.append(f"truth {protocol['min_depth']:g} to {protocol['max_depth']:g} m")
    if protocol["clip"] != "none":
        parts.append(f"clip {protocol['clip']}")
    if protocol["aggregate"] == "pixel":
        parts.append("pixels of all images pooled")
    return f"protocol {protocol['name']} ({', '.join(parts)})"


def label(name: str) -> str:
    """A measure with its unit, as the head of a column."""
    unit = "%" if name in PERCENT else DECLARED[name].unit
    return name if unit == "1" else f"{name} {unit}"


def number(name: str, value: float, *, sign: str = "") -> str:
    """A value of a measure with the digits that it deserves; shares in percent."""
    unit = DECLARED[name].unit
    if name in PERCENT:
        return f"{100 * value:{sign}.2f}"
    digits = {"m": 3, "mm": 1, "1/km": 2, "%": 2, "1": 4}[unit]
    return f"{value:{sign}.{digits}f}"


def columns(rows: list[list[str]]) -> list[str]:
    """Rows of cells as aligned lines: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
