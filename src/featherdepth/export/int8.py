"""8-bit arithmetic after training: scales from the user's photos, no labels.

onnxruntime's static quantization writes pairs of QuantizeLinear and DequantizeLinear, weights by
output channel and activations by tensor; OpenVINO reads the same pairs and computes in 8 bits, too.
(nncf 3.4, preset "mixed", was tried for OpenVINO: with `small` and the same 30 photos abs_rel to
the original was .047, with these pairs .032; on labeled NYUv2 abs_rel rose by 2.5 %.)

The first and the last layer keep float32, as what is seen and what is said would else have 256
steps: with both abs_rel of `small` rose by 0.5 %, without by 0.7 %. So does what reads the first
layer's map, which costs no time that could be measured: rounded, that map alone moved `base` by
3.1 % of the range in OpenVINO and by .25 % in onnxruntime (docs/experiments.md). Further layers
that suffer keep float32, too; `search` finds how many must.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import onnx

from featherdepth.errors import RunError
from featherdepth.export.pair_ranges import pair_ranges
from featherdepth.export.pictures import Picture
from featherdepth.export.sensitivity import Sensitivity
from featherdepth.export.single_file import layers

T = TypeVar("T")

logger = logging.getLogger(__name__)

ACTIVATIONS = ("Relu", "Clip")
"""Joined to the layer before by every runtime."""
KEPT = (0, 2, 4, 8, 16, 32)
"""How many layers are tried in float32, in this order, until the bound holds."""


def search(
    ranking: Callable[[], Sequence[Sensitivity]],
    attempt: Callable[[tuple[str, ...]], T],
    always: tuple[str, ...] = (),
) -> T:
    """Keep as few layers as the bound allows.

    Args:
        always: layers that are kept in any case.
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
            order = order or [s.layer for s in ranking() if s.layer not in always]
            if count > len(order):
                continue
        try:
            return attempt((*always, *order[:count]))
        except RunError as error:
            failed = error
            logger.info("%d layers in float32: %s", count, error)
    raise failed


def kept_nodes(graph: onnx.GraphProto) -> tuple[str, ...]:
    """The first layer, the nodes that read its map, and the last layer; none of only two layers."""
    names = [node.name for node in layers(graph)]
    if len(names) <= 2:
        return ()
    return tuple(dict.fromkeys((names[0], *_readers(graph, names[0]), names[-1])))


def _readers(graph: onnx.GraphProto, layer: str) -> list[str]:
    """The nodes that read what a layer gives, behind its activation."""
    maps = {output for node in graph.node if node.name == layer for output in node.output}
    found = []
    for node in graph.node:
        if maps.isdisjoint(node.input):
            continue
        if node.op_type in ACTIVATIONS:
            maps |= set(node.output)
        else:
            found.append(node.name)
    return found


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
            extra_options={"TensorQuantOverrides": pair_ranges(model.graph)},
            nodes_to_exclude=[*kept, *_behind(model.graph, kept)],
        )
    return onnx.load(after)


def _behind(graph: onnx.GraphProto, kept: Sequence[str]) -> list[str]:
    """What follows the last layer, if that is kept: else its result is rounded after all."""
    names = [node.name for node in graph.node]
    last = [node.name for node in layers(graph)][-1]
    return names[names.index(last) + 1 :] if last in kept else []


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """It gives advice to developers through the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
