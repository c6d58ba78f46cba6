"""Result documents as text tables for people."""

from typing import Any

PERCENT = ("delta1", "delta2", "delta3")
METRES = ("rmse", "mae", "sq_rel")


def accuracy_table(result: dict[str, Any]) -> str:
    """A result of `evaluate` as lines of text: what was measured, how, and beside which baselines.

    delta1 to delta3 are shown in percent, values in metres with three digits, the rest with four.
    """
    protocol, data = result["protocol"], result["data"]
    split = f" {data['split']}" if data["split"] else ""
    title = f"{result['model']} on {data['name']}{split}: {data['count']} images"
    baselines = result["baselines"]
    header = ["", result["model"], "95 % interval", *baselines]
    body = [
        [
            _label(name),
            _number(name, row["value"]),
            f"{_number(name, row['low'])} .. {_number(name, row['high'])}",
            *(_number(name, metrics[name]["value"]) for metrics in baselines.values()),
        ]
        for name, row in result["metrics"].items()
    ]
    lines = [f"{title}, {_protocol_line(protocol)}", "", *_columns([header, *body]), ""]
    lines.append(f"scored pixels: {100 * data['valid_fraction']:.1f} % of the area")
    if result["negative_scale"]:
        lines.append(f"scored as a constant (no scale above 0 fits): {result['negative_scale']}")
    if result["skipped"]:
        first = result["skipped"][0]
        lines.append(f"skipped: {len(result['skipped'])}; {first['key']}: {first['reason']}")
    return "\n".join(lines)


def _protocol_line(protocol: dict[str, Any]) -> str:
    fitted = {
        "none": "nothing fitted",
        "scale_median": "median scale for each image",
        "scale_shift": f"scale and shift for each image in {protocol['space']} space",
    }[protocol["alignment"]].replace("kind space", "the prediction's own space")
    cap = f", truth up to {protocol['max_depth']:g} m" if protocol["max_depth"] else ""
    return f"protocol {protocol['name']} ({fitted}, crop {protocol['crop']}{cap})"


def _label(name: str) -> str:
    return f"{name} %" if name in PERCENT else f"{name} m" if name in METRES else name


def _number(name: str, value: float) -> str:
    if name in PERCENT:
        return f"{100 * value:.2f}"
    if name in METRES:
        return f"{value:.3f}"
    return f"{value:.2f}" if name == "silog" else f"{value:.4f}"


def _columns(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
