"""What takes a model to a device."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from featherdepth.errors import UsageError, needing

if TYPE_CHECKING:
    from featherdepth.export.job import Labeled
    from featherdepth.runtime.model import DepthModel


def export(
    model: str | Path | None,
    output: str | Path,
    *,
    to: str | None = None,
    precision: str = "fp32",
    size: tuple[int, int] | None = None,
    uint8_input: bool = False,
    calibrate: Sequence[str | Path] = (),
    verify: Sequence[str | Path] = (),
    max_drop: float | None = None,
    data: str | Path | None = None,
    split: str | None = None,
    every: int = 1,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write one deployable file, verified against its original; a report as JSON beside it.

    Args:
        model: an embedded model, a model folder, or NETWORK@FILE; the everyday model if None.
        output: the file: .onnx, .xml (its .bin is written beside it) or .pt2.
        to: "onnx", "openvino" or "pt2"; by default what the suffix of `output` says.
        precision: "fp32"; "fp16" stores weights in half and computes in float32; "bf16" (not
            onnx); "int8" (not pt2).
        size: (height, width) to fix; both are open by default.
        uint8_input: take RGB bytes `b h w 3` of any size and give depth of that size; what is
            missing to the network's multiple is padded. The default takes RGB in 0..1, `b 3 h w`.
        calibrate: photos that int8 takes its scales from.
        verify: photos that both are compared on; by default those of `calibrate`, else made-up
            pictures.
        max_drop: relative rise of abs_rel that is allowed on `data`, in place of 0.005 (fp16, bf16)
            and 0.01 (int8); without `data` an abs_rel to the original is, that stands for it.
        data, split: labeled data, as for `evaluate`, under the protocol `aligned`.
        every: of `data`, only every n-th image.
        overwrite: also replace files that no export wrote; an earlier export is replaced anyway.

    Returns:
        The report, as `featherdepth.export.job.export` describes it.

    Raises:
        UsageError: an unknown model, format or precision, options that do not go together, or a
            place that is taken.
        InputError: photos or data that are missing.
        WeightsError: a model that is missing or damaged.
        BackendError: a package that is not installed, or a precision that this CPU lacks.
        RunError: the file is too far from its original; nothing is left.
    """
    with needing("export", "export"):
        import onnx  # noqa: F401 - said here, before anything is loaded
        import torch  # noqa: F401

        from featherdepth.export.job import export as export_model
        from featherdepth.export.order import Order, Precision, written_as
        from featherdepth.export.source import open_source
    if data is None and (split is not None or every != 1):
        raise UsageError("--split and --every choose from labeled data; name it with --data")
    order = Order(
        to=written_as(Path(output)) if to is None else to,
        output=Path(output),
        precision=cast(Precision, precision),  # looked at by `checked`
        fixed=size,
        pixels=uint8_input,
        calibrate=calibrate,
        verify=verify,
        max_drop=max_drop,
        overwrite=overwrite,
    )
    source = open_source(model)
    order.checked(source)
    return export_model(source, order, None if data is None else _on(Path(data), split, every))


def _on(data: Path, split: str | None, every: int) -> "Labeled":
    """abs_rel and delta1 of a model on labeled data."""
    from featherdepth.data.probe import open_data
    from featherdepth.evaluation.accuracy import evaluate
    from featherdepth.metrics.protocols import load_protocol

    samples, rules = open_data(data, split), load_protocol("aligned")

    def measured(model: "DepthModel") -> dict[str, float]:
        shard = None if every == 1 else (1, every)
        result = evaluate(model, samples, rules, name=model.preset.name, shard=shard)
        found = {name: float(result["metrics"][name]["value"]) for name in ("abs_rel", "delta1")}
        return found | {"images": len(result["images"])}

    return measured
