"""A reproduced table as Markdown: ours beside what was published, and what is missing."""

from typing import Any

from featherdepth.evaluation.tables import label, number

SIZES_HEAD = ["", "network", "parameters", "poster", "MACs", "poster"]


def suite_page(result: dict[str, Any]) -> str:
    """The page of a document of `featherdepth.api.reproduce`."""
    lines = [f"# {result['title']}", "", f"{result['source']}."]
    if result["kind"] == "sizes":
        return "\n".join([*lines, "", *_sizes(result["rows"]), ""])
    for section in result["data"]:
        lines += ["", f"## {section['title']}", "", *_section(result, section)]
    missing = [f"- {row['title']}: {row['fills']}" for row in result["missing_models"]]
    if missing:
        lines += ["", "## Models that were not named", "", *missing]
    absent = [f"- {s['title']}: {s['fills']}" for s in result["data"] if s["found"] is None]
    if absent:
        lines += ["", "## Data that was not found", "", *absent]
    return "\n".join([*lines, ""])


def _sizes(rows: list[dict[str, Any]]) -> list[str]:
    body = []
    for row in rows:
        cells = [row["title"], f"`{row['model']}`"]
        for exact, unit, key, letter in (
            ("params", 1e6, "params_m", "M"),
            ("macs", 1e9, "macs_g", "G"),
        ):
            cells.append(f"{row[exact]:,} ({row[exact] / unit:.2f} {letter})")
            cells.append(
                f"{row['poster'][key]:.2f} {letter} ({100 * row['difference'][key]:+.2f} %)"
                if key in row["poster"]
                else ""
            )
        body.append(cells)
    return _markdown([SIZES_HEAD, *body])


def _section(result: dict[str, Any], section: dict[str, Any]) -> list[str]:
    protocol = section["protocol"]["name"]
    measures = result["measures"]
    head = ["", *(label(name) for name in measures)]
    gaps = any(row["gap"] for row in section["rows"])
    if gaps:
        head.append("share of the gap closed")
    body = []
    for row in section["rows"]:
        gap = row["gap"]
        ours = [f"{row['title']}, ours" + (f" (`{row['model']}`)" if row["model"] else "")]
        ours += [_interval(name, row["metrics"]) for name in measures]
        poster = [f"{row['title']}, poster"]
        poster += [number(n, row["poster"][n]) if n in row["poster"] else "" for n in measures]
        if gaps:
            closed = "" if gap is None else f"{100 * gap['value']:.0f} %"
            ours.append(closed and f"{closed} ({100 * gap['low']:.0f} to {100 * gap['high']:.0f})")
            poster.append("")
        body += [ours] * (row["metrics"] is not None) + [poster] * bool(row["poster"])
    if section["constant"]:
        constant = section["constant"]
        body.append(
            [
                "a constant",
                *(number(n, constant[n]["value"]) if n in constant else "" for n in measures),
            ]
            + [""] * gaps
        )
    lines = [
        f"Data: {section['found']}; protocol `{protocol}`{_points(section)}."
        if section["found"]
        else f"Data: not found. Put there: {section['fills']}.",
        *([f"Not the data of the table: {section['note']}."] if section["note"] else []),
        *(f"Note: {note}." for note in section["notes"]),
        *(
            f"{row['title']}: {row['skipped']} images could not be scored."
            for row in section["rows"]
            if row["skipped"]
        ),
        *_ratio(result, section),
    ]
    return [*lines, "", *_markdown([head, *body])]


def _points(section: dict[str, Any]) -> str:
    return f", points `{section['pattern']}`" if section["pattern"] else ""


def _ratio(result: dict[str, Any], section: dict[str, Any]) -> list[str]:
    """The student's error over its teacher's: what can be compared across protocols."""
    if result["pair"] is None:
        return []
    rows = {row["name"]: row for row in section["rows"]}
    student, teacher = (rows[name] for name in result["pair"])
    said = []
    if student["metrics"] and teacher["metrics"]:
        ratio = student["metrics"]["abs_rel"]["value"] / teacher["metrics"]["abs_rel"]["value"]
        said.append(f"{ratio:.3f} ours")
    if "abs_rel" in student["poster"] and "abs_rel" in teacher["poster"]:
        said.append(f"{student['poster']['abs_rel'] / teacher['poster']['abs_rel']:.3f} poster")
    return [f"abs_rel of student over teacher: {', '.join(said)}."] if said else []


def _interval(name: str, metrics: dict[str, Any] | None) -> str:
    if metrics is None or name not in metrics:
        return ""
    row = metrics[name]
    return (
        f"{number(name, row['value'])} ({number(name, row['low'])} to {number(name, row['high'])})"
    )


def _markdown(rows: list[list[str]]) -> list[str]:
    head, *body = ("| " + " | ".join(_cell(text) for text in row) + " |" for row in rows)
    return [head, f"|{'---|' * len(rows[0])}", *body]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
