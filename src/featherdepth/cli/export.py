"""`featherdepth export`: one file for a device, verified against its original."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.parse import network_size
from featherdepth.cli.told import show
from featherdepth.errors import UsageError


def run(
    model: Annotated[
        str | None,
        typer.Argument(help="Name, model folder, or NETWORK@FILE. By default the everyday model."),
    ] = None,
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File: .onnx, .xml (with its .bin) or .pt2.")
    ],
    to: Annotated[
        str | None, typer.Option("--to", help="onnx, openvino or pt2; by default as the file says.")
    ] = None,
    precision: Annotated[str, typer.Option("--precision", help="fp32, fp16, bf16 or int8.")] = (
        "fp32"
    ),
    size: Annotated[
        str | None, typer.Option("--size", help="Fix the input to HxW; open by default.")
    ] = None,
    uint8_input: Annotated[
        bool,
        typer.Option("--uint8-input", help="Take RGB bytes, height x width x 3, of any size."),
    ] = False,
    calibrate: Annotated[
        list[Path] | None,
        typer.Option("--calibrate", metavar="PHOTOS", help="For int8: 20 or more of your photos."),
    ] = None,
    verify: Annotated[
        list[Path] | None,
        typer.Option("--verify", metavar="PHOTOS", help="Photos that both are compared on."),
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option("--max-drop", help="Bound in place of 0.005 (fp16, bf16) and 0.01 (int8)."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Labeled data: its abs_rel decides.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Part of the data.")] = None,
    every: Annotated[
        int, typer.Option("--every", help="Of the data only every n-th image.", min=1)
    ] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also files that no export wrote.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report on stdout.")] = False,
) -> None:
    """Write a model as one file for a device and prove that nothing was lost.

    Ends with code 6, and without a file, if the file is too far from its original.
    """
    from featherdepth import api

    fixed = network_size(size)
    if isinstance(fixed, int):
        raise UsageError(f"--size {size}: the size of a file is a pair, such as {fixed}x{fixed}")
    report = api.export(
        model,
        output,
        to=to,
        precision=precision,
        size=fixed,
        uint8_input=uint8_input,
        calibrate=calibrate or (),
        verify=verify or (),
        max_drop=max_drop,
        data=data,
        split=split,
        every=every,
        overwrite=overwrite,
    )
    show(report, lambda _: "\n".join(_lines(report, output)), as_json=as_json)


def _lines(report: dict[str, Any], output: Path) -> list[str]:
    seen, model = report["verification"], report["model"]
    megabytes = sum(report["bytes"].values()) / 1e6
    pictures = seen["pictures"]
    what = "made-up pictures" if seen["photos"] == "made up" else "photos"
    if seen["photos_found"] > seen["pictures"]:
        what = f"of {seen['photos_found']} photos"
    shape = "x".join(map(str, model["fixed"])) if model["fixed"] else "any size"
    lines = [
        f"{output}: {megabytes:.1f} MB, {model['precision']}, {model['input']} input, {shape}",
        f"values: {model['preset']['kind']}",
        f"on {pictures} {what}: largest difference {seen['difference']['largest']:.2g} of the"
        f" range, mean {seen['difference']['mean']:.2g}",
        f"to the original's maps: abs_rel {seen['to_original']['abs_rel']:.4f},"
        f" delta1 {seen['to_original']['delta1']:.4f}",
    ]
    if seen["labeled"]:
        rows = seen["labeled"]
        before, after = rows["original"], rows["exported"]
        lines.append(
            f"on {after['images']} labeled images: abs_rel {before['abs_rel']:.4f} ->"
            f" {after['abs_rel']:.4f} ({100 * rows['drop']:+.2f} %),"
            f" delta1 {before['delta1']:.4f} -> {after['delta1']:.4f}"
        )
    if "int8" in report:
        kept = report["int8"]["float32_layers"]
        lines.append(f"layers kept in float32: {', '.join(kept) if kept else 'none'}")
    lines.append(f"report: {output}.json")
    return lines
