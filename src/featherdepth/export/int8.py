"""8-bit arithmetic after training: scales from the user's photos, no labels.

onnx      onnxruntime's static quantization: pairs of QuantizeLinear and DequantizeLinear
openvino  nncf, preset "mixed": symmetric weights, asymmetric activations

Both quantize weights by output channel and activations by tensor. Layers that suffer most keep
float32; `search` finds how many must.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import onnx

from featherdepth.errors import BackendError, RunError
from featherdepth.export.pictures import Photos, Picture
from featherdepth.export.sensitivity import Sensitivity
from featherdepth.export.single_file import layers
from featherdepth.runtime.exported import Exported

T = TypeVar("T")

logger = logging.getLogger(__name__)

KEPT = (0, 2, 4, 8, 16, 32)
"""How many layers are tried in float32, in this order, until the bound holds."""


def search(
    ranking: Callable[[], Sequence[Sensitivity]], attempt: Callable[[tuple[str, ...]], T]
) -> T:
    """Keep as few layers as the bound allows.

    Args:
        ranking: the most sensitive first; asked for only if not all layers can be quantized.
        attempt: makes and checks a file with these layers in float32.

    Returns:
        What the attempt that held returned.

    Raises:
        RunError: of the last attempt, where none held.
    """
    order: list[str] = []
    for count in KEPT:
        if count:
            order = order or [s.layer for s in ranking()]
            if count > len(order):
                continue
        try:
            return attempt(tuple(order[:count]))
        except RunError as error:
            failed = error
            logger.info("%d layers in float32: %s", count, error)
    raise failed


def quantize_onnx(
    model: onnx.ModelProto, pictures: Iterable[Picture], kept: Sequence[str], folder: Path
) -> onnx.ModelProto:
    """The graph in 8 bits; `folder` takes files on the way."""
    from onnxruntime.quantization.calibrate import CalibrationDataReader
    from onnxruntime.quantization.quant_utils import QuantFormat, QuantType
    from onnxruntime.quantization.quantize import quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._pictures = iter(pictures)

        def get_next(self) -> Any:
            picture = next(self._pictures, None)
            return None if picture is None else {"images": picture}

    before, after = folder / "float.onnx", folder / "int8.onnx"
    onnx.save(model, before)
    with _quiet():
        quantize_static(
            before,
            after,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(kept),
        )
    return onnx.load(after)


def quantize_openvino(
    model: Any,
    graph: onnx.GraphProto,
    pictures: Photos,
    exported: Exported,
) -> Any:
    """OpenVINO's model in 8 bits, but for the layers that `exported` keeps.

    Args:
        graph: that it was read from; OpenVINO's names are made of those in it.

    Raises:
        BackendError: nncf is not installed.
    """
    try:
        os.environ.setdefault("NNCF_NOTIFICATIONS", "0")
        import nncf
    except ImportError as error:
        raise BackendError(
            f"int8 for OpenVINO needs {error.name}; pip install 'featherdepth[export]'"
        ) from error
    kept = exported.kept
    named = [layer for layer in layers(graph) if layer.name in kept]
    names = {name for layer in named for name in (layer.name, layer.output[0])}
    ignored = [
        op.get_friendly_name()
        for op in model.get_ops()
        if op.get_type_name() in ("Convolution", "GroupConvolution", "MatMul")
        and op.get_friendly_name().removesuffix("/WithoutBiases") in names
    ]
    if len(ignored) != len(kept):
        raise RunError(
            f"{len(ignored)} of {len(kept)} layers that stay in float32 were found in OpenVINO's"
            " model; use another version of openvino"
        )
    data = nncf.Dataset(pictures, exported.fed)
    with _quiet():
        return nncf.quantize(
            model,
            data,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(pictures),
            ignored_scope=nncf.IgnoredScope(names=ignored),
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Both tools log what they do to developers; nncf draws bars besides."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            yield
    finally:
        logging.disable(before)
