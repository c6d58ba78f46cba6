"""`featherdepth align`: a relative depth map and measured points to meters."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import (
    AsJson,
    Calibration,
    FieldOfView,
    IntrinsicsText,
    KeepOutliers,
    ReplaceOthers,
)
from featherdepth.cli.parse import camera, numbers
from featherdepth.cli.told import RANGE_ASSUMED, show
from featherdepth.errors import UsageError

MUCH = 0.1
"""Share of a map that is out of reach of the points, from which on that is said."""


def run(
    depth: Annotated[
        Path, typer.Argument(metavar="DEPTH", help="A depth map, .png or .npy, of any kind.")
    ],
    points: Annotated[
        Path | None,
        typer.Argument(
            metavar="[POINTS]",
            help="Measured points: a table column,row,meters (.csv), a 16-bit PNG, .npy, ...",
        ),
    ] = None,
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Metric depth: .png, .npy or .ply.")
    ],
    point: Annotated[
        list[str] | None,
        typer.Option("--point", help="column,row,meters in place of a file; several times."),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="robust, scale (no shift), or local (varies).")
    ] = "robust",
    kind: Annotated[
        str | None, typer.Option("--kind", help="Of a DEPTH .npy that does not say it.")
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option("--scale", help="Of a DEPTH .png that does not say it: stored / meters."),
    ] = None,
    depth_scale: Annotated[
        float | None,
        typer.Option("--depth-scale", help="Of POINTS: stored / meters, such as 1000."),
    ] = None,
    image_name: Annotated[
        str | None, typer.Option("--image-name", help="Of the picture, where POINTS is of COLMAP.")
    ] = None,
    calibration: Calibration = None,
    intrinsics: IntrinsicsText = None,
    fov: FieldOfView = None,
    keep_outliers: KeepOutliers = False,
    overwrite: ReplaceOthers = False,
    as_json: AsJson = False,
) -> int:
    """Relative depth to meters by one or more known distances.

    Points that disagree with those around them are left out and told.
    """
    from featherdepth import api

    if not output.absolute().parent.is_dir():
        raise UsageError(f"--output {output}: no folder {output.parent}; make it first")
    typed = [numbers(text, "--point", 3, "320,240,2.5") for text in point or []]
    result = api.align(
        depth,
        points,
        output,
        more_points=[(u, v, meters) for u, v, meters in typed],
        kind=kind,
        scale=scale,
        depth_scale=depth_scale,
        method=method,
        image_name=image_name,
        calibration=calibration,
        focal_px=camera(intrinsics),
        fov_deg=fov,
        reject_outliers=not keep_outliers,
        overwrite=overwrite,
    )
    show(result, _lines, as_json=as_json)
    return 0


def _lines(result: dict[str, Any]) -> str:
    inverse = result["space"] == "disparity"
    target, unit = ("1/meters", "1/m") if inverse else ("meters", "m")
    left_out = [f"{u},{v},{meters:.4g}" for u, v, meters in result["rejected_points"]]
    shown = "; ".join(left_out[:10]) + ("; ..." if len(left_out) > 10 else "")
    points = f" (left out as wrong, column,row,meters: {shown})" if left_out else ""
    lines = [
        f"{result['output']}: {target} = {result['scale']:.6g} * map + {result['shift']:.6g}",
        f"points: {result['used']} of {result['points']} used{points}",
        f"off by: {100 * result['log_error']:.1f} % (median of the points); residual"
        f" {result['residual']:.4g} {unit}",
    ]
    if result["moved_fraction"] > MUCH:
        lines.append(
            f"{result['moved_fraction']:.0%} of the map lay out of reach (0.3 of the nearest point"
            " to 3 times the farthest) and was brought to its ends: the points say little of it"
        )
    if result["range_assumed"]:
        lines.append(RANGE_ASSUMED)
    elif result["method"].removeprefix("local_").startswith("scale"):
        lines.append("only a scale was fitted")
    if "reversed" in result["method"]:
        lines.append("the best scale was not above 0: the map is little help at these points")
    return "\n".join(lines)
