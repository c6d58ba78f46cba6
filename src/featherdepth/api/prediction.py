"""Photos to depth."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from featherdepth.errors import InputError, UsageError


def predict(
    inputs: str | Path | Iterable[str | Path],
    output: str | Path,
    *,
    model: str | Path | None = None,
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    device: str | None = None,
    shard: tuple[int, int] | None = None,
    engine: str = "local",
    workers: int | None = None,
    address: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Predict the depth of photos and write it into a folder that mirrors where they were found.

    Of each tar or parquet file with photos one tar is written, and beside it a mark once it is
    complete (`featherdepth.data.packs`).

    Args:
        inputs: photos, folders, globs, .txt lists, or "-" for a list on standard input; or tars
            and parquet files, or folders with some and without a photo.
        output: the folder; or, for one photo, a file: .png, .npy, .ply or .color.png.
        model: a name, a model folder, or NETWORK@FILE.
        device: such as "cuda" or "mps", for torch; by default the CPU.
        shard: (i, n): only every n-th photo, or tar, beginning with the i-th; i from 1.
        engine: "local", or "ray" for Ray Data, which gives the same files.
        workers: processes with a network, for Ray; by default one a core of this machine.
        address: of a Ray cluster; by default one is started here.
        overwrite: also what is already there, whole, and of this model and these options.
        progress: called with (photos finished, photos in all); where photos come in files of many,
            or on a cluster, with (units finished, units in all).
        options: fields of `featherdepth.runtime.outputs.OutputOptions`.

    Returns:
        `out`, `done`, `skipped`, `failed` (list of `photo`, `error`), `failures` (the file that
        lists them), `model`, `sha256`, `kind`, `unit`, `larger_is`, `backend`, `precision`.

    Raises:
        UsageError: a model, size or option that does not exist or fit; a result that would take
            the place of a photo, or of a file that is no result.
        InputError: an input that does not exist or holds no photo; where `output` is a file,
            whatever is wrong with the photo.
        WeightsError: a model that is missing or damaged.
        BackendError: a backend or Ray is not installed.
        RunError: the results cannot be written, or the cluster does not answer; what is there
            stays.
    """
    from featherdepth.api.engines import check_engine, run_work, work_threads
    from featherdepth.data.packed import is_packed
    from featherdepth.images.failures import write_failures
    from featherdepth.images.read import find_images
    from featherdepth.runtime.job import predict_files, streams_for
    from featherdepth.runtime.model import DepthModel
    from featherdepth.runtime.outputs import OutputOptions, check_outputs, one_file

    check_engine(engine, workers, address, shard)
    if engine == "ray" and device is not None:
        raise UsageError("the engine ray predicts on CPUs; leave --device out, or the engine")
    chosen = OutputOptions(**options)
    entries = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    packed = [entry for entry in entries if str(entry) != "-" and is_packed(Path(entry))]
    if packed and len(packed) < len(entries):
        raise UsageError(f"{packed[0]}: many photos in a file; name such files alone")
    photos = [] if packed else find_images(entries, out=Path(output))
    out, failures = Path(output), "failures.jsonl"
    if one := one_file(out, photos, chosen, by_name="formats" in options):
        out, photos, chosen, failures = one.folder, [one.photo], one.options, one.failures
    check_outputs(photos, out, chosen, failures=failures, overwrite=overwrite)
    if shard is not None:
        index, count = shard
        photos = photos[index - 1 :: count]
        failures = f"failures-{index}-of-{count}.jsonl"
    in_units = bool(packed) or engine != "local"
    threads_each = work_threads(engine, threads)
    streams = streams_for(in_units or len(photos) > 1, threads_each)
    network = DepthModel.from_pretrained(
        model,
        backend=backend,
        precision=precision,
        threads=threads_each,
        streams=streams,
        device=device,
        wait=in_units,  # else the first photos are read meanwhile
    )
    if not in_units:
        result = predict_files(
            network,
            photos,
            out,
            chosen,
            overwrite=overwrite,
            failures=failures,
            progress=progress,
        )
    else:
        from featherdepth.runtime.predict_work import PredictWork, check_packs, found_units

        chosen.check_kind(network.preset.kind)
        work = PredictWork(
            model=model,
            made=network.provenance,
            out=out.absolute(),
            options=chosen,
            threads=threads_each,
            streams=streams,
            device=device,
        )
        if packed:
            from featherdepth.data.units import list_all

            units, skipped = list_all([Path(entry) for entry in packed]), 0
            if not overwrite:
                check_packs(units, work)
        else:
            units, skipped = found_units(photos, work, overwrite=overwrite)
        result = run_work(
            work,
            units,
            engine,
            workers=workers,
            threads=threads,
            address=address,
            shard=shard if packed else None,
            overwrite=overwrite,
            progress=progress,
        )
        result.skipped += skipped
        write_failures(out / failures, result.failed)
    if one and result.failed:
        (out / failures).unlink(missing_ok=True)
        raise InputError(result.failed[0]["error"])
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
