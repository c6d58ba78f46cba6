"""`featherdepth doctor`: what a data folder is, and what is wrong with it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import AsJson
from featherdepth.cli.told import show


def run(
    path: Annotated[Path, typer.Argument(help="Data folder, .zip, .txt list or container.")],
    *,
    split: Annotated[
        str | None,
        typer.Option("--split", help="Part of the data; all, or the first, if left out."),
    ] = None,
    images: Annotated[int, typer.Option("--images", help="About how many to open.", min=1)] = 48,
    as_json: AsJson = False,
) -> int:
    """Say what a folder holds: layout, count, unit, scale, cameras, terms; and its faults.

    Some files of each part are opened. Ends with code 3 if anything is wrong.
    """
    from featherdepth import api

    result = api.doctor(path, split=split, images=images)
    show(result, _text, as_json=as_json)
    return 3 if result["faults"] else 0


def _text(result: dict[str, Any]) -> str:
    lines = [result["what"], f"  layout    {result['layout']}"]
    for title, key in (("stored", "stored"), ("terms", "terms")):
        if result.get(key):
            lines += [f"  {title:<8}  {item}" for item in result[key].split("; ")]
    sizes = [
        f"{what} {width}x{height}"
        for what, (height, width) in (
            ("photo", result.get("photo_size") or (0, 0)),
            ("truth", result.get("truth_size") or (0, 0)),
        )
        if height
    ]
    if sizes:
        lines.append(f"  sizes     {', '.join(sizes)}")
    if result.get("intrinsics"):
        camera = result["intrinsics"]
        numbers = ", ".join(f"{name} {camera[name]:.6g}" for name in ("fx", "fy", "cx", "cy"))
        lines.append(f"  camera    {numbers} ({camera['source']}; of the first)")
    if result.get("splits"):
        counts = ", ".join(f"{name} {count}" for name, count in result["splits"].items())
        lines.append(f"  splits    {counts}")
    lines += [f"  part      {_part(part)}" for part in result.get("parts", ())]
    if "examined" in result:
        lines.append(f"  examined  {result['examined']} of {result['count']}")
    faults = [f"  {row['fault']}: {row['message']}" for row in result["faults"]]
    return "\n".join([*lines, f"{len(faults)} faults:" if faults else "no faults", *faults])


def _part(part: dict[str, Any]) -> str:
    unit = " m" if part["kind"] == "metric" else ""
    median = "none" if part["median"] is None else f"{part['median']:.3g}{unit}"
    return (
        f"{part['name']}: {part['count']}, {part['kind']}, truth on"
        f" {part['valid_fraction']:.1%} of the pixels, median {median}"
    )
