"""`featherdepth evaluate`: a model's errors on a data set, under a named protocol."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import (
    AllThreads,
    Backend,
    Device,
    InputSize,
    JsonOutput,
    Seed,
    TableAsJson,
)
from featherdepth.cli.parse import network_size, shard
from featherdepth.cli.progress import progress_bar
from featherdepth.cli.told import show
from featherdepth.completion import DEFAULT
from featherdepth.errors import UsageError


def run(
    parts: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PART.json]...", help="With --merge: documents of all shards."),
    ] = None,
    *,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data folder, with measured depth.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Name, model folder, a baseline (constant, median-map) or teachers as one"
            " (mean:A+B). By default the everyday model.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Part of the data; several with commas.")
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(
            "--reader",
            help="How to read the data, where a folder holds several sets: kitti_velodyne, ...",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="Of the reader, such as truth=filled."),
    ] = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help="How to score; a wrong name lists the known ones.")
    ] = "aligned",
    baseline_split: Annotated[
        str | None,
        typer.Option("--baseline-split", help="Training split that baselines are learned from."),
    ] = None,
    size: InputSize = None,
    backend: Backend = "auto",
    precision: Annotated[
        str, typer.Option("--precision", help="fp32, bf16 or int8; auto is fp32 here.")
    ] = "auto",
    device: Device = None,
    threads: AllThreads = None,
    seed: Seed = 0,
    output: JsonOutput = None,
    also: Annotated[
        str | None,
        typer.Option("--also", help="More measures, with commas, such as whdr,cloud_error."),
    ] = None,
    save_predictions: Annotated[
        Path | None,
        typer.Option("--save-predictions", metavar="DIR", help="Keep predictions, for why."),
    ] = None,
    corrupt: Annotated[
        bool, typer.Option("--corrupt", help="Also score photos made worse: what is kept, mRR.")
    ] = False,
    corruptions: Annotated[
        str | None,
        typer.Option("--corruptions", help="Only these, with commas; a wrong name lists all."),
    ] = None,
    strengths: Annotated[
        str | None,
        typer.Option("--strengths", help="Of the corruptions, 1 to 5; by default 1,3,5."),
    ] = None,
    corrupt_images: Annotated[
        int | None,
        typer.Option("--corrupt-images", help="Photos that are made worse; all.", min=1),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", help="Score completion from points such as uniform-500."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method", help=f"Of completion; a wrong name lists all; by default {DEFAULT}."
        ),
    ] = None,
    held_out: Annotated[
        bool,
        typer.Option("--held-out", help="Score completion only where no point was given."),
    ] = False,
    first_predictions: Annotated[
        Path | None,
        typer.Option(
            "--first-predictions", metavar="DIR", help="Kept maps of the first stage of completion."
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option("--shard", help="i/n: every n-th image, from the i-th; merge them later."),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Put the documents of shards together: no model.")
    ] = False,
    as_json: TableAsJson = False,
) -> int:
    """Score a model on a data set: means with 95 % intervals, baselines beside them.

    Ends with code 3 if some images could not be scored; they are listed in the document. So it
    does if --corrupt has nothing to tell: a note says why.
    """
    from featherdepth import api

    if merge:
        if data is not None:
            raise UsageError("--merge takes documents only; leave --data out")
        return _print(api.merge_results(parts or [], output=output), as_json=as_json)
    if parts:
        raise UsageError(
            f"{parts[0]}: documents are taken with --merge only; the model with --model, data with"
            " --data"
        )
    if data is None:
        raise UsageError("no --data; name a data folder with measured depth")
    worse = corrupt or corruptions is not None
    with progress_bar("images") as progress:
        result = api.evaluate(
            data,
            model=model,
            split=split,
            reader=reader,
            options=option or [],
            protocol=protocol,
            baseline_split=baseline_split,
            size=network_size(size),
            backend=backend,
            precision=precision,
            device=device,
            threads=threads,
            seed=seed,
            output=output,
            also=() if also is None else also.split(","),
            shard=shard(part),
            save_predictions=save_predictions,
            corrupt=_names(corruptions) if worse else None,
            strengths=None if strengths is None else _strengths(strengths),
            corrupt_images=corrupt_images,
            pattern=pattern,
            method=method,
            held_out=held_out,
            first_predictions=first_predictions,
            progress=progress,
        )
    code = _print(result, as_json=as_json)
    return 3 if worse and "robustness" not in result else code


def _names(text: str | None) -> list[str]:
    return [] if text is None else text.split(",")


def _strengths(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f"--strengths {text!r}; expected some of 1 to 5, such as 1,3,5")
    return [int(part) for part in parts]


def _print(result: dict[str, Any], *, as_json: bool) -> int:
    show(result, _lines, as_json=as_json)
    return 3 if result["skipped"] or result.get("robustness", {}).get("skipped") else 0


def _lines(result: dict[str, Any]) -> str:
    from featherdepth.evaluation.tables import accuracy_table, robustness_table

    worse = result.get("robustness")
    return accuracy_table(result) + (f"\n\n{robustness_table(worse)}" if worse else "")
