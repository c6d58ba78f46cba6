"""How fast models are on this machine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from featherdepth.errors import InputError, UsageError
from featherdepth.runtime.cpu import cores


def benchmark(
    models: Sequence[str | Path | None] = (None,),
    *,
    backends: Sequence[str] = ("auto",),
    precisions: Sequence[str] = ("auto",),
    photo: str | Path | None = None,
    size: int | tuple[int, int] | None = None,
    rounds: int = 15,
    warmup: int = 3,
    threads: int | None = None,
    limit: bool = True,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Time models in one interleaved run: each with each backend and precision that it can run in.

    Args:
        models: names, model folders or exported files; the everyday model for None.
        backends: "onnx", "openvino", "torch", "auto", or "all" that are installed.
        precisions: "fp32", "bf16", "int8", "auto", or "all".
        photo: what they look at; a made-up JPEG of 640x480 if None.
        size: of the network's input, as `DepthModel.infer`.
        rounds, warmup: calls of each, and those before that do not count.
        threads: of each; all cores if None.
        limit: measure also the best rate of this machine.
        output: .json file for the document; a picture is written beside it, as .svg.
        overwrite: also replace files there that are no earlier benchmark.
        progress: called with (rounds finished, rounds in all).

    Returns:
        `machine`, `rounds`, `photo`, `limit`, `rows` and `left_out` (what could not run, and why).
        A row: `name`, `model`, `backend`, `precision`, `input`, `median_ms`, `p95_ms`, `ratio_to`
        (time over the time of each other row with its interval), `gflops`, `share` of the limit,
        `peak_mb` of a fresh process, and `stages`: where the time from file to file goes.

    Raises:
        UsageError: an unknown model, backend or size, a model named twice, or an output that is
            no .json or would replace what no benchmark wrote.
        InputError: a photo that cannot be read.
        WeightsError: a model that is missing or damaged.
        BackendError: nothing of what was asked for can run here.
        RunError: the output cannot be written.
    """
    from featherdepth.evaluation.speed.field import open_field
    from featherdepth.evaluation.speed.measure import contestant, measure, stages
    from featherdepth.evaluation.speed.memory import peak_mb
    from featherdepth.evaluation.speed.photo import made_up_photo
    from featherdepth.evaluation.speed.table import check_output, write_document
    from featherdepth.report.speed import speed_picture

    if rounds < 1 or warmup < 0:
        raise UsageError(f"rounds is {rounds} and warmup {warmup}; expected 1 and 0 or more")
    if output is not None:
        check_output(Path(output), overwrite=overwrite)
    count = threads or cores()
    data = made_up_photo() if photo is None else _bytes(Path(photo))
    opened, left_out = open_field(models, backends, precisions, count)
    total, finished = (rounds + warmup) * 2, 0

    def step() -> None:
        nonlocal finished
        finished += 1
        if progress is not None:
            progress(finished, total)

    shown = None if photo is None else str(photo)
    document = measure(
        [
            contestant(name, model, data, size, photo_name=shown)
            for name, (_, model) in opened.items()
        ],
        rounds=rounds,
        warmup=warmup,
        threads=count,
        limit=limit,
        done=step,
    )
    for row in document["rows"]:
        reference, model = opened[row["name"]]
        row["stages"] = stages(model, data, size=size, rounds=rounds, warmup=warmup)
        row["peak_mb"] = peak_mb(reference, model, data, threads=count, size=size)
        finished = min(total, finished + (rounds + warmup) // len(opened))
        if progress is not None:
            progress(finished, total)
    document["photo"] = "made up, 640x480" if photo is None else Path(photo).name
    document["left_out"] = left_out
    if output is not None:
        write_document(document, Path(output), speed_picture(document))
    return document


def _bytes(photo: Path) -> bytes:
    try:
        return photo.read_bytes()
    except OSError as error:
        raise InputError(f"{photo}: cannot read it: {error.strerror}") from error
