"""A benchmark as a text table, and as files."""

from pathlib import Path
from typing import Any

from featherdepth.config import read_json
from featherdepth.errors import InputError, UsageError
from featherdepth.evaluation.tables import columns
from featherdepth.images.atomic import check_writable, json_bytes, write_together
from featherdepth.images.targets import check_targets

STAGES = ("read", "prepare", "network", "resize", "write")


def speed_table(document: dict[str, Any]) -> str:
    """A document of `benchmark` as lines of text."""
    machine, rows = document["machine"], document["rows"]
    first = rows[0]["name"]
    isa = ", ".join(machine["isa"]) or "instruction set unknown"
    header = ["network call", "input", "ms", "95 %", "x " + first, "GFLOP/s", "of limit", "peak MB"]
    body = [
        [
            row["name"],
            "x".join(map(str, row["input"])),
            f"{row['median_ms']:.1f}",
            f"{row['p95_ms']:.1f}",
            _faster(row, first),
            f"{row['gflops']:.0f}" if "gflops" in row else "",
            f"{100 * row['share']:.0f} %" if row.get("share") else "",
            f"{row['peak_mb']:.0f}" if row.get("peak_mb") else "",
        ]
        for row in rows
    ]
    parts = [
        [row["name"], *(f"{row['stages'][s]['median']:.1f}" for s in STAGES), _around(row)]
        for row in rows
    ]
    lines = [
        f"{machine['cpu']} ({isa}), {machine['threads']} threads, {document['rounds']} rounds,"
        f" photo {document['photo']}",
        "",
        *columns([header, *body]),
        "",
        *columns([["ms a photo", *STAGES, "photo to map / network"], *parts]),
        "",
    ]
    lines += [
        f"limit in {precision}: {found['gflops']:.0f} G operations/s, {found['operation']} in"
        f" {found['runtime']}"
        for precision, found in document["limit"].items()
    ]
    lines += [f"left out: {one['name']}: {one['reason']}" for one in document["left_out"]]
    if len({tuple(row["input"]) for row in rows}) > 1:
        lines.append("note: inputs differ in size, and so does the work; --size sets one for all")
    load = machine["load_before"]
    if load is not None and load > machine["threads"] / 2:
        lines.append(f"note: the machine was busy (load {load:.1f}); ratios hold, times may not")
    return "\n".join(lines)


def check_output(output: Path, *, overwrite: bool) -> None:
    """See that the document can be written, before anything is measured; its folder is made.

    Args:
        overwrite: whether files that are no earlier benchmark may go.

    Raises:
        UsageError: the file is no .json: its picture beside it would take its place. Or one of
            the two is there and not an earlier benchmark's.
        RunError: it cannot be written.
    """
    if output.suffix != ".json":
        raise UsageError(
            f"-o {output}: unknown suffix {output.suffix!r}; expected .json, the picture is written"
            " beside it as .svg"
        )
    places = (output, output.with_suffix(".svg"))
    for path in places:
        check_writable(path)
    check_targets((), places, replace_others=overwrite, ours=lambda _: _is_document(output))


def _is_document(output: Path) -> bool:
    """Whether a benchmark wrote it; the picture beside it is then its own, too."""
    try:
        return {"machine", "rounds", "rows"} <= read_json(output).keys()
    except InputError:
        return False


def write_document(document: dict[str, Any], output: Path, picture: bytes) -> None:
    """JSON into `output`, the picture beside it as .svg; both whole or none.

    Raises:
        RunError: they cannot be written.
    """
    write_together({output: json_bytes(document), output.with_suffix(".svg"): picture})


def _faster(row: dict[str, Any], first: str) -> str:
    if row["name"] == first:
        return "1"
    ratio = row["ratio_to"][first]
    return f"{1 / ratio['median']:.2f} ({1 / ratio['high']:.2f} to {1 / ratio['low']:.2f})"


def _around(row: dict[str, Any]) -> str:
    ratio = row["stages"]["infer_over_network"]
    return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
