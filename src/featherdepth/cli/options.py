"""Options that several verbs share, said once: the same name means the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster: HOST:PORT, ray://HOST:PORT or auto; started here without it."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Backend = Annotated[str, typer.Option(help="auto, onnx, openvino, torch, torch-compile.")]
Calibration = Annotated[
    Path | None,
    typer.Option("--calibration", help="Of a scanner: KITTI's calibration file or folder."),
]
Colormap = Annotated[str, typer.Option(help="Spectral_r, turbo, inferno, magma, viridis or gray.")]
Engine = Annotated[str, typer.Option(help="local, or ray for a cluster (extra [cluster]).")]
FieldOfView = Annotated[
    float | None, typer.Option(help="Horizontal field of view of every photo in degrees.")
]
IntrinsicsText = Annotated[
    str | None, typer.Option(help="Camera of every photo in pixels: fx,fy,cx,cy.")
]
KeepOutliers = Annotated[
    bool, typer.Option("--keep-outliers", help="Use also points that disagree with others.")
]
Method = Annotated[
    str,
    typer.Option(
        "--method",
        help="How points are completed; a wrong name lists all. learned@FOLDER: your own network.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Also what is already there and whole.")
]
ReplaceOthers = Annotated[bool, typer.Option("--overwrite", help="Also files that are no results.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or int8.")]
Save = Annotated[
    str | None,
    typer.Option(
        help="Files to write, with commas: png16, npy, color, ply; by default png16,color."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Of the bootstrap intervals.")]
SideBySide = Annotated[
    bool, typer.Option("--side-by-side", help="The photo at the left of the color picture.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads of the network.")]
Workers = Annotated[
    int | None,
    typer.Option(help="Processes with a network, for --engine ray; by default one a core."),
]
