"""Photos to depth."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def predict(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    model: str | Path | None = None,
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    shard: tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Predict the depth of photos and write it into a folder that mirrors where they were found.

    Args:
        inputs: photos, folders, globs, .txt lists, or "-" for a list on standard input.
        model: a name, a model folder, or NETWORK@FILE.
        shard: (i, n): only every n-th photo, beginning with the i-th; i from 1.
        overwrite: also what is already there, whole, and of this model and these options.
        progress: called with (photos finished, photos in all).
        options: fields of `featherdepth.runtime.outputs.OutputOptions`.

    Returns:
        `out`, `done`, `skipped`, `failed` (list of `photo`, `error`), `failures` (the file that
        lists them), `model`, `sha256`, `kind`, `unit`, `larger_is`, `backend`, `precision`.

    Raises:
        UsageError: a model, size or option that does not exist or fit.
        InputError: an input that does not exist or holds no photo.
        WeightsError: a model that is missing or damaged.
        BackendError: a backend that is not installed.
        RunError: the results cannot be written; what is there stays.
    """
    from featherdepth.images.read import find_images
    from featherdepth.runtime.job import predict_files
    from featherdepth.runtime.model import DepthModel
    from featherdepth.runtime.outputs import OutputOptions

    chosen = OutputOptions(**options)
    photos = find_images([inputs] if isinstance(inputs, str | Path) else inputs)
    failures = "failures.jsonl"
    if shard is not None:
        index, count = shard
        photos = photos[index - 1 :: count]
        failures = f"failures-{index}-of-{count}.jsonl"
    network = DepthModel.from_pretrained(
        model, backend=backend, precision=precision, threads=threads
    )
    result = predict_files(
        network,
        photos,
        Path(output),
        chosen,
        overwrite=overwrite,
        failures=failures,
        progress=progress,
    )
    preset = network.preset
    return {
        "out": str(output),
        "done": result.done,
        "skipped": result.skipped,
        "failed": result.failed,
        "failures": str(Path(output, failures)) if result.failed else None,
        "model": preset.name,
        "sha256": preset.sha256,
        "kind": preset.kind.value,
        "unit": preset.unit,
        "larger_is": preset.kind.larger_is,
        "backend": network.backend,
        "precision": network.precision,
    }
