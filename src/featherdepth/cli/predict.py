"""`featherdepth predict`: photos to depth maps."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import (
    Address,
    AsJson,
    Backend,
    Colormap,
    Device,
    Engine,
    FieldOfView,
    IntrinsicsText,
    Overwrite,
    Precision,
    Save,
    Shard,
    SideBySide,
    Threads,
    Workers,
)
from featherdepth.cli.parse import camera, formats, network_size, numbers, shard
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import counts, failures, show


def run(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="A photo, a folder (to the bottom), a glob, a .txt list, or - for a list on"
            " stdin; or tars and parquet files of photos.",
        ),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="Folder for the results; mirrors the inputs. Or a file for one photo: .png, .npy,"
            " .ply, .color.png.",
        ),
    ] = Path("depth"),
    model: Annotated[
        str | None,
        typer.Option(help="An embedded model, a model folder, or NETWORK@FILE."),
    ] = None,
    backend: Backend = "auto",
    precision: Precision = "auto",
    device: Device = None,
    threads: Threads = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Network input: N (area N*N, aspect kept) or HxW; by default the model's own."
        ),
    ] = None,
    out_size: Annotated[str, typer.Option(help="Size of the maps: photo or model.")] = "photo",
    save: Save = None,
    intrinsics: IntrinsicsText = None,
    fov: FieldOfView = None,
    near_far: Annotated[
        str | None,
        typer.Option(help="Range that a cloud without a scale is stretched to, such as 1,10."),
    ] = None,
    cmap: Colormap = "Spectral_r",
    side_by_side: SideBySide = False,
    part: Shard = None,
    engine: Engine = "local",
    workers: Workers = None,
    address: Address = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> int:
    """Photo to depth, at the photo's size.

    Results that exist and are whole are skipped, and those that lie in a folder of photos are not
    taken for photos. Photos that cannot be read are listed in OUT/failures.jsonl, the rest go on,
    and the exit code is 3.
    """
    options: dict[str, Any] = {
        **formats(save),
        "size": network_size(size),
        "out_size": out_size,
        "focal_px": camera(intrinsics),
        "fov_deg": fov,
        "near_far": near_far and numbers(near_far, "--near-far", 2, "1,10"),
        "cmap": cmap,
        "side_by_side": side_by_side,
    }
    wanted = shard(part)
    from featherdepth import api

    with progress_bar("photos") as progress:
        result = api.predict(
            inputs,
            out,
            model=model,
            backend=backend,
            precision=precision,
            threads=threads,
            device=device,
            shard=wanted,
            engine=engine,
            workers=workers,
            address=address,
            overwrite=overwrite,
            progress=progress,
            **options,
        )
    show(result, _lines, as_json=as_json)
    return 3 if result["failed"] else 0


def _lines(result: dict[str, Any]) -> str:
    how = f"model {result['model']} on {result['backend']} in {result['precision']}"
    return "\n".join([*failures(result), *counts(result), how])
