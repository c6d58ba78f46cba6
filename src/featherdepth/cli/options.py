"""Options that several verbs share, said once: the same name means the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster: HOST:PORT, ray://HOST:PORT or auto; started here without it."),
]
AllThreads = Annotated[int | None, typer.Option("--threads", help="CPU threads.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="Replace a key of the recipe.", metavar="KEY=VALUE"),
]
Backend = Annotated[str, typer.Option(help="auto, onnx, openvino, torch, torch-compile.")]
Calibration = Annotated[
    Path | None,
    typer.Option("--calibration", help="Of a scanner: KITTI's calibration file or folder."),
]
Colormap = Annotated[str, typer.Option(help="Spectral_r, turbo, inferno, magma, viridis or gray.")]
Device = Annotated[str | None, typer.Option("--device", help="Such as cpu or cuda:0.")]
Engine = Annotated[str, typer.Option(help="local, or ray for a cluster (extra [cluster]).")]
FieldOfView = Annotated[
    float | None, typer.Option(help="Horizontal field of view of every photo in degrees.")
]
InputSize = Annotated[str | None, typer.Option("--size", help="Input size: an edge N, or HxW.")]
IntrinsicsText = Annotated[
    str | None, typer.Option(help="Camera of every photo in pixels: fx,fy,cx,cy.")
]
JsonOutput = Annotated[
    Path | None, typer.Option("-o", "--output", help="File for the JSON document.")
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
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or int8.")]
ReplaceOthers = Annotated[bool, typer.Option("--overwrite", help="Also files that are no results.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint in RUN.")]
RunAsJson = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout, no progress.")
]
RunFolder = Annotated[
    Path, typer.Option("-o", "--output", help="Folder of the run.", metavar="RUN")
]
Save = Annotated[
    str | None,
    typer.Option(
        help="Files to write, with commas: png16, npy, color, ply; by default png16,color."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Of the bootstrap intervals.")]
Shard = Annotated[
    str | None, typer.Option("--shard", help="Only every n-th photo or tar: i/n, i from 1.")
]
SideBySide = Annotated[
    bool, typer.Option("--side-by-side", help="The photo at the left of the color picture.")
]
TableAsJson = Annotated[
    bool, typer.Option("--json", help="The JSON document on stdout, in place of the table.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads of the network.")]
Workers = Annotated[
    int | None,
    typer.Option(help="Processes with a network, for --engine ray; by default one a core."),
]
